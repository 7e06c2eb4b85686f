"""Calibration: whether a score reads as a probability, so that of triggers with 0.7 seven in ten are falls.

Rules of this file: a fall counts once, by the trigger of the fall itself; of daily life every trigger counts. So the
answer holds for this mixture of falls and daily life, and for no home.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluate.counts import Person, Share, by_person, person_of, share_of
from training.evaluate.judged import Judged

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Triggers with a score from `low` to `high`: their mean score, and how many were falls."""

    low: float
    high: float
    mean: float
    falls: Share


@dataclass(frozen=True, slots=True)
class Calibration:
    """`ece`: how far mean score and share of falls are apart, by bin, weighted; `brier`: mean squared error."""

    bins: tuple[Bin, ...]
    count: int
    falls: int
    ece: float
    brier: float

    @property
    def brier_of_the_share(self) -> float:
        """Return the Brier score of who always answers with the share of falls."""
        share = self.falls / self.count if self.count else 0.0
        return share * (1 - share)


Asked = tuple[float, bool, Person]
"""Score, whether it was a fall, and whose."""


def asked(chosen: Sequence[Judged]) -> list[Asked]:
    """Return every trigger with a score of which it is known what it was."""
    found: list[Asked] = []
    for one in chosen:
        fall = one.of_the_fall
        known = one.triggers if not one.recording.is_fall else (fall,) if fall else ()
        found += [(t.score, one.recording.is_fall, person_of(one)) for t in known if t.score is not None]
    return found


def calibration(triggers: Sequence[Asked]) -> Calibration:
    """Return how scores and falls go together, in ten bins of equal width; empty bins are left out."""
    bins: list[Bin] = []
    ece = 0.0
    for number in range(BINS):
        inside = [one for one in triggers if min(BINS - 1, int(one[0] * BINS)) == number]
        if not inside:
            continue
        mean = sum(score for score, _, _ in inside) / len(inside)
        share = share_of(by_person((person, is_fall, 1) for _, is_fall, person in inside))
        bins.append(Bin(number / BINS, (number + 1) / BINS, mean, share))
        ece += len(inside) / len(triggers) * abs(mean - share.share)
    squares = sum((score - is_fall) ** 2 for score, is_fall, _ in triggers)
    brier = squares / len(triggers) if triggers else 0.0
    return Calibration(tuple(bins), len(triggers), sum(fall for _, fall, _ in triggers), ece, brier)
