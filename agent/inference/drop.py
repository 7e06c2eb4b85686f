"""Whether it was the sensor that fell, and nobody in it: it flew, and then it lay as no body lies.

A thing that falls from a hand or a table weighs nothing all the way: 0.45 s from a metre. A body's legs carry a part
of it: in the falls of SisFall and SmartFallMM |a| stays under 0.25 g for 160 ms at most, and in their jumps for
220 ms. But a body that falls from a ladder flies as well. So flight only opens a watch of ten seconds: without the
least movement, not even a breath's, it was the sensor alone; with any, it may be a person, and the model's answer
stands.

Rules of this file: pure; lengths, scatter and measured samples only. Whatever is not clear is no drop. A sensor that is
too coarse to show a breath shows no noise either, and is never taken for a dropped one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from agent.inference import layout
from agent.inference.evidence import longest_run
from agent.inference.layout import RATE_HZ
from agent.inference.motion_features import Second
from agent.inference.resample import GAP_S, LATENCY_S, Floats
from agent.inference.straight import scatter

FLIGHT_G = 0.25
"""Zero offset (80 mg on each axis) and tumbling (0.1 g: two turns a second, 7 mm off the middle) stay below it."""
FLIGHT_MS = 280.0
"""0.38 m of fall: less than from any hand or table, and far more than any body's in the recordings."""
SETTLE_S = 1.5
"""Bounces and rolling are over this long after the hardest impact, or it is no drop."""
SECONDS = 10
"""Two breaths and more."""
MOVED_G = 0.001
"""Most scatter (root mean square) of the seconds' gravity about a straight line, for a sensor that cools drifts;
docs/model/pipeline.md has how rarely people keep it."""
LEAST_NOISE_G, MOST_NOISE_G = 0.0002, 0.0225
"""Movement within a second: less is a sensor that shows nothing, more (13 mg on each axis) is more than noise."""
DECIDED_S = SETTLE_S + 1.0 + SECONDS + LATENCY_S + GAP_S
"""From the impact to the latest moment at which a watch has ended, as long as samples come."""
_SAME_S = 0.01


class Found(Enum):
    """What a watch ended with."""

    DROPPED = "dropped"
    MOVED = "moved"


@dataclass(frozen=True, slots=True)
class Watch:
    """A sensor that flew, while it is seen whether it moves. `found` is None until that is known."""

    impact_at: float
    last_at: float | None = None
    seconds: tuple[tuple[float, float, float], ...] = ()
    found: Found | None = None


def flight_ms(xyz: Floats, before: int) -> float:
    """Return the longest time without weight in the `before` measured samples before the impact of a window."""
    magnitude = np.sqrt((xyz * xyz).sum(axis=1))[layout.BEFORE - before : layout.BEFORE]
    return 1000.0 / RATE_HZ * longest_run(magnitude < FLIGHT_G)


def saw(watch: Watch, second: Second) -> Watch:
    """Take in the next second of motion; one that is missing counts as movement."""
    if watch.found is not None or second.at - 1.0 < watch.impact_at + SETTLE_S:
        return watch
    missing = watch.last_at is not None and second.at > watch.last_at + 1.0 + _SAME_S
    if missing or not LEAST_NOISE_G <= second.moving_g <= MOST_NOISE_G:
        return replace(watch, found=Found.MOVED)
    watch = replace(watch, last_at=second.at)
    seconds = (*watch.seconds, second.gravity)
    if len(seconds) < SECONDS:
        return replace(watch, seconds=seconds)
    moved = scatter(np.arange(len(seconds)), np.array(seconds)) > MOVED_G * MOVED_G
    return replace(watch, seconds=seconds, found=Found.MOVED if moved else Found.DROPPED)


def interrupted(watch: Watch) -> Watch:
    """Note that no more samples come: then nobody knows."""
    return watch if watch.found is not None else replace(watch, found=Found.MOVED)
