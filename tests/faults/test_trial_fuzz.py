"""The two fuzz trials, on a small scale; and that they would notice what they are there for."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from agent.sensors.wt901 import Wt901Frame, Wt901Framer
from tests.trials import fuzz_downlink, fuzz_framers
from tests.trials.fuzz_downlink import BenchOnDisk
from tests.trials.fuzz_framers import FRAMINGS, found, fuzz
from tests.trials.hostile import Hostile
from tests.trials.ledger import Ledger
from tests.trials.registry import TRIALS

FUZZ_BYTES = 40_000


class Trusting(Wt901Framer):
    """Throws away all that has come where a frame is damaged, as if its length could be trusted."""

    def feed(self, data: bytes) -> list[Wt901Frame]:
        if b"\x55\x51\x00" in data:
            self._rest = b""
            return []
        return super().feed(data)


class Hoarding(Wt901Framer):
    """Keeps what is no frame."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = b""

    @property
    def waiting(self) -> int:
        return len(self.kept)

    def feed(self, data: bytes) -> list[Wt901Frame]:
        self.kept += data
        return super().feed(data)


class Raising(Wt901Framer):
    """Raises on a run of headers."""

    def feed(self, data: bytes) -> list[Wt901Frame]:
        if b"\x55\x55\x55" in data:
            raise ValueError("too many headers")
        return super().feed(data)


def test_every_framer_stands_a_little_fuzz(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fuzz_framers, "FUZZ_BYTES", FUZZ_BYTES)
    ledger = Ledger()
    note = TRIALS["fuzz-framers"].load()(ledger, 1, random.Random(5), tmp_path)  # noqa: S311 - fuzz is no secret
    assert ledger.lies == []
    assert all(kind.__name__ in note for kind in found())
    assert Wt901Framer in found()


@pytest.mark.parametrize("kind", [Trusting, Hoarding, Raising])
def test_a_framer_that_breaks_its_promise_is_told(kind: type[Wt901Framer]) -> None:
    broken, _ = fuzz(kind(), FRAMINGS[Wt901Framer], random.Random(5), FUZZ_BYTES)  # noqa: S311 - fuzz is no secret
    assert broken


def test_hostile_messages_change_nothing_in_the_core(tmp_path: Path) -> None:
    ledger = Ledger()
    (tmp_path / "core").mkdir()
    fuzz_downlink.into_the_core(ledger, 1500, random.Random(5), tmp_path / "core")  # noqa: S311 - fuzz is no secret
    assert ledger.lies == []


@pytest.mark.parametrize("order", ["received", "accepted", "closed", "restart"])
def test_a_whole_message_would_be_noticed(order: str, tmp_path: Path) -> None:
    with contextlib.closing(BenchOnDisk(tmp_path, paths=("primary", "secondary"))) as bench:
        ids = fuzz_downlink.busy(bench)
        body: dict[str, Any] = {"ack": order, "event_id": ids.open_events[0], "call_id": ids.open_calls[0]}
        if order == "restart":
            bench.disk.works = False  # it waits while a call exists only in memory
            bench.pull("bathroom-cord")
            body = {"id": "c", "cmd": order}
        message = Hostile("cmd" if order == "restart" else "ack", json.dumps(body).encode())
        assert fuzz_downlink.send_one(bench, message, "primary")


def test_a_unit_among_hostile_messages_still_calls(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fuzz_downlink, "MESSAGES", 200)
    monkeypatch.setattr(fuzz_downlink, "THROUGH_A_BROKER", 400)
    ledger = Ledger()
    TRIALS["fuzz-downlink"].load()(ledger, 1, random.Random(5), tmp_path)  # noqa: S311 - fuzz is no secret
    row = ledger.row("fuzz-downlink", "", "")
    assert row.clean, ledger.lies
    assert row.pulls == 2
    assert row.longest_s is not None
