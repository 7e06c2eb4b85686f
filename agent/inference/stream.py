"""One sensor's motion, from raw samples to windows: the only place where resampling, trigger and window meet.

Rules of this file: pure, immutable, independent of chunking. Training, `nodkald replay` and the running unit all take
their windows from here, so they cannot differ. A gap and the end of the data are the same thing: `finish`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from agent.directions import Vector
from agent.inference import layout, motion_features, resample, trigger, window
from agent.inference.evidence import evidence
from agent.inference.layout import RATE_HZ, SoftTrigger
from agent.inference.motion_features import Features, Second
from agent.inference.resample import Floats, Piece, Resampler
from agent.inference.trigger import SOFT, TRIGGER_G, Crossed, GrewOver, Impact, Search


@dataclass(frozen=True, slots=True)
class Began:
    """A trigger began at `crossing_at` (monotonic s), or its peak grew over the reference (then it comes again).

    A soft trigger begins when its window is there: only then is known that the posture changed.
    """

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
    """An impact whose window is not complete. `soft`: no trigger yet; whether the posture changed will show."""

    crossing: int
    impact: int
    peak_g: float
    soft: bool


_SECOND, _READY, _BEGINS = 0, 1, 2  # of what needs the same samples, the order


@dataclass(frozen=True, slots=True, eq=False)
class MotionStream:
    """The state of one sensor's motion. Levels in g on the 50 Hz grid; `soft` None: there are no soft triggers."""

    trigger_g: float = TRIGGER_G
    reference_g: float = 2.13
    soft: SoftTrigger | None = SOFT
    resampler: Resampler = field(default_factory=Resampler)
    history: window.History = field(default_factory=window.History)
    features: Features = field(default_factory=Features)
    search: Search | None = None
    soft_search: Search | None = None
    pending: tuple[_Pending, ...] = ()
    triggers: int = 0  # so far: each gets the next number
    numbers: Mapping[int, int] = field(default_factory=dict)  # of the triggers proper of late, by their crossing

    @property
    def awaits(self) -> bool:
        """Whether an impact waits for samples, so that a gap must be noticed by the clock."""
        return self.search is not None or self.soft_search is not None or bool(self.pending)

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
    stream, found, pending = _impacts(stream, piece)
    done = [wait for wait in pending if piece.ends or window.is_complete(history, wait.impact)]
    begun = stream.features.done
    features, seconds = motion_features.push(stream.features, piece)
    moments: list[tuple[int, int, Second | _Pending | Crossed | GrewOver]] = [
        *(((begun + n) * motion_features.LENGTH, _SECOND, second) for n, second in enumerate(seconds, start=1)),
        *((wait.impact + layout.AFTER, _READY, wait) for wait in done),
        *((event.crossing if isinstance(event, Crossed) else event.impact, _BEGINS, event) for event in found),
    ]
    moments.sort(key=lambda moment: moment[:2])  # in the order of the samples that they need, whatever the chunking
    out = list[Found]()
    for _, _, moment in moments:
        stream, news = _follow(stream, history, piece.origin, moment)
        out += news
    still = tuple(wait for wait in pending if wait not in done)
    searches = [search for search in (stream.search, stream.soft_search) if search]
    oldest = min([wait.impact for wait in still] + [search.impact for search in searches] + [history.end])
    begun_at = min([wait.crossing for wait in still] + [search.crossing for search in searches] + [oldest])
    under_way = {wait.crossing for wait in still} | {search.crossing for search in searches}
    near = oldest - layout.AFTER  # a trigger proper since then may show a faint impact that is still to come
    after = replace(
        stream,
        history=window.History() if piece.ends else history.since(begun_at - layout.BEFORE),  # gravity before it, too
        features=features,
        pending=still,
        numbers={} if piece.ends else {c: n for c, n in stream.numbers.items() if c in under_way or c > near},
    )
    return after, out


def _impacts(stream: MotionStream, piece: Piece) -> tuple[MotionStream, list[Crossed | GrewOver], list[_Pending]]:
    """Return what began in a piece, and every impact that waits for its window or can have it now."""
    magnitude = np.sqrt((piece.xyz * piece.xyz).sum(axis=1))
    search, found = trigger.scan(stream.search, piece.first, magnitude, stream.trigger_g, stream.reference_g)
    soft_search, faint = None, list[trigger.Found]()
    if stream.soft:
        soft_search, faint = trigger.scan(stream.soft_search, piece.first, magnitude, stream.soft.level_g, math.inf)
    if piece.ends:
        found, faint = found + trigger.close(search), faint + trigger.close(soft_search)
        search = soft_search = None
    pending = [
        *stream.pending,
        *(_Pending(e.crossing, e.impact, e.peak_g, soft=False) for e in found if isinstance(e, Impact)),
        *(
            _Pending(e.crossing, e.impact, e.peak_g, soft=True)
            for e in faint
            if isinstance(e, Impact) and e.peak_g < stream.trigger_g  # else it is a trigger already
        ),
    ]
    began = [event for event in found if not isinstance(event, Impact)]
    return replace(stream, search=search, soft_search=soft_search), began, pending


def _follow(
    stream: MotionStream, history: window.History, origin: float, moment: Second | _Pending | Crossed | GrewOver
) -> tuple[MotionStream, list[Found]]:
    match moment:
        case Second():
            return stream, [moment]
        case Crossed(crossing=crossing):
            stream = _numbered(stream, crossing)
            at, before = origin + crossing / RATE_HZ, window.gravity_before(history, crossing)
            return stream, [Began(stream.triggers, at, at, moment.peak_g, moment.over, before)]
        case GrewOver(crossing=crossing):
            crossed, at = origin + crossing / RATE_HZ, origin + moment.impact / RATE_HZ
            before, number = window.gravity_before(history, crossing), stream.numbers[crossing]
            return stream, [Began(number, crossed, at, moment.peak_g, over_reference=True, gravity_before=before)]
        case _Pending(soft=False):
            return stream, [_ready(stream, history, origin, moment, stream.numbers[moment.crossing])]
    ready = _ready(stream, history, origin, moment, stream.triggers + 1)
    if stream.soft is None or _shown_anyway(stream, moment.impact) or not _turned(ready, stream.soft):
        return stream, []
    before = window.gravity_before(history, moment.crossing)
    began = Began(
        ready.number, ready.crossing_at, ready.impact_at, ready.peak_g, over_reference=False, gravity_before=before
    )
    return replace(stream, triggers=ready.number), [began, ready]


def _numbered(stream: MotionStream, crossing: int) -> MotionStream:
    number = stream.triggers + 1
    return replace(stream, triggers=number, numbers={**stream.numbers, crossing: number})


def _shown_anyway(stream: MotionStream, impact: int) -> bool:
    """Whether a trigger proper began so near that its window shows a faint impact, too."""
    return any(-layout.AFTER < crossing - impact < layout.BEFORE for crossing in stream.numbers)


def _turned(ready: Ready, soft: SoftTrigger) -> bool:
    """Whether a whole window shows that the posture changed with a faint impact."""
    numbers = evidence(ready.xyz, ready.peak_g, ready.before, ready.after)
    return not ready.damaged and numbers.get("posture_deg", 0.0) >= soft.turned_deg


def _ready(stream: MotionStream, history: window.History, origin: float, wait: _Pending, number: int) -> Ready:
    return Ready(
        number=number,
        crossing_at=origin + wait.crossing / RATE_HZ,
        impact_at=origin + wait.impact / RATE_HZ,
        peak_g=wait.peak_g,
        over_reference=wait.peak_g > stream.reference_g,
        damaged=window.is_damaged(history, wait.impact),
        before=min(wait.impact - history.first, layout.BEFORE),
        after=min(history.end - 1 - wait.impact, layout.AFTER - 1),
        xyz=window.cut(history, wait.impact),
    )
