"""What can be measured in a window, as numbers: the ground of every reason that a person reads.

Rules of this file: pure; only measured samples count, never held ones, so a short window gives fewer numbers instead
of invented ones. Accelerations in g, angles in degrees.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from agent.inference import layout
from agent.inference.channels import gravity_before
from agent.inference.layout import RATE_HZ
from agent.inference.resample import Floats

FREE_FALL_G = 0.6
STILL_G = 0.12
"""|a| within this of its own median counts as still: breathing and the sensor's noise stay below it."""
MOST_SHOCK = 8.0
"""In m/s. No fall at home makes more: it would be one from 3.3 m. In SisFall and SmartFallMM no shock has over 6."""
_SHOCK_G = 3.0  # a shock is a time in which |a| stays over this
_GRAVITY = 9.81
_SETTLE = 50  # grid samples after the impact that belong to the fall itself
_LEAST = 25  # fewer measured samples make no statement about posture or movement; odd, for there is one in the middle


def evidence(xyz: Floats, peak_g: float, before: int, after: int) -> dict[str, float]:
    """Return the numbers of a window (200, 3) of which `before` and `after` samples around the impact were measured.

    Always `peak_g` and `free_fall_ms`; where enough was measured, `posture_deg` (between gravity before and after),
    `moving_g` (standard deviation of |a| from 1 s after the impact on) and `still_s` (at the end of the window).
    """
    magnitude = np.sqrt((xyz * xyz).sum(axis=1))
    numbers = {
        "peak_g": round(peak_g, 3),
        "free_fall_ms": 1000.0 / RATE_HZ * longest_run(magnitude[layout.BEFORE - before : layout.BEFORE] < FREE_FALL_G),
    }
    settled = slice(layout.BEFORE + _SETTLE, layout.BEFORE + after + 1)
    later = magnitude[settled]
    if len(later) >= _LEAST:
        numbers["moving_g"] = round(float(later.std()), 3)
        numbers["still_s"] = _still_at_end(magnitude[layout.BEFORE + 1 : layout.BEFORE + after + 1]) / RATE_HZ
        if before >= _LEAST:
            numbers |= _posture(xyz, settled)
    return numbers


def largest_shock(xyz: Floats, before: int, after: int) -> float:
    """Return the change of speed in m/s that the hardest shock measured in a window makes, if it pushes one way only.

    More than `MOST_SHOCK` is what a saturated or stuck sensor reports.
    """
    magnitude = np.sqrt((xyz * xyz).sum(axis=1))[layout.BEFORE - before : layout.BEFORE + after + 1]
    speed = np.concatenate(([0.0], np.cumsum((magnitude - 1.0) * (_GRAVITY / RATE_HZ))))
    edges = _edges(magnitude > _SHOCK_G)
    return float((speed[edges[1::2]] - speed[edges[::2]]).max()) if len(edges) else 0.0


def longest_run(flags: NDArray[np.bool_]) -> int:
    """Return how many samples in a row are true at most."""
    edges = _edges(flags)
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _posture(xyz: Floats, settled: slice) -> dict[str, float]:
    up, now = gravity_before(xyz), xyz[settled].mean(axis=0)
    length = float(np.sqrt(now @ now))
    if length < 0.5 or not up.any():  # no gravity to be seen: thrown, or no measurement
        return {}
    cosine = float(up @ now) / length
    return {"posture_deg": round(math.degrees(math.acos(min(1.0, max(-1.0, cosine)))), 1)}


def _edges(flags: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return where each run of true flags begins and where it is over, in turn."""
    return np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))


def _still_at_end(magnitude: Floats) -> int:
    # The median of an odd number, but not by np.median: its first call loads all of numpy.ma, and the core waits.
    level = float(np.sort(magnitude[-_LEAST:])[_LEAST // 2])
    loud = np.flatnonzero(np.abs(magnitude - level) > STILL_G)
    return len(magnitude) - 1 - int(loud[-1]) if len(loud) else len(magnitude)
