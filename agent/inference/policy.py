"""From a score to a verdict: threshold, uncertain band with its budget, and every way of failing open.

Rules of this file: pure. A suppression needs a score that the model gave in time; everything else is a call.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from enum import StrEnum

from agent.assessment import Advice, Verdict

DAY_S = 86_400.0
BUDGET_NOTE = "budget"
NEAR = 0.1
"""A score less than this above the threshold is near it: phone first."""


class Unasked(StrEnum):
    """Why a trigger goes out `unverified`. The texts are in `agent.inference.reasons`."""

    NOT_LOADED = "model_not_loaded"
    MODEL_FAILING = "model_failing"
    MODEL_MISSING = "model_missing"
    WRONG_HASH = "model_wrong_hash"
    WRONG_SHAPE = "model_wrong_shape"
    EXCEPTION = "model_exception"
    NOT_A_NUMBER = "score_not_a_number"
    LATE = "score_late"
    DAMAGED_WINDOW = "damaged_window"
    IMPLAUSIBLE = "implausible_motion"
    BUDGET_SPENT = "budget_spent"


@dataclass(frozen=True, slots=True)
class Budget:
    """Uncertain suppressions of one sensor in any 24 monotonic hours. `limit` None: no budget, none is ever a call."""

    limit: int | None
    spent_at: tuple[float, ...] = ()

    def left(self, mono: float) -> int | None:
        """Return how many uncertain triggers may still be suppressed at monotonic second `mono`; None without limit."""
        return None if self.limit is None else max(0, self.limit - len(self._recent(mono)))

    def drawn(self, mono: float) -> Budget:
        """Return the budget after one more uncertain suppression."""
        return replace(self, spent_at=(*self._recent(mono), mono))

    def ages(self, mono: float) -> list[float]:
        """Return how long ago each was drawn: what survives a restart, where monotonic time may begin anew."""
        return [round(mono - at, 1) for at in self._recent(mono)]

    def _recent(self, mono: float) -> tuple[float, ...]:
        return tuple(at for at in self.spent_at if mono - at < DAY_S)


def budgets_from_note(note: str | None, limits: dict[str, int | None], mono: float) -> tuple[dict[str, Budget], str]:
    """Return each sensor's budget as the last boot's note left it, and what was wrong with the note ("" if nothing).

    Time spent switched off does not count, so nothing is forgiven too early. A note that can't be read means a spent
    budget: for a day uncertain triggers are calls. No note at all is a new unit, with all of its budget.
    """
    try:
        kept = {name: [float(age) for age in ages] for name, ages in json.loads(note or "{}").items()}
        fault = ""
    except (ValueError, TypeError, AttributeError) as error:
        kept = {name: [0.0] * (limit or 0) for name, limit in limits.items()}
        fault = f"the budget's note can't be read ({error}); it counts as spent"
    spent = {
        name: tuple(sorted(mono - age for age in kept.get(name, ()) if math.isfinite(age) and age >= 0))
        for name in limits
    }
    return {name: Budget(limit, spent[name]) for name, limit in limits.items()}, fault


def with_late_note(budgets: dict[str, Budget], note: str, mono: float) -> tuple[dict[str, Budget], str]:
    """Return the budgets with what the last boot had spent, too, and what was wrong with its note, read only now."""
    before, fault = budgets_from_note(note, {name: budget.limit for name, budget in budgets.items()}, mono)
    spent = {name: tuple(sorted((*before[name].spent_at, *budget.spent_at))) for name, budget in budgets.items()}
    return {name: replace(budget, spent_at=spent[name]) for name, budget in budgets.items()}, fault


def note_of(budgets: dict[str, Budget], mono: float) -> str:
    """Return the body of the note that keeps the budgets for the next boot."""
    return json.dumps({name: budget.ages(mono) for name, budget in budgets.items()}, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows from a score. `unasked` is set where the verdict is `unverified`."""

    verdict: Verdict
    advice: Advice
    budget: Budget
    unasked: Unasked | None = None
    near: bool = False
    """Whether a confirming score is near the threshold."""


def judge(
    score: float, threshold: float, uncertain_above: float, budget: Budget, mono: float, *, moved_on: bool
) -> Judgement:
    """Weigh a score (0..1, as given by the model) at monotonic second `mono`.

    `moved_on`: the evidence shows the person moving after the impact; a call then says `phone_first`, no more.
    """
    if not 0.0 <= score <= 1.0:  # false for NaN as well
        return Judgement(Verdict.UNVERIFIED, Advice.DISPATCH, budget, Unasked.NOT_A_NUMBER)
    if score >= threshold:
        near = score < threshold + NEAR
        advice = Advice.PHONE_FIRST if near or moved_on else Advice.DISPATCH
        return Judgement(Verdict.CONFIRMED, advice, budget, near=near)
    if score < uncertain_above:
        return Judgement(Verdict.FALSE_ALARM, Advice.PHONE_FIRST, budget)
    if budget.limit is None:
        return Judgement(Verdict.UNCERTAIN, Advice.PHONE_FIRST, budget)
    if budget.left(mono) == 0:
        return Judgement(Verdict.UNVERIFIED, Advice.PHONE_FIRST, budget, Unasked.BUDGET_SPENT)
    return Judgement(Verdict.UNCERTAIN, Advice.PHONE_FIRST, budget.drawn(mono))
