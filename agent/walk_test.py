"""The walk test: a technician pulls every cord once, and the centre sees that it came.

Rules of this file: pure. Only the first pull of each sensor is a test. A second pull, or one that is held for more than
10 s, is a person who needs help. It ends by itself after 15 minutes or at a restart (it is never kept on disk).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

ENDS_AFTER_S = 15 * 60.0
HELD_FOR_S = 10.0


@dataclass(frozen=True, slots=True)
class WalkTest:
    """A walk test under way: since when, and the sensors already pulled, with the pulls that are still held."""

    began_at: float
    pulled: frozenset[str] = frozenset()
    held_since: Mapping[str, float] = field(default_factory=dict)


def first_pull(test: WalkTest | None, sensor: str, at: float) -> tuple[WalkTest | None, bool]:
    """Return whether this pull is a test."""
    if test is None or sensor in test.pulled:
        return test, False
    return replace(test, pulled=test.pulled | {sensor}, held_since={**test.held_since, sensor: at}), True


def let_go(test: WalkTest | None, sensor: str) -> WalkTest | None:
    """Note that a sensor was released."""
    if test is None or sensor not in test.held_since:
        return test
    return replace(test, held_since={name: at for name, at in test.held_since.items() if name != sensor})


def held_too_long(test: WalkTest | None, now: float) -> tuple[WalkTest | None, tuple[str, ...]]:
    """Return the sensors whose test pull became a real call because it was held."""
    if test is None:
        return test, ()
    real = tuple(sensor for sensor, at in test.held_since.items() if now - at > HELD_FOR_S)
    for sensor in real:
        test = let_go(test, sensor)
    return test, real


def is_over(test: WalkTest | None, now: float) -> bool:
    """Whether its time is up."""
    return test is not None and now - test.began_at >= ENDS_AFTER_S


def next_deadline(test: WalkTest | None) -> float | None:
    """Return when something is due, or None."""
    if test is None:
        return None
    held = [at + HELD_FOR_S for at in test.held_since.values()]
    return min(held, default=test.began_at + ENDS_AFTER_S)
