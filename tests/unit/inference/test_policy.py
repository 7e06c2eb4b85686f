from __future__ import annotations

import math

import pytest

from agent.assessment import Advice, Verdict
from agent.inference.policy import DAY_S, Budget, Unasked, budgets_from_note, judge, note_of, with_late_note

FULL = Budget(5)


def verdict(
    score: float, budget: Budget = FULL, *, moved_on: bool = False, mono: float = 100.0
) -> tuple[Verdict, Advice]:
    judgement = judge(score, 0.6, 0.5, budget, mono, moved_on=moved_on)
    return judgement.verdict, judgement.advice


def test_the_threshold_divides() -> None:
    assert verdict(0.6)[0] is Verdict.CONFIRMED
    assert verdict(0.599)[0] is Verdict.UNCERTAIN
    assert verdict(0.5)[0] is Verdict.UNCERTAIN
    assert verdict(0.499)[0] is Verdict.FALSE_ALARM


def test_near_the_threshold_or_moving_on_is_phone_first() -> None:
    assert verdict(0.65) == (Verdict.CONFIRMED, Advice.PHONE_FIRST)
    assert verdict(0.95) == (Verdict.CONFIRMED, Advice.DISPATCH)
    assert verdict(0.95, moved_on=True) == (Verdict.CONFIRMED, Advice.PHONE_FIRST)


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 1.1])
def test_a_score_that_is_none_is_a_call(score: float) -> None:
    judgement = judge(score, 0.6, 0.5, FULL, 0.0, moved_on=False)
    assert judgement.verdict is Verdict.UNVERIFIED
    assert judgement.unasked is Unasked.NOT_A_NUMBER


def test_the_sixth_uncertain_in_a_day_is_a_call_and_a_day_later_it_is_not() -> None:
    budget = FULL
    for i in range(5):
        judgement = judge(0.55, 0.6, 0.5, budget, 100.0 + i, moved_on=False)
        assert judgement.verdict is Verdict.UNCERTAIN
        budget = judgement.budget
    assert budget.left(104.0) == 0
    spent = judge(0.55, 0.6, 0.5, budget, 200.0, moved_on=False)
    assert spent.verdict is Verdict.UNVERIFIED
    assert (spent.unasked, spent.advice) == (Unasked.BUDGET_SPENT, Advice.PHONE_FIRST)
    assert spent.budget.spent_at == budget.spent_at
    assert judge(0.55, 0.6, 0.5, budget, 100.0 + DAY_S, moved_on=False).verdict is Verdict.UNCERTAIN
    assert budget.left(100.0 + DAY_S) == 1


def test_without_a_budget_every_uncertain_one_is_suppressed() -> None:
    budget = Budget(None)
    assert budget.left(0.0) is None
    for _ in range(20):
        judgement = judge(0.55, 0.6, 0.5, budget, 0.0, moved_on=False)
        assert judgement.verdict is Verdict.UNCERTAIN
        budget = judgement.budget


def test_a_restart_forgives_nothing() -> None:
    before = Budget(5).drawn(5000.0).drawn(6000.0)
    note = note_of({"wearable": before}, 7000.0)
    after, fault = budgets_from_note(note, {"wearable": 5, "other": 3}, 10.0)  # the machine was off: time began anew
    assert fault == ""
    assert after["wearable"].left(10.0) == 3
    assert after["wearable"].left(10.0 + DAY_S - 2000.0) == 4
    assert after["other"].left(10.0) == 3


def test_a_note_that_comes_late_is_added_to_what_was_spent_meanwhile() -> None:
    note = note_of({"wearable": Budget(5).drawn(5000.0).drawn(6000.0)}, 7000.0)
    meanwhile = {"wearable": Budget(5).drawn(20.0), "other": Budget(3)}
    after, fault = with_late_note(meanwhile, note, 30.0)
    assert fault == ""
    assert after["wearable"].left(30.0) == 2
    assert after["wearable"].left(30.0 + DAY_S - 2000.0) == 3
    assert after["other"] == meanwhile["other"]
    assert with_late_note(meanwhile, "{", 30.0)[0]["wearable"].left(30.0) == 0


def test_ages_in_a_note_that_can_not_be_are_left_out() -> None:
    budgets, fault = budgets_from_note('{"wearable": [-1000, Infinity, NaN, 10]}', {"wearable": 5}, 50.0)
    assert (fault, budgets["wearable"].spent_at) == ("", (40.0,))


def test_no_note_is_a_full_budget() -> None:
    assert budgets_from_note(None, {"wearable": 5}, 0.0)[0]["wearable"].left(0.0) == 5


@pytest.mark.parametrize("note", ["{", "[]", '{"wearable": 3}', '{"wearable": ["x"]}', "null"])
def test_an_unreadable_note_counts_as_spent(note: str) -> None:
    budgets, fault = budgets_from_note(note, {"wearable": 5}, 50.0)
    assert fault
    assert budgets["wearable"].left(50.0) == 0
