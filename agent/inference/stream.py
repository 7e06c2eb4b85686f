"""One sensor's motion, from raw samples to windows: the only place where resampling, trigger and window meet.

Rules of this file: pure, immutable, independent of chunking. Training, `nodkald replay` and the running unit all take
their windows from here, so they cannot differ. A gap and the end of the data are the same thing: `finish`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agent.directions import Vector
from agent.inference import layout, motion_features, resample, trigger, window
from agent.inference.layout import RATE_HZ
from agent.inference.motion_features import Features, Second
from agent.inference.resample import Floats, Piece, Resampler
from agent.inference.trigger import TRIGGER_G, Search


@dataclass(frozen=True, slots=True)
class Began:
    """A trigger began at `crossing_at` (monotonic s), or its peak grew over the reference (then it comes again)."""

    number: int
    crossing_at: float
    impact_at: float
    peak_g: float
    over_reference: bool
    gravity_before: Vector | None
    """The mean of the second that ends half a second before the crossing; None where less than that was measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A trigger's window is there. `damaged`: the data ended less than 1 s after the impact.

    `before` and `after` are how many of its grid samples on each side of the impact were measured; the rest is held.
    """

    number: int
    crossing_at: float
    impact_at: float
    peak_g: float
    over_reference: bool
    damaged: bool
    before: int
    after: int
    xyz: Floats


Found = Began | Ready | Second


@dataclass(frozen=True, slots=True)
class _Pending:
    number: int
    crossing: int
    impact: int
    peak_g: float


@dataclass(frozen=True, slots=True, eq=False)
class MotionStream:
    """The state of one sensor's motion. Levels in g on the 50 Hz grid."""

    trigger_g: float = TRIGGER_G
    reference_g: float = 2.13
    resampler: Resampler = field(default_factory=Resampler)
    history: window.History = field(default_factory=window.History)
    features: Features = field(default_factory=Features)
    search: Search | None = None
    pending: tuple[_Pending, ...] = ()
    triggers: int = 0  # so far: each gets the next number

    @property
    def awaits(self) -> bool:
        """Whether a trigger waits for samples, so that a gap must be noticed by the clock."""
        return self.search is not None or bool(self.pending)

    @property
    def last_at(self) -> float | None:
        """Return the time of the newest sample of a stretch that has not ended, else None."""
        return self.resampler.last_at


def push(stream: MotionStream, times: Any, xyz: Any) -> tuple[MotionStream, list[Found]]:
    """Take samples in monotonic seconds and g."""
    resampler, pieces = resample.push(stream.resampler, times, xyz)
    return _take(replace(stream, resampler=resampler), pieces)


def finish(stream: MotionStream) -> tuple[MotionStream, list[Found]]:
    """End the stretch: nothing came for longer than a gap, or there are no more data."""
    if stream.last_at is None:
        return stream, []
    resampler, piece = resample.finish(stream.resampler)
    return _take(replace(stream, resampler=resampler), [piece])


def _take(stream: MotionStream, pieces: list[Piece]) -> tuple[MotionStream, list[Found]]:
    out: list[Found] = []
    for piece in pieces:
        stream, news = _take_piece(stream, piece)
        out += news
    return stream, out


def _take_piece(stream: MotionStream, piece: Piece) -> tuple[MotionStream, list[Found]]:
    history = stream.history.extended(piece.xyz)
    magnitude = np.sqrt((piece.xyz * piece.xyz).sum(axis=1))
    search, found = trigger.scan(stream.search, piece.first, magnitude, stream.trigger_g, stream.reference_g)
    if piece.ends:
        found += trigger.close(search)
        search = None
    out: list[tuple[int, int, Found]] = []
    triggers, pending = stream.triggers, list(stream.pending)
    for event in found:
        crossed = piece.origin + event.crossing / RATE_HZ
        match event:
            case trigger.Crossed():
                triggers += 1
                before = window.gravity_before(history, event.crossing)
                began = Began(triggers, crossed, crossed, event.peak_g, event.over, before)
                out.append((event.crossing, triggers, began))
            case trigger.GrewOver():
                at = piece.origin + event.impact / RATE_HZ
                before = window.gravity_before(history, event.crossing)
                grown = Began(triggers, crossed, at, event.peak_g, over_reference=True, gravity_before=before)
                out.append((event.impact, triggers, grown))
            case trigger.Impact():
                pending.append(_Pending(triggers, event.crossing, event.impact, event.peak_g))
    still: list[_Pending] = []
    for wait in pending:
        if not (piece.ends or window.is_complete(history, wait.impact)):
            still.append(wait)
            continue
        out.append((wait.impact + layout.AFTER, wait.number, _ready(stream, history, piece.origin, wait)))
    begun = stream.features.done
    features, seconds = motion_features.push(stream.features, piece)
    out += [((begun + n) * motion_features.LENGTH, 0, second) for n, second in enumerate(seconds, start=1)]
    out.sort(key=lambda entry: entry[:2])  # in the order of the samples that they needed, whatever the chunking
    if piece.ends:
        history = window.History()
    else:
        oldest = min([wait.impact for wait in still] + ([search.impact] if search else []) + [history.end])
        history = history.since(oldest - layout.BEFORE)
    after = replace(stream, history=history, features=features, search=search, pending=tuple(still), triggers=triggers)
    return after, [event for _, _, event in out]


def _ready(stream: MotionStream, history: window.History, origin: float, wait: _Pending) -> Ready:
    return Ready(
        number=wait.number,
        crossing_at=origin + wait.crossing / RATE_HZ,
        impact_at=origin + wait.impact / RATE_HZ,
        peak_g=wait.peak_g,
        over_reference=wait.peak_g > stream.reference_g,
        damaged=window.is_damaged(history, wait.impact),
        before=min(wait.impact - history.first, layout.BEFORE),
        after=min(history.end - 1 - wait.impact, layout.AFTER - 1),
        xyz=window.cut(history, wait.impact),
    )
