"""What a window may also have looked like: other sensors, other mountings, softer falls, shorter recordings.

Rules of this file: works on raw windows in g before the channels are made, with a generator that is handed in; never
makes a window that the unit could not see. Each change has a physical reason beside it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.inference import channels, layout, window
from training.dataset import MARGIN

Batch = NDArray[np.float32]
_SHIFT = 8  # grid samples: the largest |a| of a fall with two peaks may be either
_RANGES_G = (2.0, 4.0, 8.0, 16.0)
_OFFSET_G = 0.12  # on each axis: usual is 0.035, and the data sheet of a common chip (ADXL345) allows 0.15


def augment(wide: NDArray[np.float64], rng: np.random.Generator) -> Batch:
    """Return one random variant of each wide window, shape (n, 200, 3)."""
    a = _shifted(wide.astype(np.float32), rng)
    a = _softened(a, rng)
    a = _low_passed(a, rng)
    a = _sampled_slower(a, rng)
    a = _cut_short(a, rng)
    n = len(a)
    a = a * _uniform(rng, 0.93, 1.07, n)  # gain of a cheap sensor
    a = a + rng.uniform(-_OFFSET_G, _OFFSET_G, (n, 1, 3)).astype(np.float32)  # its offset
    a = a + rng.standard_normal(a.shape, dtype=np.float32) * _uniform(rng, 0, 0.03, n)  # its noise
    return _clipped(a, rng)


def brisker(wide: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the same motions done harder, by up to a half: what is faster than 0.5 s grows, the posture stays."""
    slow = channels.smoothed(wide)
    hardened: NDArray[np.float64] = slow + (wide - slow) * rng.uniform(1.0, 1.5, (len(wide), 1, 1))
    return hardened


def slowed(wide: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return the same motions done in up to 1.4 times the time, about the impact, and softer by as much.

    So falls who is broken by a hand on a table, or by the knees first. Nothing is stretched beyond what was measured.
    """
    longer = rng.uniform(1.0, 1.4, (len(wide), 1))
    impact = MARGIN + layout.BEFORE
    stretched = _at(wide, impact + (np.arange(wide.shape[1])[None, :] - impact) / longer)
    slow = channels.smoothed(stretched)
    softer: NDArray[np.float64] = slow + (stretched - slow) / longer[..., None]
    return softer


def backwards(wide: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the motions with time turned round, the impact where it was: acceleration has the same sign both ways."""
    late = layout.AFTER - 1 - layout.BEFORE  # by so many samples the impact of a turned window comes too late
    turned = wide[:, ::-1][:, late:]
    return np.concatenate((turned, np.repeat(turned[:, -1:], late, axis=1)), axis=1)


def _uniform(rng: np.random.Generator, low: float, high: float, count: int) -> Batch:
    """Return a number for each window, shape (count, 1, 1)."""
    return rng.uniform(low, high, (count, 1, 1)).astype(np.float32)


def _sometimes(rng: np.random.Generator, chance: float, values: Batch, otherwise: float) -> Batch:
    """Return the values of some windows, and of the rest what leaves them as they are."""
    return np.where(rng.random((len(values), 1, 1)) < chance, values, np.float32(otherwise))


def _shifted(wide: Batch, rng: np.random.Generator) -> Batch:
    shift = MARGIN + rng.integers(-_SHIFT, _SHIFT + 1, len(wide))
    rows = np.arange(len(wide))[:, None]
    return wide[rows, shift[:, None] + np.arange(layout.LENGTH)]


def _softened(a: Batch, rng: np.random.Generator) -> Batch:
    """Shrink what is faster than 0.5 s in a third of the windows: a fall broken by hands, soft floors, old people."""
    share = _sometimes(rng, 0.35, _uniform(rng, 0.6, 1.15, len(a)), 1.0)
    slow = channels.smoothed(a)
    return slow + (a - slow) * share


def _low_passed(a: Batch, rng: np.random.Generator) -> Batch:
    """Blur half of the windows as sensors of 25 to 50 Hz with their own filters do."""
    width = _sometimes(rng, 0.5, _uniform(rng, 0.0, 0.5, len(a)), 0.0)
    before = np.concatenate((a[:, :1], a[:, :-1]), axis=1)
    after = np.concatenate((a[:, 1:], a[:, -1:]), axis=1)
    return a * (1 - width) + (before + after) * (width / 2)


def _sampled_slower(a: Batch, rng: np.random.Generator) -> Batch:
    """Sample half of the windows at 18 to 30 Hz and draw straight lines between: slow sensors miss peaks."""
    chosen = np.flatnonzero(rng.random(len(a)) < 0.5)
    if not len(chosen):
        return a
    step = rng.uniform(50 / 30, 50 / 18, (len(chosen), 1))
    phase = rng.uniform(0, 1, (len(chosen), 1)) * step
    position = np.arange(layout.LENGTH)[None, :]
    before = np.floor((position - phase) / step) * step + phase
    share = ((position - before) / step).astype(np.float32)[..., None]
    out = a.copy()
    out[chosen] = _at(a[chosen], before) * (1 - share) + _at(a[chosen], before + step) * share
    return out


def _at(a: NDArray[Any], position: NDArray[np.float64]) -> NDArray[Any]:
    """Return the windows' values at fractional positions."""
    position = np.clip(position, 0, a.shape[1] - 1)
    low = np.minimum(position.astype(np.int64), a.shape[1] - 2)
    share, rows = (position - low).astype(a.dtype)[..., None], np.arange(len(a))[:, None]
    return a[rows, low] * (1 - share) + a[rows, low + 1] * share


def _cut_short(a: Batch, rng: np.random.Generator) -> Batch:
    """Hold the ends of some windows, as the unit does where a stretch begins late or ends early."""
    position = np.arange(layout.LENGTH)[None, :]
    late = np.where(rng.random(len(a)) < 0.15, rng.integers(0, layout.BEFORE - 10, len(a)), 0)[:, None]
    least = layout.BEFORE + window.LEAST_AFTER
    early = np.where(rng.random(len(a)) < 0.15, rng.integers(least, layout.LENGTH, len(a)), layout.LENGTH - 1)[:, None]
    return a[np.arange(len(a))[:, None], np.clip(position, late, early)]


def _clipped(a: Batch, rng: np.random.Generator) -> Batch:
    """Clip at a smaller full scale, in axes turned at random: how a window clips depends on how the sensor hangs."""
    limit = _sometimes(rng, 0.4, rng.choice(_RANGES_G, (len(a), 1, 1)).astype(np.float32), _RANGES_G[-1])
    turned = a @ rotations(len(a), rng).astype(np.float32)
    return np.clip(turned, -limit, limit)


def rotations(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return uniform random rotation matrices, shape (count, 3, 3)."""
    q = rng.normal(size=(count, 4))
    w, x, y, z = (q / np.sqrt((q * q).sum(axis=1, keepdims=True))).T
    flat = [
        1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
        2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
        2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
    ]  # fmt: skip
    return np.stack(flat, axis=1).reshape(count, 3, 3)
