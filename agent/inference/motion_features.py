"""Each whole second of a stretch in a few numbers: where gravity is, how much moves, whether it is a walk.

Rules of this file: pure, and independent of chunking: a second is 50 grid samples from a multiple of 50 in its stretch.
Nothing depends on how the sensor hangs but `gravity`, of which only the angle between two may be used. A stretch that
ends takes its unfinished second with it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.directions import Vector
from agent.inference.resample import NOTHING, Floats, Piece

LENGTH = 50
"""Grid samples in a second."""
STEPS_G = 0.05
"""Root mean square of |a| about its mean, in g: a slow walk at the waist has more, a body that lies or sits less."""
_WALK_SECONDS = 4  # looked at for the rhythm of steps
_LAGS = slice(18, 71)  # grid samples from a step to the next or the one after: 0.7 to 2.8 a second
_RHYTHM = 0.45  # correlation of |a| with itself, a step or two later
_ROWS = 512  # seconds worked on at once: bounds the memory


@dataclass(frozen=True, slots=True)
class Second:
    """One second of motion that ended at monotonic second `at`.

    `gravity` is the mean acceleration in g in the sensor's axes. `moving_g` is the root mean square of what differs
    from it, in g, turning included: a sensor on a table shows its noise (0.005 to 0.02 with a WT901), breathing some
    0.01, turning by five degrees 0.03. `walking`: the last four seconds have the rhythm and the strength of steps.
    """

    at: float
    gravity: Vector
    moving_g: float
    walking: bool


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What must be remembered between pieces of a stretch."""

    part: Floats = field(default_factory=lambda: NOTHING)
    """Samples of the second that is not full yet."""
    recent: Floats = field(default_factory=lambda: NOTHING)
    """The seconds before it, as many as a rhythm needs."""
    done: int = 0
    """Seconds of this stretch so far."""


def push(state: Features, piece: Piece) -> tuple[Features, list[Second]]:
    """Take the next grid samples of a stretch; return the seconds that are full with them."""
    xyz = np.concatenate((state.part, piece.xyz)) if len(state.part) else piece.xyz
    full = len(xyz) // LENGTH
    seconds: list[Second] = []
    recent, done = state.recent, state.done
    for first in range(0, full, _ROWS):
        rows = xyz[first * LENGTH : min(first + _ROWS, full) * LENGTH]
        seconds += _seconds(rows, recent, piece.origin, done)
        done += len(rows) // LENGTH
        kept = (_WALK_SECONDS - 1) * LENGTH
        recent = np.concatenate((recent, rows))[-kept:]
    if piece.ends:
        return Features(), seconds
    return Features(xyz[full * LENGTH :].copy(), recent, done), seconds


def _seconds(xyz: Floats, recent: Floats, origin: float, done: int) -> list[Second]:
    """Return the seconds in `xyz`, whole ones only; `recent` are those before them, `done` is how many there were."""
    rows = xyz.reshape(-1, LENGTH, 3)
    mean = _sum(rows) / LENGTH
    apart = rows - mean[:, None, :]
    moving = np.sqrt(_sum((apart * apart).sum(axis=2)) / LENGTH)
    walking = _walking(np.concatenate((recent, xyz)))[len(recent) // LENGTH :]
    return [
        Second(origin + (done + index), (x, y, z), much, walks)
        for index, ((x, y, z), much, walks) in enumerate(
            zip(mean.tolist(), moving.tolist(), walking, strict=True), start=1
        )
    ]


def _sum(rows: Floats) -> Floats:
    """Return the sum over each second, in the order of time: numpy's own order depends on how many there are."""
    total: Floats = rows.cumsum(axis=1)[:, -1]
    return total


def _walking(xyz: Floats) -> list[bool]:
    """Return for each second whether it ends a time of steps."""
    size = np.sqrt((xyz * xyz).sum(axis=1))
    rows = size.reshape(-1, LENGTH)
    apart = rows - (_sum(rows) / LENGTH)[:, None]
    loud = (np.sqrt(_sum(apart * apart) / LENGTH) >= STEPS_G).tolist()
    walks = [False] * len(loud)
    for end in range(_WALK_SECONDS, len(loud) + 1):
        if all(loud[end - _WALK_SECONDS : end]):
            walks[end - 1] = _has_rhythm(size[(end - _WALK_SECONDS) * LENGTH : end * LENGTH])
    return walks


def _has_rhythm(size: Floats) -> bool:
    apart = size - size.mean()
    alike = np.correlate(apart, apart, "full")[len(apart) - 1 :]
    inside = alike[_LAGS]
    peak = int(np.argmax(inside))
    at_an_end = peak in (0, len(inside) - 1)  # still falling from zero, or rising beyond: no step is so quick or slow
    return bool(not at_an_end and inside[peak] >= _RHYTHM * alike[0])
