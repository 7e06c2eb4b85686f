"""What happened to automatic triggers, counted for `audit.summary` once a day.

Rules of this file: pure; counts only, nothing that could tell one day in a home from another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent.assessment import Assessment, Verdict

EVERY_S = 24 * 3600.0
BINS = 10


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts since `since` (monotonic seconds)."""

    since: float
    triggers: int = 0
    confirmed: int = 0
    unverified: int = 0
    suppressed: int = 0
    scores: tuple[int, ...] = (0,) * BINS


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
    scores = list(statistics.scores)
    if assessment.score is not None:
        scores[min(int(assessment.score * BINS), BINS - 1)] += 1
    return replace(
        statistics,
        triggers=statistics.triggers + 1,
        confirmed=statistics.confirmed + (assessment.verdict is Verdict.CONFIRMED),
        unverified=statistics.unverified + (assessment.verdict is Verdict.UNVERIFIED),
        suppressed=statistics.suppressed + (not assessment.verdict.is_call),
        scores=tuple(scores),
    )
