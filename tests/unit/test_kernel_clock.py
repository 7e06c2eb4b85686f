"""Whether the kernel holds the clock for synchronised: by its own answer, or by the service that may ask it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent import kernel_clock
from agent.kernel_clock import OLD_AFTER_S, ask_kernel, kernel_clock_synced, leave, read_back
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path


class FakeLibc:
    """A C library whose adjtimex answers as told."""

    def __init__(self, state: int, maxerror: int) -> None:
        self.state, self.maxerror = state, maxerror

    def adjtimex(self, reference: Any) -> int:
        assert reference._obj.modes == 0, "a read must not set anything"
        reference._obj.maxerror = self.maxerror
        return self.state


REFUSED = FakeLibc(-1, 500)
"""What the agent's sandbox makes of the call."""


@pytest.fixture
def reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kernel_clock, "READING", tmp_path / "reading")
    return tmp_path / "reading"


@pytest.mark.parametrize(
    ("state", "maxerror", "synced"),
    [(0, 500, True), (5, 500, True), (0, 15_999_999, True), (0, 16_000_000, False)],
)
@pytest.mark.usefixtures("reading")
def test_synced_is_an_error_below_sixteen_seconds(
    monkeypatch: pytest.MonkeyPatch, state: int, maxerror: int, *, synced: bool
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: FakeLibc(state, maxerror))
    assert kernel_clock_synced() is synced


@pytest.mark.parametrize("libc", [REFUSED, object()], ids=["refused", "a libc that does not know"])
def test_who_may_not_ask_believes_the_service(monkeypatch: pytest.MonkeyPatch, reading: Path, libc: object) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: libc)
    assert ask_kernel() is None
    assert kernel_clock_synced() is False  # there is none
    leave(reading, synced=True)
    assert kernel_clock_synced() is True
    leave(reading, synced=False)
    assert kernel_clock_synced() is False


def test_who_may_ask_does_not_believe_a_file(monkeypatch: pytest.MonkeyPatch, reading: Path) -> None:
    leave(reading, synced=True)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: FakeLibc(0, 16_000_000))
    assert kernel_clock_synced() is False


def test_an_old_answer_says_nothing(tmp_path: Path) -> None:
    leave(tmp_path / "reading", synced=True)
    now = time.monotonic()
    assert read_back(tmp_path / "reading", now + OLD_AFTER_S - 1)
    assert not read_back(tmp_path / "reading", now + OLD_AFTER_S + 1)
    assert not read_back(tmp_path / "reading", now - 1000), "it is of another start of the machine"


@pytest.mark.parametrize("text", ["", "1", "nan 1", "x 1", "10.0 true", "10.0 1 1", "\u2028", "\udcff"])
def test_anything_else_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "reading").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert not read_back(tmp_path / "reading", 20.0)


def test_the_service_leaves_what_the_kernel_says(tmp_path: Path) -> None:
    reading = tmp_path / "reading"
    command = [sys.executable, "-ISB", kernel_clock.__file__, str(reading)]  # as nodkald-clock.service has it
    with subprocess.Popen(command) as service:
        try:
            eventually(reading.exists)
        finally:
            service.kill()
    at, synced = reading.read_text().split()
    assert 0 <= time.monotonic() - float(at) < 60
    assert (synced == "1") is ask_kernel()
