"""`nodkald run` around the unit: what is set for the whole process before it starts."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from agent import app, logs, memory, run
from tests.unit.doctor.cases import write_unit

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave this process's threads, signals, memory and log as they were."""
    interval, handlers = sys.getswitchinterval(), {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    monkeypatch.setattr(memory, "share_one_arena", lambda: None)
    monkeypatch.setattr(logs, "configure", lambda _: None)
    yield
    sys.setswitchinterval(interval)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_no_thread_keeps_the_one_that_decides_waiting_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    class Fake:
        def __init__(self, _unit: Any) -> None:
            seen.append(sys.getswitchinterval())

        def run(self) -> int:
            return 0

    monkeypatch.setattr(app, "App", Fake)
    parser = argparse.ArgumentParser()
    run.configure(parser)
    assert run.run(parser.parse_args(["--unit-file", str(write_unit(tmp_path))])) == 0
    assert seen == [pytest.approx(run.SWITCH_INTERVAL_S)]
