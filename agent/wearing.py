"""Whether a wearable is worn: its life as a table, fed by how much its motion moved, stretch by stretch.

A person moves a sensor without wanting to, by breathing and by the heart; a table does not. So a stillness that no body
keeps, for as long as the profile says, is `sensor.not_worn`. Missing samples say nothing: that is `sensor.silent`.

Rules of this file: pure. It makes a technical fault and nothing else: no trigger and no call is weighed by it. Any
movement keeps the fault from beginning, and only a hand ends it, or it would flap. Moments are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Protocol

from agent.events import Fault
from agent.readings import MotionBatch


class Phase(Enum):
    """Where a wearable stands."""

    UNKNOWN = "unknown"
    WORN = "worn"
    STILL = "still"
    NOT_WORN = "not_worn"


class Sign(Enum):
    """What was learnt about it."""

    RESTED = "rested"
    """Not the least movement."""
    MOVED = "moved"
    """As little as a breath, and as much as anything."""
    HANDLED = "handled"
    """Picked up, turned over, put on."""
    TIME_UP = "time_up"
    """It has rested for as long as the profile allows, and no call of it is under way."""
    LOST = "lost"
    """Nothing readable comes from it any more."""


TRANSITIONS: dict[tuple[Phase, Sign], Phase] = {
    (Phase.UNKNOWN, Sign.RESTED): Phase.STILL,
    (Phase.UNKNOWN, Sign.MOVED): Phase.WORN,
    (Phase.UNKNOWN, Sign.HANDLED): Phase.WORN,
    (Phase.WORN, Sign.RESTED): Phase.STILL,
    (Phase.WORN, Sign.LOST): Phase.UNKNOWN,
    (Phase.STILL, Sign.MOVED): Phase.WORN,
    (Phase.STILL, Sign.HANDLED): Phase.WORN,
    (Phase.STILL, Sign.LOST): Phase.UNKNOWN,
    (Phase.STILL, Sign.TIME_UP): Phase.NOT_WORN,
    (Phase.NOT_WORN, Sign.HANDLED): Phase.WORN,
}
"""Pairs that are not here change nothing: a sensor that falls silent on its charger is still not worn, say."""

FAULT_OF: dict[Phase, Fault] = {Phase.NOT_WORN: Fault.SENSOR_NOT_WORN}
"""The fault that a wearable has while it stands in a phase."""

AFTER_DROP_S = 60.0
"""A stillness that begins within this after a drop is the dropped sensor's own."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a sensor may rest before it is not worn, in seconds; the second after a drop."""

    after_s: float
    after_drop_s: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one stretch of a sensor's motion showed: `RESTED`, `MOVED` or `HANDLED`."""

    sensor: str
    began: float
    ended: float
    sign: Sign


@dataclass(frozen=True, slots=True)
class Wearing:
    """One wearable: its phase, the beginning and the end of its rest, and when it was dropped last."""

    phase: Phase = Phase.UNKNOWN
    still_since: float = 0.0
    still_until: float = 0.0
    dropped_at: float | None = None

    @property
    def worn(self) -> bool | None:
        """Return whether it is worn; None where nothing tells."""
        return None if self.phase is Phase.UNKNOWN else self.phase is not Phase.NOT_WORN

    @property
    def was_dropped(self) -> bool:
        """Whether this rest began with a drop."""
        return self.dropped_at is not None and 0 <= self.still_since - self.dropped_at <= AFTER_DROP_S


class StillnessWatch(Protocol):
    """What looks at the samples, as the core sees it: immutable, and stepped like the core itself.

    A guest like fall detection: when it raises, the core goes on without it, and whether a sensor is worn is unknown.
    """

    def step(self, batch: MotionBatch) -> tuple[StillnessWatch, Sequence[Stretch]]:
        """Return the next state, and the stretches that `batch` completed, oldest first."""
        ...


def saw(wearing: Wearing, stretch: Stretch, limits: Limits, *, call_under_way: bool) -> Wearing:
    """Take in a stretch. While a call of the sensor is under way its rest goes on, and makes no fault."""
    after = _move(wearing, stretch.sign)
    if after.phase is Phase.STILL:  # which only a rest leads to, and nothing but a rest keeps
        since = after.still_since if wearing.phase is Phase.STILL else stretch.began
        after = replace(after, still_since=since, still_until=stretch.ended)
        limit = limits.after_drop_s if after.was_dropped else limits.after_s
        if stretch.ended - since >= limit and not call_under_way:
            return _move(after, Sign.TIME_UP)
    return after


def saw_drop(wearing: Wearing, at: float) -> Wearing:
    """Note that the sensor hit the ground at `at`: a rest that follows is judged sooner."""
    return replace(wearing, dropped_at=at)


def lost(wearing: Wearing) -> Wearing:
    """Note that nothing readable comes any more."""
    return _move(wearing, Sign.LOST)


def describe(wearing: Wearing) -> str:
    """Say in words for a technician why it is not worn; empty where it may be."""
    if wearing.phase is not Phase.NOT_WORN:
        return ""
    seconds = wearing.still_until - wearing.still_since
    span = f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"
    how = "dropped, and then not the least movement" if wearing.was_dropped else "not the least movement"
    return f"{how} for {span}, not even a breath: ask the citizen to put it on"


def _move(wearing: Wearing, sign: Sign) -> Wearing:
    phase = TRANSITIONS.get((wearing.phase, sign), wearing.phase)
    return wearing if phase is wearing.phase else replace(wearing, phase=phase)
