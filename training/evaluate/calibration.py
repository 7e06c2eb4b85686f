"""Calibration: whether a score reads as a probability, so that of triggers with 0.7 seven in ten are falls.

Rules of this file: a fall counts once, by the trigger of the fall itself; of daily life every trigger counts. How many
of the triggers are falls is an accident of the material and decides what a score means, so everything is told twice: of
these triggers, and weighted so that falls were half of them. Neither is a home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluate.counts import Person, Share, by_person, person_of, share_of
from training.evaluate.intervals import Interval
from training.evaluate.judged import Judged

BINS = 10
Asked = tuple[float, bool, Person]
"""Score, whether it was a fall, and whose."""


@dataclass(frozen=True, slots=True)
class Bin:
    """Triggers with a score from `low` to `high`: mean score and share of falls, as they are and weighted."""

    low: float
    high: float
    mean: float
    falls: Share
    even_mean: float
    even: float
    even_interval: Interval


@dataclass(frozen=True, slots=True)
class Errors:
    """`ece`: how far mean score and share of falls are apart, by bin, weighted; `brier`: mean squared error.

    `guess` is the Brier score of who always answers with the share of falls.
    """

    ece: float
    brier: float
    guess: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Ten bins of equal width, without the empty ones; errors as they are, and were falls half of all."""

    bins: tuple[Bin, ...]
    count: int
    falls: int
    errors: Errors
    even: Errors


def asked(chosen: Sequence[Judged]) -> list[Asked]:
    """Return every trigger with a score of which it is known what it was."""
    found: list[Asked] = []
    for one in chosen:
        fall = one.of_the_fall
        known = one.triggers if not one.recording.is_fall else (fall,) if fall else ()
        found += [(t.score, one.recording.is_fall, person_of(one)) for t in known if t.score is not None]
    return found


def calibration(triggers: Sequence[Asked]) -> Calibration:
    """Return how scores and falls go together; there must be falls and others among them."""
    falls = sum(is_fall for _, is_fall, _ in triggers)
    share = falls / len(triggers)
    weight = {True: 0.5 / share, False: 0.5 / (1 - share)}
    bins: list[Bin] = []
    ece = even_ece = 0.0
    for number in range(BINS):
        inside = [one for one in triggers if min(BINS - 1, int(one[0] * BINS)) == number]
        if not inside:
            continue
        found = _bin(number, inside, weight)
        bins.append(found)
        ece += len(inside) / len(triggers) * abs(found.mean - found.falls.share)
        even_ece += sum(weight[fall] for _, fall, _ in inside) / len(triggers) * abs(found.even_mean - found.even)
    squares = [(weight[is_fall], (score - is_fall) ** 2) for score, is_fall, _ in triggers]
    brier = sum(square for _, square in squares) / len(triggers)
    even_brier = sum(each * square for each, square in squares) / len(triggers)
    errors, even = Errors(ece, brier, share * (1 - share)), Errors(even_ece, even_brier, 0.25)
    return Calibration(tuple(bins), len(triggers), falls, errors, even)


def _bin(number: int, inside: Sequence[Asked], weight: dict[bool, float]) -> Bin:
    share = share_of(by_person((person, is_fall, 1) for _, is_fall, person in inside))
    weighted = [(weight[is_fall], score) for score, is_fall, _ in inside]
    return Bin(
        low=number / BINS,
        high=(number + 1) / BINS,
        mean=sum(score for _, score in weighted) / len(inside),
        falls=share,
        even_mean=sum(each * score for each, score in weighted) / sum(each for each, _ in weighted),
        even=_weighted(share.share, weight),
        even_interval=Interval(_weighted(share.interval.low, weight), _weighted(share.interval.high, weight)),
    )


def _weighted(share: float, weight: dict[bool, float]) -> float:
    falls, others = share * weight[True], (1 - share) * weight[False]
    return falls / (falls + others)
