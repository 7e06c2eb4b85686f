"""What happened to automatic triggers, counted for `audit.summary` once a day.

Rules of this file: pure; counts only, nothing that could tell one day in a home from another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.assessment import Assessment, Verdict
from agent.readings import ShadowScored

EVERY_S = 24 * 3600.0
BINS = 10


@dataclass(frozen=True, slots=True)
class Beside:
    """How the live model and the one in its shadow answered the same windows. `only_live`: that one alone calls."""

    both: int = 0
    neither: int = 0
    only_live: int = 0
    only_shadow: int = 0
    not_compared: int = 0
    scores: tuple[int, ...] = (0,) * BINS
    """The shadow's, also where the live model gave none."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts since `since` (monotonic seconds)."""

    since: float
    triggers: int = 0
    confirmed: int = 0
    unverified: int = 0
    suppressed: int = 0
    scores: tuple[int, ...] = (0,) * BINS
    beside: Beside = Beside()


def reconsider(statistics: Statistics, assessment: Assessment) -> Statistics:
    """Count a trigger that was counted as suppressed as the call that it became after all; its score stays counted."""
    return replace(
        statistics,
        confirmed=statistics.confirmed + (assessment.verdict is Verdict.CONFIRMED),
        unverified=statistics.unverified + (assessment.verdict is Verdict.UNVERIFIED),
        suppressed=max(0, statistics.suppressed - 1),
    )


def count(statistics: Statistics, assessment: Assessment) -> Statistics:
    """Count one assessed trigger."""
    return replace(
        statistics,
        triggers=statistics.triggers + 1,
        confirmed=statistics.confirmed + (assessment.verdict is Verdict.CONFIRMED),
        unverified=statistics.unverified + (assessment.verdict is Verdict.UNVERIFIED),
        suppressed=statistics.suppressed + (not assessment.verdict.is_call),
        scores=_with(statistics.scores, assessment.score),
    )


def compare(statistics: Statistics, answers: ShadowScored) -> Statistics:
    """Count what both models said of one window."""
    beside = replace(statistics.beside, scores=_with(statistics.beside.scores, answers.score))
    match answers.live, answers.shadow:
        case True, True:
            beside = replace(beside, both=beside.both + 1)
        case False, False:
            beside = replace(beside, neither=beside.neither + 1)
        case True, False:
            beside = replace(beside, only_live=beside.only_live + 1)
        case False, True:
            beside = replace(beside, only_shadow=beside.only_shadow + 1)
        case _:
            beside = replace(beside, not_compared=beside.not_compared + 1)
    return replace(statistics, beside=beside)


def _with(scores: tuple[int, ...], score: float | None) -> tuple[int, ...]:
    if score is None:
        return scores
    at = min(int(score * BINS), BINS - 1)
    return (*scores[:at], scores[at] + 1, *scores[at + 1 :])
