"""Sensitivity against false calls an hour, as the threshold moves: of the model, and of a plain threshold on |a|.

Rules of this file: the same recordings, people and counting for both. What is called by rule (a recording that ends
within 1 s of an impact) is a call in a fall and counts for nothing in daily life, whichever the sensor.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from training.evaluate.counts import Material, Rate, Share, daily_life, falls, rate_of
from training.evaluate.judged import Judged, Trigger

PLAIN_LEVELS_G = tuple(round(1.6 + 0.1 * step, 1) for step in range(65))
"""From the trigger's level to 8 g."""

Calls = Callable[[Trigger], bool]


@dataclass(frozen=True, slots=True)
class Point:
    """What one threshold reaches: a score, or a level in g."""

    threshold: float
    sensitivity: Share
    false_calls: Rate


def at(material: Material, chosen: Sequence[Judged], threshold: float, calls: Calls) -> Point:
    """Return the point at which `calls` says which triggers of the recordings call."""
    return Point(
        threshold,
        material.share(falls(chosen), lambda one: any(t.score is None or calls(t) for t in one.triggers)),
        rate_of(daily_life(chosen), lambda one: sum(t.score is not None and calls(t) for t in one.triggers)),
    )


def over(level_g: float) -> Calls:
    """Return how a plain sensor of this level calls."""
    return lambda trigger: trigger.peak_g > level_g


def scored(threshold: float) -> Calls:
    """Return how the model with this threshold calls."""
    return lambda trigger: trigger.would_call(threshold)


def of_the_model(material: Material, chosen: Sequence[Judged]) -> list[Point]:
    """Return a point for every score that a trigger was given, the lowest first."""
    scores = sorted({t.score for one in chosen for t in one.triggers if t.score is not None})
    return [at(material, chosen, score, scored(score)) for score in scores]


def of_a_plain_sensor(material: Material, chosen: Sequence[Judged]) -> list[Point]:
    """Return a point for each level of a sensor that calls at every peak above it."""
    return [at(material, chosen, level_g, over(level_g)) for level_g in PLAIN_LEVELS_G]
