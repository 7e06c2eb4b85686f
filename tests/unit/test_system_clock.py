"""The real clock: monotonic and wall time, and `synced` as the kernel says it, asked at most every ten seconds."""

from __future__ import annotations

import ctypes
import time
from typing import Any

import pytest

from agent import system_clock
from agent.system_clock import SYNC_READ_EVERY_S, SystemClock, kernel_clock_synced


def test_it_tells_the_times_of_this_machine() -> None:
    before = time.monotonic()
    now = SystemClock().now()
    assert before <= now.mono <= time.monotonic()
    assert abs(now.wall - time.time()) < 5


def test_the_kernel_is_asked_at_most_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([100.0, 100.1, 100.0 + SYNC_READ_EVERY_S - 0.1, 100.0 + SYNC_READ_EVERY_S])
    answers = iter([True, False])
    monkeypatch.setattr(system_clock.time, "monotonic", lambda: next(moments))
    monkeypatch.setattr(system_clock, "kernel_clock_synced", lambda: next(answers))
    clock = SystemClock()
    assert [clock.now().synced for _ in range(4)] == [True, True, True, False]


class FakeLibc:
    """A C library whose adjtimex answers as told."""

    def __init__(self, state: int, maxerror: int) -> None:
        self.state, self.maxerror = state, maxerror

    def adjtimex(self, reference: Any) -> int:
        assert reference._obj.modes == 0, "a read must not set anything"
        reference._obj.maxerror = self.maxerror
        return self.state


@pytest.mark.parametrize(
    ("state", "maxerror", "synced"),
    [(0, 500, True), (5, 500, True), (0, 15_999_999, True), (0, 16_000_000, False), (-1, 500, False)],
)
def test_synced_is_an_error_below_sixteen_seconds(
    monkeypatch: pytest.MonkeyPatch, state: int, maxerror: int, *, synced: bool
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: FakeLibc(state, maxerror))
    assert kernel_clock_synced() is synced


def test_a_libc_that_does_not_know_is_not_synced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    assert kernel_clock_synced() is False


def test_the_real_kernel_answers_without_an_error() -> None:
    assert kernel_clock_synced() in (True, False)
