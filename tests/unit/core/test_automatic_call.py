"""An automatic call: assessed, announced to the citizen, cancelled only narrowly, and never lost to a failure."""

from __future__ import annotations

import pytest

from agent import core
from agent.assessment import Assessed, Assessment, Verdict
from agent.effects import Light, Sounder
from agent.readings import ModelState, MotionBatch, ScoringFailed
from agent.texts import Text
from tests.home_bench import HomeBench, ScriptedFalls


def test_a_confirmed_fall_is_raised_after_its_pre_alarm_and_not_before() -> None:
    home = HomeBench()
    home.trigger("t1")
    home.assess("t1")
    assert home.lights[-1].sounder is Sounder.PRE_ALARM
    home.advance(9.9)
    assert not home.seen("call.raised")
    home.advance(0.2)
    (event,) = home.seen("call.raised")
    assert event["data"]["trigger"]["kind"] == "automatic"
    assert event["data"]["trigger"]["type"] == "fall"
    assert event["data"]["assessment"]["verdict"] == "confirmed"
    assert event["data"]["pre_alarm"] == {"seconds": 10.0, "cancelled": False}


def test_without_a_pre_alarm_it_is_raised_at_once() -> None:
    home = HomeBench(pre_alarm_s=0.0)
    home.trigger("t1")
    home.assess("t1")
    assert len(home.seen("call.raised")) == 1


def test_a_new_press_of_the_reset_button_cancels_the_pre_alarm_and_the_centre_is_told() -> None:
    home = HomeBench()
    home.trigger("t1")
    home.assess("t1")
    home.advance(1.0)
    home.pull("reset-button")
    home.advance(30.0)
    assert not home.seen("call.raised")
    (event,) = home.seen("call.cancelled")
    assert event["data"]["pre_alarm"]["cancelled"] is True
    assert home.light is Light.READY
    assert not [key for key in home.disk.notes if key.startswith("call:")]


def test_a_reset_button_that_is_held_since_before_the_pre_alarm_cancels_nothing() -> None:
    home = HomeBench()
    home.switch("reset-button", pulled=True)
    home.advance(1.0)
    home.trigger("t1")
    home.assess("t1")
    home.advance(11.0)
    assert len(home.seen("call.raised")) == 1


def test_a_press_that_began_before_the_pre_alarm_and_settled_in_it_cancels_nothing() -> None:
    home = HomeBench()
    home.trigger("t1")
    home.switch("reset-button", pulled=True)
    home.clock.advance(0.02)
    home.assess("t1")
    home.advance(11.0)
    assert len(home.seen("call.raised")) == 1


def test_cancelling_takes_the_other_impacts_of_the_same_fall_along_but_not_a_later_one() -> None:
    home = HomeBench()
    home.trigger("t1")
    home.trigger("t2")
    home.assess("t1")
    home.advance(0.5)
    home.pull("reset-button")
    home.assess("t2")
    home.advance(20.0)
    assert not home.seen("call.raised")
    home.trigger("t3")
    home.assess("t3")
    home.advance(11.0)
    assert len(home.seen("call.raised")) == 1


def test_a_suppression_is_an_audit_event_with_its_reasons_and_no_call() -> None:
    home = HomeBench()
    home.trigger("t1")
    home.assess("t1", Verdict.FALSE_ALARM)
    home.advance(20.0)
    assert not home.seen("call.raised")
    (event,) = home.seen("audit.suppressed")
    assert event["data"]["assessment"]["verdict"] == "false_alarm"
    assert event["data"]["assessment"]["reasons"] == ["impact 4 g"]
    assert event["data"]["assessment"]["reasons_da"] == ["stød 4 g"]
    assert event["data"]["budget_left"] == 5


def test_a_clear_small_trigger_is_only_counted() -> None:
    home = HomeBench()
    home.trigger("t1", over_reference=False)
    home.assess("t1", Verdict.FALSE_ALARM, audited=False)
    assert not home.seen("audit.suppressed")
    assert home.state.statistics.suppressed == 1
    assert not [key for key in home.disk.notes if key.startswith("call:")]


def test_a_model_that_never_answers_is_a_call_at_its_deadline() -> None:
    home = HomeBench()
    home.trigger("t1")
    home.advance(6.1)
    assert home.light is Light.PRE_ALARM
    home.advance(10.1)
    (event,) = home.seen("call.raised")
    assert event["data"]["assessment"]["verdict"] == "unverified"
    home.assess("t1", Verdict.FALSE_ALARM, audited=False)  # too late: what was raised stays raised
    assert home.light is Light.RECEIVED


def test_triggers_of_an_open_call_join_it() -> None:
    home = HomeBench()
    home.trigger("t1")
    home.trigger("t2")
    home.assess("t1", Verdict.UNVERIFIED)
    home.assess("t2", Verdict.UNVERIFIED)
    home.advance(11.0)
    home.trigger("t3")
    home.assess("t3", Verdict.CONFIRMED)
    assert len(home.seen("call.raised")) == 1
    (event,) = home.seen("call.updated")  # now it is confirmed: that is news
    assert event["data"]["joined"] == 2
    home.trigger("t4")
    home.assess("t4", Verdict.CONFIRMED)
    assert len(home.seen("call.updated")) == 1


@pytest.mark.parametrize("moment", ["assessing", "pre-alarm"])
def test_what_a_restart_interrupts_is_raised_as_unverified(moment: str) -> None:
    home = HomeBench()
    home.trigger("t1")
    if moment == "pre-alarm":
        home.assess("t1")
    home.crash()
    (event,) = home.seen("call.raised")
    assert event["data"]["assessment"]["verdict"] == "unverified"
    assert "cut short by a restart" in event["data"]["assessment"]["reasons"][-1]


def test_a_small_trigger_under_assessment_is_not_kept_through_a_restart() -> None:
    home = HomeBench()
    home.trigger("t1", over_reference=False)
    home.crash()
    assert not home.seen("call.raised")


def test_when_fall_detection_breaks_the_plain_threshold_takes_its_place() -> None:
    home = HomeBench(pre_alarm_s=0.0)
    home.state = core.with_falls(home.state, ScriptedFalls(broken=True))
    at = home.clock.now().mono
    home.step(MotionBatch("wearable", (at, at + 0.01), ((0.0, 0.0, 1.0), (2.0, 2.0, 0.0))))
    (event,) = home.seen("call.raised")
    assert event["data"]["assessment"]["verdict"] == "unverified"
    assert home.faults("tech.fault", None) == ["model.failing"]


def test_before_fall_detection_is_loaded_the_plain_threshold_watches() -> None:
    home = HomeBench(pre_alarm_s=0.0)
    home.state = core.without_falls(home.state, "numpy is missing", home.clock.now())[0]
    at = home.clock.now().mono
    home.step(MotionBatch("wearable", (at,), ((0.0, 0.0, 2.0),)))
    assert not home.seen("call.raised")
    home.step(MotionBatch("wearable", (at + 1,), ((0.0, 0.0, 2.2),)))
    assert len(home.seen("call.raised")) == 1


def test_what_is_no_number_does_not_break_the_plain_threshold() -> None:
    home = HomeBench(pre_alarm_s=0.0)
    home.state = core.without_falls(home.state, "numpy is missing", home.clock.now())[0]
    at = home.clock.now().mono
    nan, inf = float("nan"), float("inf")
    damaged = ((nan, 0.0, 1.0), (inf, 0.0, 0.0), (0.0, -inf, nan))
    home.step(MotionBatch("wearable", tuple(at + n for n in range(3)), damaged))
    assert not home.seen("call.raised")
    home.step(MotionBatch("wearable", (at + 4,), ((0.0, 0.0, 2.2),)))
    assert len(home.seen("call.raised")) == 1


def test_a_model_that_can_not_be_used_is_a_fault_until_it_can() -> None:
    home = HomeBench()
    home.step(ModelState("wearable", failing=True, detail="wrong hash"))
    home.step(ScoringFailed("t1", "wrong_hash", "wrong hash"))
    home.step(ModelState("wearable", failing=False, detail="fine", name="fall-waist/1.0.0", sha256="ab"))
    assert home.faults("tech.fault", None) == ["model.failing"]
    assert home.faults("tech.restored", None) == ["model.failing"]


def test_a_spent_budget_is_a_fault_that_the_centre_sees() -> None:
    home = HomeBench()
    spent = Assessment(Verdict.UNVERIFIED, (Text("budgettet er brugt", "the budget is spent"),))
    home.trigger("t1")
    home.say(Assessed("t1", "wearable", 0.0, 3.0, over_reference=True, assessment=spent, budget_left=0, audited=False))
    assert home.faults("tech.fault", "wearable") == ["budget.spent"]
    home.trigger("t2")
    home.assess("t2", Verdict.FALSE_ALARM)
    assert home.faults("tech.restored", "wearable") == ["budget.spent"]


def test_a_manual_call_is_raised_while_everything_automatic_is_broken() -> None:
    home = HomeBench()
    home.state = core.with_falls(home.state, ScriptedFalls(broken=True))
    home.pull()
    assert len(home.seen("call.raised")) == 1
