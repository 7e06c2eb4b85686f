"""The one mailbox between the threads that observe and the thread that decides.

Rules of this file: `put` never blocks and never raises, from whatever thread. Manual edges are served first and are
never dropped. Every other lane is bounded: motion and messages from outside lose their oldest, because the newest
says more, and take turns, so that a flood of messages can't starve the fall sensor. What was dropped is counted.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from agent.readings import Downlink, Edge, Item, Level, LinkQuality, MotionBatch

_MANUAL: Final = 0
_CONTROL: Final = 1
_MOTION: Final = 2
_OUTSIDE: Final = 3
BOUNDS: dict[int, int] = {_CONTROL: 20_000, _MOTION: 1_000, _OUTSIDE: 2_000}
"""The longest that a lane may be. Control holds answers of our own workers, each bounded by what the core asked for."""


class Mailbox:
    """Items from many threads, for one reader."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._lanes: tuple[deque[Item], ...] = tuple(deque() for _ in range(4))
        self._outside_next = False
        self._woken = False
        self.dropped = 0

    def put(self, item: Item) -> None:
        """Take in an item."""
        lane = _lane_of(item)
        with self._changed:
            waiting = self._lanes[lane]
            bound = BOUNDS.get(lane)
            if bound is not None and len(waiting) >= bound:
                waiting.popleft()
                self.dropped += 1
            waiting.append(item)
            self._changed.notify()

    def wake(self) -> None:
        """Make the reader's present or next `get` return at once."""
        with self._changed:
            self._woken = True
            self._changed.notify()

    def get(self, timeout: float) -> Item | None:
        """Return the next item, or None after `timeout` seconds (at once if it is not positive)."""
        with self._changed:
            self._changed.wait_for(self._ready, timeout=max(0.0, timeout))
            self._woken = False
            return self._take()

    def _ready(self) -> bool:
        return self._woken or any(self._lanes)

    def _take(self) -> Item | None:
        for lane in (_MANUAL, _CONTROL):
            if self._lanes[lane]:
                return self._lanes[lane].popleft()
        order = (_OUTSIDE, _MOTION) if self._outside_next else (_MOTION, _OUTSIDE)
        for lane in order:
            if self._lanes[lane]:
                self._outside_next = lane == _MOTION
                return self._lanes[lane].popleft()
        return None


def _lane_of(item: Item) -> int:
    if isinstance(item, Edge | Level):
        return _MANUAL
    if isinstance(item, MotionBatch | LinkQuality):
        return _MOTION
    return _OUTSIDE if isinstance(item, Downlink) else _CONTROL
