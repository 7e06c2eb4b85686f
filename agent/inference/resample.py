"""Any motion sensor's samples, brought onto one 50 Hz grid, as they come.

Rules of this file: pure, immutable, and independent of chunking: the grid is the same to the last bit however the
samples were cut into batches. That is why every grid point depends on samples only (never on a batch), why sums run
in the order of time, and why the kernel is a table (a vector sine may round differently from a scalar one). It is
independent of the clock, too: stamps are taken as whole microseconds, and weighed by their distance from the first of
their stretch, so a recording that begins at 0 and the same motion after a month of uptime give the same bits.

A grid starts at the first sample after a gap. A point is the average of the samples around it, weighted by a Lanczos-3
kernel as wide as the slower of the two rates (so 50 Hz on the grid passes unchanged, 200 Hz is anti-aliased and 25 Hz
interpolated) and by how much time each sample stands for (so bursts of stamps do not count double).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.inference.layout import RATE_HZ

Floats = NDArray[np.float64]

STEP_S = 1.0 / RATE_HZ
GAP_S = 0.5
"""A hole longer than this ends the grid. Shorter ones are bridged by a straight line: lost frames and bursts of 25 Hz
sensors stay below it, while a longer one could hide a whole free fall with its impact."""
LATENCY_S = 0.2
"""A grid point is final at most this long after its time (the kernel's half width at 15 Hz)."""

_LOBES = 3
_SLOWEST_S, _FASTEST_S = 1 / 15, 1 / 400
_HORIZON = 32  # intervals over which the sensor's own period is measured
_WARM_UP = 8  # … and the fewest that are waited for, unless the stretch is shorter
_HOLE = 2.5  # periods without a sample: beyond this a straight line is truer than a kernel
_BLOCK = 8192  # grid points worked on at once: bounds the memory
_ABSURD_G = 1000.0
_US = 1e6  # microseconds in a second
_LATEST_S = 1e9  # no clock that began at the start of a machine says more
_TABLE_STEPS = 512
_KERNEL: Floats = np.append(
    np.sinc(np.arange(_LOBES * _TABLE_STEPS + 1) / _TABLE_STEPS)
    * np.sinc(np.arange(_LOBES * _TABLE_STEPS + 1) / _TABLE_STEPS / _LOBES),
    [0.0, 0.0],
)
NOTHING: Floats = np.empty((0, 3))
"""No samples. Shared: arrays are never written to, every step makes new ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Grid samples in g, one after another; the first stands at `origin + first / 50` s. `ends`: a gap follows."""

    origin: float
    first: int
    xyz: Floats
    ends: bool


@dataclass(frozen=True, slots=True, eq=False)
class Resampler:
    """What must be remembered between batches: the samples that later grid points still need."""

    times: Floats = field(default_factory=lambda: NOTHING[:, 0])  # seconds since the origin
    xyz: Floats = field(default_factory=lambda: NOTHING)
    dropped: int = 0  # samples of this stretch that are older than `times`
    origin_us: float = 0.0  # a whole number
    next_point: int = 0

    @property
    def newest_us(self) -> float | None:
        """Return the stamp of the newest sample of a stretch that has not ended, in microseconds, else None."""
        return self.origin_us + float(np.rint(self.times[-1] * _US)) if len(self.times) else None

    @property
    def last_at(self) -> float | None:
        """Return the time of the newest sample of a stretch that has not ended, else None."""
        return None if self.newest_us is None else self.newest_us / _US


def push(state: Resampler, times: Any, xyz: Any) -> tuple[Resampler, list[Piece]]:
    """Take samples (seconds, g); return the grid points that became final.

    A sample that is no number, beyond 1000 g, or not later than the one before it is left out, as if it was lost.
    """
    us, a = _clean(state, np.asarray(times, dtype=np.float64), np.asarray(xyz, dtype=np.float64))
    pieces: list[Piece] = []
    if not len(us):
        return state, pieces
    before = state.newest_us
    steps = np.diff(us, prepend=us[0] if before is None else before)
    cuts = np.flatnonzero(steps > GAP_S * _US)
    for start, stop in zip([0, *cuts], [*cuts, len(us)], strict=True):
        if stop == start:
            if len(state.times):
                state, piece = finish(state)
                pieces.append(piece)
            continue
        state, piece = _advance(_append(state, us[start:stop], a[start:stop]), flush=stop < len(us))
        if piece.ends or len(piece.xyz):
            pieces.append(piece)
    return state, pieces


def finish(state: Resampler) -> tuple[Resampler, Piece]:
    """End the stretch: a gap was noticed, or there are no more data. The points up to the last sample become final."""
    return _advance(state, flush=True)


def _clean(state: Resampler, t: Floats, a: Floats) -> tuple[Floats, Floats]:
    """Return the stamps in whole microseconds, and the samples, of those that are measurements."""
    a = a.reshape(-1, 3)
    sane = (np.abs(t) <= _LATEST_S) & (np.abs(a) <= _ABSURD_G).all(axis=1)
    if not sane.all():
        t, a = t[sane], a[sane]
    us = np.rint(t * _US)
    last = state.newest_us
    earlier = np.maximum.accumulate(np.concatenate(([-np.inf if last is None else last], us)))[:-1]
    later = us > earlier
    return (us, a) if later.all() else (us[later], a[later])


def _append(state: Resampler, us: Floats, a: Floats) -> Resampler:
    if not len(state.times):
        return Resampler(times=(us - us[0]) / _US, xyz=a, origin_us=float(us[0]))
    t = (us - state.origin_us) / _US
    return replace(state, times=np.concatenate((state.times, t)), xyz=np.concatenate((state.xyz, a)))


def _advance(state: Resampler, *, flush: bool) -> tuple[Resampler, Piece]:
    """Work out every point that is final; with `flush`, all up to the last sample, and forget the stretch."""
    blocks: list[Floats] = []
    first = state.next_point
    while True:
        block = _block(state, flush=flush)
        if not len(block):
            break
        blocks.append(block)
        state = replace(state, next_point=state.next_point + len(block))
    xyz = blocks[0] if len(blocks) == 1 else np.concatenate(blocks) if blocks else NOTHING
    piece = Piece(origin=state.origin_us / _US, first=first, xyz=xyz, ends=flush)
    return (Resampler() if flush else _trim(state)), piece


def _trim(state: Resampler) -> Resampler:
    """Forget what no later point needs: it looks back over the horizon and over the kernel's half width."""
    here = state.next_point * STEP_S
    at = int(np.searchsorted(state.times, here, side="right")) - 1
    reach = int(np.searchsorted(state.times, here - _LOBES * _SLOWEST_S))
    keep = max(0, min(at - _HORIZON, reach) - 1)
    if not keep:
        return state
    return replace(state, times=state.times[keep:], xyz=state.xyz[keep:], dropped=state.dropped + keep)


def _block(state: Resampler, *, flush: bool) -> Floats:
    t = state.times
    if state.dropped + len(t) <= _WARM_UP and not flush:
        return NOTHING
    count = min(_BLOCK, int(t[-1] / STEP_S) + 2 - state.next_point)
    points = np.arange(state.next_point, state.next_point + count) / RATE_HZ
    points = points[points <= t[-1]]
    if not len(points):
        return NOTHING
    at = np.searchsorted(t, points, side="right") - 1
    period = _period(state, at)
    half = _LOBES * np.maximum(period, STEP_S)
    if not flush:
        waiting = np.flatnonzero(points + half > t[-1])
        if len(waiting):
            points, at, period, half = (v[: waiting[0]] for v in (points, at, period, half))
        if not len(points):
            return NOTHING
    return _weigh(state, points, at, period, half)


def _period(state: Resampler, at: NDArray[np.intp]) -> Floats:
    """Return the sensor's own period around each sample `at`: the mean of the intervals before it."""
    newest = len(state.times) - 1
    right = np.minimum(np.maximum(at, _WARM_UP - state.dropped), newest)
    left = np.maximum(right - _HORIZON, 0)
    period = (state.times[right] - state.times[left]) / np.maximum(right - left, 1)
    bounded: Floats = np.clip(period, _FASTEST_S, _SLOWEST_S)
    return bounded


def _weigh(state: Resampler, points: Floats, at: NDArray[np.intp], period: Floats, half: Floats) -> Floats:
    t, a = state.times, state.xyz
    low = np.searchsorted(t, points - half)
    high = np.searchsorted(t, points + half, side="right")
    width = int((high - low).max())
    index = low + np.arange(width)[:, None]  # one row for each sample of the kernel, oldest first
    inside = index < high
    index = np.minimum(index, len(t) - 1)
    place = np.abs(t[index] - points) * (_LOBES * _TABLE_STEPS / half)
    place = np.minimum(place, _LOBES * _TABLE_STEPS)
    cell = place.astype(np.intp)
    base = _KERNEL[cell]
    weight = (base + (_KERNEL[cell + 1] - base) * (place - cell)) * (inside * _stands_for(t, period, index))
    rows = a[index] * weight[:, :, None]
    total: Floats = rows[0]
    norm: Floats = weight[0]
    for row, share in zip(rows[1:], weight[1:], strict=True):
        total, norm = total + row, norm + share
    following = np.minimum(at + 1, len(t) - 1)
    hole = t[following] - t[at]
    slower = np.maximum(period, STEP_S)  # a whole kernel's weights add up to about this
    straight = (hole > _HOLE * slower) | (norm < 0.25 * slower)
    result: Floats = total / np.where(straight, 1.0, norm)[:, None]
    if straight.any():
        share = np.where(hole > 0, (points - t[at]) / np.where(hole > 0, hole, 1.0), 0.0)[:, None]
        result = np.where(straight[:, None], a[at] + (a[following] - a[at]) * share, result)
    return result


def _stands_for(t: Floats, period: Floats, index: NDArray[np.intp]) -> Floats:
    """Return the time that each sample stands for: half way to both neighbours, at most a period to each side."""
    before = np.where(index > 0, t[index] - t[np.maximum(index - 1, 0)], period)
    after = np.where(index < len(t) - 1, t[np.minimum(index + 1, len(t) - 1)] - t[index], period)
    both: Floats = np.minimum(before, 2 * period) + np.minimum(after, 2 * period)
    return 0.5 * both
