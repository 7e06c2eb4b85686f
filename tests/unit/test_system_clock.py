"""The real clock: monotonic and wall time, and `synced` as it is asked for, at most every ten seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent import system_clock
from agent.system_clock import SYNC_READ_EVERY_S, SystemClock

if TYPE_CHECKING:
    import pytest


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
