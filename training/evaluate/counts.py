"""Counts of recordings, with what lies behind each: how many people, and what interval that leaves.

Rules of this file: counts only, no words of the report. People are the clusters of every interval. `Material` learns
from all recordings of a source how alike those of one person are; no group within it claims that they are less so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from training.evaluate.activities import Source, source_of
from training.evaluate.intervals import Cluster, Interval, clustered, correlation, rate
from training.evaluate.judged import Judged

Person = tuple[str, str]
"""Dataset, and the name within it."""
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `count`, with the 95 % interval clustered by person."""

    hits: int
    count: int
    interval: Interval

    @property
    def share(self) -> float:
        """Return the share, 0 to 1; NaN of nothing."""
        return self.hits / self.count if self.count else float("nan")


@dataclass(frozen=True, slots=True)
class Rate:
    """`events` in `hours`, with the 95 % interval of events an hour."""

    events: int
    hours: float
    interval: Interval

    @property
    def hourly(self) -> float:
        """Return events an hour; NaN of no hours."""
        return self.events / self.hours if self.hours else float("nan")


def person_of(judged: Judged) -> Person:
    """Return whose recording it is."""
    return judged.recording.dataset, judged.recording.subject


def people(chosen: Iterable[Judged]) -> int:
    """Return how many people there are."""
    return len({person_of(one) for one in chosen})


def hours(chosen: Iterable[Judged]) -> float:
    """Return how long the recordings are together."""
    return sum(one.recording.duration_s for one in chosen) / _HOUR_S


def falls(chosen: Iterable[Judged]) -> list[Judged]:
    """Return the fall recordings."""
    return [one for one in chosen if one.recording.is_fall]


def daily_life(chosen: Iterable[Judged]) -> list[Judged]:
    """Return the recordings of daily life."""
    return [one for one in chosen if not one.recording.is_fall]


def quiet(judged: Judged) -> bool:
    """Whether the model called at nothing in it; what is called by rule says where the recording was cut."""
    return not judged.confirmed


def called(judged: Judged) -> bool:
    """Whether the unit called in it."""
    return judged.called


def by_person(counted: Iterable[tuple[Person, int, float]]) -> list[Cluster]:
    """Return the clusters of what was counted: whose, hits, and of how much."""
    found: dict[Person, Cluster] = {}
    for person, hits, size in counted:
        before = found.get(person, (0, 0))
        found[person] = before[0] + hits, before[1] + size
    return list(found.values())


def share_of(counted: Sequence[Cluster], least: float = 0.0) -> Share:
    """Return the share of hits in clusters of countable things; `least` as in `clustered`."""
    return Share(sum(hits for hits, _ in counted), round(sum(n for _, n in counted)), clustered(counted, least))


def clusters(chosen: Iterable[Judged], hit: Callable[[Judged], bool]) -> list[Cluster]:
    """Return hits and recordings of each person."""
    return by_person((person_of(one), hit(one), 1) for one in chosen)


def rate_of(chosen: Iterable[Judged], events: Callable[[Judged], int]) -> Rate:
    """Return events an hour."""
    counted = by_person((person_of(one), events(one), one.recording.duration_s / _HOUR_S) for one in chosen)
    return Rate(sum(n for n, _ in counted), sum(h for _, h in counted), rate(counted))


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """All judged recordings of the body positions that the model is made for."""

    judged: tuple[Judged, ...]
    alike: dict[tuple[Source, bool], float]
    """By source and whether falls: rho of the falls called, or of daily life without a call."""

    @staticmethod
    def of(judged: Sequence[Judged]) -> Material:
        """Return the material, with how alike the recordings of one person are in each source."""
        kinds: dict[tuple[Source, bool], list[Judged]] = {}
        for one in judged:
            kinds.setdefault((source_of(one.recording), one.recording.is_fall), []).append(one)
        alike = {kind: correlation(clusters(of, called if kind[1] else quiet)) or 0.0 for kind, of in kinds.items()}
        return Material(tuple(judged), alike)

    def from_source(self, source: Source) -> list[Judged]:
        """Return the recordings of one dataset and body position."""
        return [one for one in self.judged if source_of(one.recording) == source]

    @property
    def sources(self) -> list[Source]:
        """Return every source, in the order in which it comes."""
        return list(dict.fromkeys(source_of(one.recording) for one in self.judged))

    def share(self, chosen: Sequence[Judged], hit: Callable[[Judged], bool]) -> Share:
        """Return the share of hits, for recordings of one kind."""
        least = max((self.alike[source_of(one.recording), one.recording.is_fall] for one in chosen), default=0.0)
        return share_of(clusters(chosen, hit), least)

    def falls_called(self, chosen: Iterable[Judged]) -> Share:
        """Return in how many fall recordings the unit called."""
        return self.share(falls(chosen), called)

    def daily_life_quiet(self, chosen: Iterable[Judged]) -> Share:
        """Return in how many recordings of daily life the model called at nothing."""
        return self.share(daily_life(chosen), quiet)


def false_calls(chosen: Iterable[Judged]) -> Rate:
    """Return false calls an hour of daily life; every trigger counts, also a second one in the same recording."""
    return rate_of(daily_life(chosen), lambda one: len(one.false_calls))
