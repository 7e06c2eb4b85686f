"""How much a worn sensor moves while its wearer does not: stretches of 20 s, each at rest, moving, or handled.

What tells a body from a table is slow: a breath lifts and tilts the sensor over seconds. So the stretch is cut into
means of 0.5 s, in which a third of a milli-g is left of a sensor's noise of 0.3 mg/√Hz, and their scatter about a
straight line (a sensor that cools drifts) is the movement. What the noise alone would make of it is taken off, as far
as it can be a sensor's. Lengths only, so the sensor's axes change nothing. The figures behind the levels are in
docs/model/pipeline.md, "Worn or not".

Rules of this file: pure, immutable, independent of chunking. It takes samples as they come, because on the 50 Hz grid
nobody sees how fine a sensor is. A stretch that can't tell (samples missing, or a sensor so coarse that a breath
disappears in its steps) says nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agent.inference.resample import NOTHING, Floats
from agent.inference.straight import scatter
from agent.readings import MotionBatch
from agent.wearing import Sign, Stretch

STRETCH_S = 20.0
"""Four breaths and more: one that is held, or shallow for a moment, does not make a table of a person."""
SLOT_S = 0.5
REST_G = 0.00122
"""Slow movement up to this is none."""
HANDLED_G = 0.03
"""Slow movement from this on is a hand's, or a body's that gets up: no footstep beside a table makes it."""
TURNED_G = 0.02
"""Gravity that differs by this between two stretches at rest: the sensor was turned by a degree."""
COARSE_G = 0.005
"""Steps above this hide a breath: the ADXL345's of 3.9 mg do not, those of 8 bit over ±16 g (125 mg) do."""

_SLOTS = round(STRETCH_S / SLOT_S)
_FEWEST_SLOTS = _SLOTS - 4
_FEWEST_SAMPLES = 5  # of a slot; at 18 Hz it has nine
_MOST_NOISE = 2e-6  # g²: more than this is not taken for noise, whatever it is
_SAME = 1e-5  # g: a smaller step is arithmetic


@dataclass(frozen=True, slots=True, eq=False)
class _Sensor:
    """The samples of the stretch under way, as they came. `rest` is gravity in the last stretch if that was at rest."""

    pieces: tuple[tuple[Floats, Floats], ...] = ()
    last_at: float = -math.inf
    last: Floats = field(default_factory=lambda: NOTHING)
    finest: float = math.inf
    """The smallest step seen between two samples, until it was fine enough: how coarse the sensor is, at most."""
    rest: Floats | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Stillness:
    """The `StillnessWatch` of `agent/wearing.py`, for every sensor whose motion it is shown."""

    sensors: Mapping[str, _Sensor] = field(default_factory=dict)

    def step(self, batch: MotionBatch) -> tuple[Stillness, Sequence[Stretch]]:
        """Return the next state, and the stretches that `batch` completed, oldest first."""
        known = self.sensors.get(batch.sensor, _Sensor())
        t, a = _clean(known, batch)
        if not len(t):
            return self, ()
        known = replace(known, last_at=float(t[-1]), last=a[-1:], finest=_finest(known, a))
        found: list[Stretch] = []
        began = float(known.pieces[0][0][0]) if known.pieces else float(t[0])
        while t[-1] >= began + STRETCH_S:
            cut = int(np.searchsorted(t, began + STRETCH_S))
            times, xyz = _joined((*known.pieces, (t[:cut], a[:cut])))
            known, sign = _judge(replace(known, pieces=()), times - began, xyz)
            if sign is not None:
                found.append(Stretch(batch.sensor, began, began + STRETCH_S, sign))
            t, a = t[cut:], a[cut:]
            began = float(t[0])
        known = replace(known, pieces=(*known.pieces, (t, a)))
        return Stillness({**self.sensors, batch.sensor: known}), found


def movement_g(t: Floats, xyz: Floats) -> float:
    """Return the slow movement in g (rms) of a stretch, `t` seconds after its start; NaN if too little was measured."""
    slot = np.minimum((t / SLOT_S).astype(np.intp), _SLOTS - 1)
    count = np.bincount(slot, minlength=_SLOTS)
    full = count >= _FEWEST_SAMPLES
    if np.count_nonzero(full) < _FEWEST_SLOTS:
        return math.nan
    sums = np.stack([np.bincount(slot, weights=axis, minlength=_SLOTS) for axis in xyz.T], axis=1)
    means = sums[full] / count[full][:, None]
    slow = scatter(np.flatnonzero(full), means)
    steps = np.diff(xyz, axis=0)
    noise = float((steps * steps).mean(axis=0).sum()) / 2 * float((1 / count[full]).mean())
    return math.sqrt(max(0.0, slow - min(noise, _MOST_NOISE)))


def _judge(known: _Sensor, t: Floats, xyz: Floats) -> tuple[_Sensor, Sign | None]:
    moved, rest = movement_g(t, xyz), xyz.mean(axis=0)
    if math.isnan(moved):
        return known, None
    if moved > REST_G:
        return replace(known, rest=None), Sign.HANDLED if moved >= HANDLED_G else Sign.MOVED
    if COARSE_G < known.finest < math.inf:
        return replace(known, rest=None), None
    turned = known.rest is not None and float(np.linalg.norm(rest - known.rest)) >= TURNED_G
    return replace(known, rest=rest), Sign.HANDLED if turned else Sign.RESTED


def _finest(known: _Sensor, xyz: Floats) -> float:
    if known.finest <= COARSE_G:
        return known.finest
    steps = np.abs(np.diff(np.concatenate((known.last, xyz)), axis=0))
    return float(np.min(steps, initial=known.finest, where=steps > _SAME))


def _clean(known: _Sensor, batch: MotionBatch) -> tuple[Floats, Floats]:
    """Return times and samples of those that are measurements, each later than the one before it."""
    t: Any = np.asarray(batch.times, dtype=np.float64)
    a: Any = np.asarray(batch.xyz_g, dtype=np.float64).reshape(-1, 3)
    sane = np.isfinite(t) & np.isfinite(a).all(axis=1)
    t, a = t[sane], a[sane]
    earlier = np.maximum.accumulate(np.concatenate(([known.last_at], t)))[:-1]
    return t[t > earlier], a[t > earlier]


def _joined(pieces: Sequence[tuple[Floats, Floats]]) -> tuple[Floats, Floats]:
    times, xyz = zip(*pieces, strict=True)
    return np.concatenate(times), np.concatenate(xyz)
