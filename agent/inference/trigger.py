"""When motion becomes a trigger: |a| at or over the model card's `trigger_g` on the 50 Hz grid, or a soft trigger.

Rules of this file: pure, and independent of chunking. A crossing opens a second in which the largest |a| is sought:
that is the impact. After that second the next sample at or over the level is a crossing again, so a fall that follows
a jolt gets a window of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agent.inference.layout import SoftTrigger
from agent.inference.resample import Floats

TRIGGER_G = 1.6
"""The level where no card says otherwise (a card that can't be read must not mean a deaf unit)."""
SOFT = SoftTrigger(level_g=1.4, turned_deg=60.0)
"""What the shipped model has learnt with."""
SEARCH = 50
"""Grid samples after the crossing in which the impact is sought: 1 s."""


@dataclass(frozen=True, slots=True)
class Search:
    """A crossing whose second is running. Positions are grid samples of this stretch."""

    crossing: int
    impact: int
    peak_g: float
    over: bool


@dataclass(frozen=True, slots=True)
class Crossed:
    """A trigger began."""

    crossing: int
    peak_g: float
    over: bool


@dataclass(frozen=True, slots=True)
class GrewOver:
    """The peak of the trigger that began at `crossing` went over the reference, at `impact`."""

    crossing: int
    impact: int
    peak_g: float


@dataclass(frozen=True, slots=True)
class Impact:
    """The second is over (or the data are): the impact stands."""

    crossing: int
    impact: int
    peak_g: float


Found = Crossed | GrewOver | Impact


def scan(
    search: Search | None, first: int, magnitude: Floats, trigger_g: float, reference_g: float
) -> tuple[Search | None, list[Found]]:
    """Take |a| in g of consecutive grid samples, the first at position `first`; return what was found, in order."""
    found: list[Found] = []
    hits = np.flatnonzero(magnitude >= trigger_g)
    here = 0
    while True:
        if search is None:
            following = int(np.searchsorted(hits, here))
            if following == len(hits):
                return None, found
            here = int(hits[following])
            peak = float(magnitude[here])
            search = Search(crossing=first + here, impact=first + here, peak_g=peak, over=peak > reference_g)
            found.append(Crossed(search.crossing, peak, search.over))
        stop = min(len(magnitude), search.crossing + SEARCH + 1 - first)
        search, grew = _follow(search, first + here, magnitude[here:stop], reference_g)
        found += grew
        if first + stop <= search.crossing + SEARCH:
            return search, found
        found.append(Impact(search.crossing, search.impact, search.peak_g))
        search, here = None, stop


def close(search: Search | None) -> list[Found]:
    """Return the impact of a search that the end of the data cut short."""
    return [] if search is None else [Impact(search.crossing, search.impact, search.peak_g)]


def _follow(search: Search, first: int, magnitude: Floats, reference_g: float) -> tuple[Search, list[Found]]:
    if not len(magnitude):
        return search, []
    grew: list[Found] = []
    if not search.over:
        over = np.flatnonzero(magnitude > reference_g)
        if len(over):
            at = int(over[0])
            grew.append(GrewOver(search.crossing, first + at, float(magnitude[at])))
            search = replace(search, over=True)
    top = int(np.argmax(magnitude))
    if magnitude[top] > search.peak_g:
        search = replace(search, impact=first + top, peak_g=float(magnitude[top]))
    return search, grew
