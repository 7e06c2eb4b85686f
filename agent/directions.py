"""Directions in space, as a worn sensor's axes have them: only the angle between two of them means anything.

Rules of this file: plain arithmetic, without a library, so that the core can use it as well as the inference.
"""

from __future__ import annotations

import math

Vector = tuple[float, float, float]
"""An acceleration in g, in the sensor's axes."""
LEAST_G = 0.2
"""A mean acceleration under this is no direction: the sensor was falling or thrown."""


def angle_deg(one: Vector, other: Vector) -> float | None:
    """Return the angle between two directions in degrees, 0 to 180; None where one of them is none."""
    length = math.hypot(*one), math.hypot(*other)
    if min(length) < LEAST_G:
        return None
    cosine = sum(a * b for a, b in zip(one, other, strict=True)) / (length[0] * length[1])
    return math.degrees(math.acos(min(1.0, max(-1.0, cosine))))
