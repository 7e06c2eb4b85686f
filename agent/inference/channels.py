"""What the model sees of a window: five channels that do not depend on how the sensor hangs.

Rules of this file: pure; every channel is made of lengths and of angles to gravity before the impact, so a rotation of
the sensor's axes changes none. Works on one window or on many at once (training), by the same code.

1. |a| - 1: how hard; 2. the component along gravity before the impact, - 1: free fall and impact from above;
3. the horizontal magnitude; each compressed, see `compressed`. 4. The cosine of the tilt, smoothed over 0.5 s: 1 as
before the impact, 0 lying down, -1 upside down; doubled, so that int8 resolves some 3 degrees around lying. 5. |a| - 1,
smoothed over 0.5 s and doubled: about half of by how many m/s the speed changed in that time. Below 0 on the way down,
above 0 where something stops a body or pushes it up: who gets up with a jolt is pushed after it, who falls is not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.inference.layout import QUIET_BEFORE
from agent.inference.resample import Floats

SMOOTH = 25
LIMIT = 4.0
"""No value of any channel is beyond this."""
_HALF_WAY_G = 2.0
_LEAST_G = 0.2  # below this a mean is no direction
_TILT_GAIN = 2.0
_SPEED_GAIN = 2.0


def gravity_before(xyz: Floats) -> Floats:
    """Return the unit vector of gravity before the impact, of windows of shape (…, 200, 3); zeros if there is none."""
    mean = xyz[..., :QUIET_BEFORE, :].mean(axis=-2)
    length = np.sqrt((mean * mean).sum(axis=-1, keepdims=True))
    return np.where(length < _LEAST_G, 0.0, mean / np.maximum(length, _LEAST_G))


def smoothed(xyz: NDArray[Any]) -> NDArray[Any]:
    """Return the mean over 0.5 s around each sample, of any number of columns, the ends held."""
    half = SMOOTH // 2
    held = np.concatenate(
        (np.repeat(xyz[..., :1, :], half + 1, axis=-2), xyz, np.repeat(xyz[..., -1:, :], half, axis=-2)), axis=-2
    )
    total = held.cumsum(axis=-2)
    mean: NDArray[Any] = (total[..., SMOOTH:, :] - total[..., :-SMOOTH, :]) / SMOOTH
    return mean


def compressed(shock: Floats) -> Floats:
    """Return shocks in g, of either sign, on a scale that ends at `LIMIT`: 0.25 g is 0.44, 2 g is 2, 8 g is 3.2.

    How high a peak is depends on the sensor's range, rate and filter and on the floor; that there was one does not. So
    a difference counts the less the harder the shock. Only operations that round the same on every processor are used.
    """
    squeezed: Floats = LIMIT * shock / (np.abs(shock) + _HALF_WAY_G)
    return squeezed


def cosine_of_tilt(a: Floats, up: Floats) -> Floats:
    """Return the cosine of the angle to `up`, a unit vector, of windows in g, smoothed over 0.5 s."""
    slow = smoothed(a)
    length = np.sqrt((slow * slow).sum(axis=-1))
    cosine: Floats = (slow * up).sum(axis=-1) / np.maximum(length, _LEAST_G)
    return cosine


def channels(xyz: Any) -> NDArray[np.float32]:
    """Return the model's input, shape (…, 200, 5), of windows in g of shape (…, 200, 3)."""
    a = np.asarray(xyz, dtype=np.float64)
    up = gravity_before(a)[..., None, :]
    square = (a * a).sum(axis=-1)
    magnitude = np.sqrt(square)
    vertical = (a * up).sum(axis=-1)
    horizontal = np.sqrt(np.maximum(square - vertical * vertical, 0.0))
    tilt = cosine_of_tilt(a, up)
    shocks = compressed(np.stack((magnitude - 1.0, vertical - 1.0, horizontal), axis=-1))
    speed = np.minimum(_SPEED_GAIN * smoothed(magnitude[..., None] - 1.0), LIMIT)
    return np.concatenate((shocks, _TILT_GAIN * tilt[..., None], speed), axis=-1).astype(np.float32)
