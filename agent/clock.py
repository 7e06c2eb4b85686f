"""The moment in time that is handed to the core, and the clocks that make it.

Rules of this file: nothing here asks the operating system for the time (`agent/system_clock.py` does),
so the pure core may import it. Monotonic time decides, wall time only labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Now:
    """One moment: `mono` seconds since the machine's boot, `wall` since 1970, `synced` if wall can be trusted."""

    mono: float
    wall: float
    synced: bool = True


class Clock(Protocol):
    """Whatever can say what time it is; shells own one, the core is only ever handed a `Now`."""

    def now(self) -> Now:
        """Return the present moment."""
        ...


class ManualClock:
    """A clock that stands still until it is told to move: for replay, the simulator's tests and unit tests."""

    def __init__(self, mono: float = 1000.0, wall: float = 1_780_000_000.0, *, synced: bool = True) -> None:
        self._now = Now(mono, wall, synced)

    def now(self) -> Now:
        """Return the moment that the clock stands at."""
        return self._now

    def advance(self, seconds: float) -> Now:
        """Move both monotonic and wall time forward by `seconds` (not negative)."""
        if seconds < 0:
            raise ValueError("monotonic time never goes back; use set_wall() to move the wall clock")
        self._now = Now(self._now.mono + seconds, self._now.wall + seconds, self._now.synced)
        return self._now

    def set_wall(self, wall: float, *, synced: bool) -> Now:
        """Set wall time only, as NTP or a technician would."""
        self._now = Now(self._now.mono, wall, synced)
        return self._now
