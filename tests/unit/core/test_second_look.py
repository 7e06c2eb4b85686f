from __future__ import annotations

from typing import Any

import pytest

from agent.assessment import Assessed, Assessment, Observation, TriggerSeen, Verdict
from agent.effects import Light
from tests.home_bench import HomeBench
from tests.person import ON_THE_SIDE, UPRIGHT, Person


def assessments(home: HomeBench, *kinds: str) -> list[dict[str, Any]]:
    return [event["data"]["assessment"] for event in home.seen(*kinds)]


@pytest.fixture
def home() -> HomeBench:
    return HomeBench()


@pytest.fixture
def person(home: HomeBench) -> Person:
    return Person(home)


# ---------------------------------------------------------------- an uncertain trigger


def test_an_uncertain_impact_and_lying_still_since_is_a_call_after_all(home: HomeBench, person: Person) -> None:
    person.impact(Verdict.UNCERTAIN, 0.6)
    person.lie_still(14)
    assert home.light is Light.READY
    person.lie_still(1)
    assert home.light is Light.PRE_ALARM, "it can be cancelled as any other"
    home.advance(10.1)
    (told,) = assessments(home, "call.raised")
    assert told["verdict"] == "confirmed"
    assert told["score"] == pytest.approx(0.8182)  # odds of 0.6, times three
    assert told["evidence"]["model_score"] == 0.6
    assert told["evidence"]["look_still_s"] == 15.0
    assert told["evidence"]["look_posture_deg"] == pytest.approx(84.3)
    assert told["reasons"] == ["impact 2.5 g", "lying still 15 s since the impact"]
    assert told["reasons_da"] == ["stød 2,5 g", "ligger stille 15 s siden stødet"]
    assert told["advice"] == "dispatch"
    assert len(home.seen("audit.suppressed")) == 1, "the centre saw first that it was not called"
    assert (home.state.statistics.confirmed, home.state.statistics.suppressed) == (1, 0)


def test_a_raised_score_under_the_threshold_is_a_call_that_is_not_confirmed(home: HomeBench, person: Person) -> None:
    person.impact(Verdict.UNCERTAIN, 0.4)
    person.lie_still(15)
    home.advance(10.1)
    (told,) = assessments(home, "call.raised")
    assert told["verdict"] == "unverified"
    assert told["score"] < told["threshold"]


def test_lying_down_after_a_false_alarm_is_no_call(home: HomeBench, person: Person) -> None:
    person.impact(Verdict.FALSE_ALARM, 0.1)
    person.lie_still(60)
    assert not home.seen("call.raised")
    assert home.light is Light.READY


def test_sitting_still_after_an_uncertain_impact_is_no_call(home: HomeBench, person: Person) -> None:
    person.impact()
    person.sit_still(60)
    assert not home.seen("call.raised")


def test_who_settles_in_bed_first_is_not_called_for(home: HomeBench, person: Person) -> None:
    person.impact()
    person.toss(8)
    person.lie_still(60)
    assert not home.seen("call.raised")


def test_a_movement_now_and_then_only_begins_the_stillness_anew(home: HomeBench, person: Person) -> None:
    person.impact()
    person.lie_still(9)
    person.toss(1)
    person.lie_still(14)
    assert home.light is Light.READY
    person.lie_still(1)
    assert home.light is Light.PRE_ALARM


def test_rolling_over_slowly_begins_the_stillness_anew(home: HomeBench, person: Person) -> None:
    person.impact()
    person.lie_still(9)
    person.lie_still(14, (1.0, 0.0, 0.0))
    assert home.light is Light.READY


def test_without_a_posture_before_nothing_is_concluded(home: HomeBench, person: Person) -> None:
    person.impact(before=None)
    person.lie_still(60)
    person.walk(20)
    assert not home.seen("call.raised")


def test_a_gap_ends_the_look(home: HomeBench, person: Person) -> None:
    person.impact()
    person.lie_still(10)
    person.be_out_of_sight(6)
    person.lie_still(60)
    assert not home.seen("call.raised")


def test_a_cancelled_fall_is_not_raised_again_by_lying_still(home: HomeBench, person: Person) -> None:
    person.impact(Verdict.UNCERTAIN, 0.6)
    person.impact(Verdict.CONFIRMED, 0.9)
    home.advance(1.0)
    home.pull("reset-button")
    assert home.seen("call.cancelled")
    person.lie_still(40)
    assert not home.seen("call.raised")


def test_what_raised_a_call_is_not_told_again(home: HomeBench, person: Person) -> None:
    person.impact(Verdict.UNCERTAIN, 0.6)
    person.lie_still(15)
    person.toss(12)
    person.lie_still(15)
    assert len(home.seen("call.raised")) == 1
    assert not home.seen("call.updated")
    person.walk(8)
    assert assessments(home, "call.updated")[0]["score"] == pytest.approx(0.3333)


# ---------------------------------------------------------------- a call under way


def fallen(home: HomeBench, person: Person, score: float | None = 0.9, verdict: Verdict = Verdict.CONFIRMED) -> None:
    """Fall, struggle a little, and be called for."""
    person.impact(verdict, score)
    person.toss(12)
    assert len(home.seen("call.raised")) == 1


def test_getting_up_and_walking_is_told_once_and_withdraws_nothing(home: HomeBench, person: Person) -> None:
    fallen(home, person)
    person.walk(40)
    (told,) = assessments(home, "call.updated")
    assert [log.fields["phase"] for log in home.logs if log.event == "second_look"] == ["up_and_walking"]
    assert told["advice"] == "phone_first"
    assert told["verdict"] == "confirmed"
    assert told["score"] == pytest.approx(0.75)  # odds of 0.9, divided by three
    assert told["reasons"] == ["impact 2.5 g", "up and walking 3 s"]
    assert told["evidence"]["model_score"] == 0.9
    assert home.light is Light.RECEIVED
    home.advance(200.0)
    assert assessments(home, "call.escalated")[0]["advice"] == "phone_first"
    assert not home.seen("call.cancelled", "call.closed")


def test_lying_down_again_sends_someone_again(home: HomeBench, person: Person) -> None:
    fallen(home, person)
    person.walk(8)
    person.lie_still(40)
    first, second = assessments(home, "call.updated")
    assert (first["advice"], second["advice"]) == ("phone_first", "dispatch")
    assert second["score"] > 0.9
    assert second["reasons"][-1] == "lying still again 15 s"


def test_lying_still_is_told_once(home: HomeBench, person: Person) -> None:
    person.impact(Verdict.CONFIRMED, 0.72)
    person.lie_still(20)
    person.toss(5)
    person.lie_still(40)
    (told,) = assessments(home, "call.updated")
    assert assessments(home, "call.raised")[0]["advice"] == "phone_first"
    assert told["advice"] == "dispatch"
    assert told["reasons"][-1] == "lying still 15 s since the impact"


def test_a_call_without_a_score_gets_none(home: HomeBench, person: Person) -> None:
    fallen(home, person, None, Verdict.UNVERIFIED)
    person.lie_still(15)
    (told,) = assessments(home, "call.updated")
    assert told["score"] is None
    assert told["verdict"] == "unverified"
    assert told["reasons"][-1] == "lying still again 15 s"


def test_a_score_that_lying_still_raises_over_the_threshold_confirms(home: HomeBench, person: Person) -> None:
    fallen(home, person, 0.6, Verdict.UNVERIFIED)  # the budget was spent
    person.lie_still(15)
    assert assessments(home, "call.updated")[0]["verdict"] == "confirmed"


def test_a_pre_alarm_goes_on_whatever_is_seen(home: HomeBench, person: Person) -> None:
    person.impact(Verdict.CONFIRMED, 0.9)
    person.walk(9)
    assert home.light is Light.PRE_ALARM
    home.advance(1.5)
    (told,) = assessments(home, "call.raised")
    assert told["advice"] == "phone_first"
    assert not home.seen("call.updated", "call.cancelled")


def test_what_is_not_seen_lowers_nothing(home: HomeBench, person: Person) -> None:
    fallen(home, person)
    person.be_out_of_sight(6)
    person.walk(60)
    assert not home.seen("call.updated")


def test_a_look_ends(home: HomeBench, person: Person) -> None:
    fallen(home, person)
    person.sit_still(120)
    person.walk(60)
    assert not home.seen("call.updated")


def test_a_restart_ends_the_look_and_keeps_what_was_told(home: HomeBench, person: Person) -> None:
    fallen(home, person)
    person.walk(8)
    home.crash()
    person.walk(60)
    home.advance(200.0)
    assert len(home.seen("call.updated")) == 1
    assert assessments(home, "call.escalated")[0]["reasons"] == ["impact 2.5 g", "up and walking 3 s"]


def test_a_restart_in_the_pre_alarm_raises_what_was_seen_too(home: HomeBench, person: Person) -> None:
    person.impact(Verdict.CONFIRMED, 0.9)
    person.walk(8)
    home.crash()
    (told,) = assessments(home, "call.raised")
    assert told["verdict"] == "unverified"
    assert told["reasons"][-2:] == ["up and walking 3 s", "pre-alarm cut short by a restart of the unit"]


def test_a_second_fall_after_walking_sends_someone_again(home: HomeBench, person: Person) -> None:
    fallen(home, person)
    person.walk(8)
    person.impact(Verdict.CONFIRMED, 0.95)
    told = assessments(home, "call.updated")
    assert [one["advice"] for one in told] == ["phone_first", "dispatch"]
    assert told[-1]["score"] == 0.95
    person.walk(8)
    assert assessments(home, "call.updated")[-1]["advice"] == "phone_first"


def test_struggling_on_the_floor_does_not_end_the_look_at_the_call(home: HomeBench, person: Person) -> None:
    fallen(home, person)
    person.impact(Verdict.FALSE_ALARM, 0.1, before=ON_THE_SIDE)
    person.lie_still(15)
    assert assessments(home, "call.updated")[-1]["reasons"][-1] == "lying still again 15 s"
    person.walk(8)
    assert assessments(home, "call.updated")[-1]["advice"] == "phone_first"


def test_walking_about_after_a_false_alarm_says_nothing_of_an_earlier_call(home: HomeBench, person: Person) -> None:
    fallen(home, person)
    person.be_out_of_sight(200)
    person.impact(Verdict.FALSE_ALARM, 0.1, before=UPRIGHT)
    person.walk(20)
    assert not home.seen("call.updated")


def test_a_call_by_hand_is_not_looked_at(home: HomeBench, person: Person) -> None:
    home.pull()
    person.impact(Verdict.FALSE_ALARM, 0.1)
    person.walk(20)
    (event,) = home.seen("call.raised")
    assert event["data"]["assessment"] is None
    assert not home.seen("call.updated")


def test_what_is_seen_is_told_to_the_call_and_not_to_a_trigger_that_is_still_judged(
    home: HomeBench, person: Person
) -> None:
    fallen(home, person)
    at = home.clock.now().mono
    home.say(TriggerSeen("t2", "wearable", at, 2.5, over_reference=True, answer_by=at + 60.0))
    person.walk(8)
    assert [one["advice"] for one in assessments(home, "call.updated")] == ["phone_first"]


@pytest.mark.parametrize(("verdict", "advice"), [(Verdict.CONFIRMED, "phone_first"), (Verdict.UNCERTAIN, "dispatch")])
def test_an_answer_that_is_slower_than_the_person_is_weighed_with_what_was_seen(verdict: Verdict, advice: str) -> None:
    home = HomeBench(pre_alarm_s=0.0)
    at = home.clock.now().mono
    home.say(TriggerSeen("t1", "wearable", at, 2.5, over_reference=True, answer_by=at + 60.0, gravity_before=UPRIGHT))
    for _ in range(16):
        home.advance(1.0)
        up = verdict is Verdict.CONFIRMED
        home.say(
            Observation("wearable", home.clock.now().mono, UPRIGHT if up else ON_THE_SIDE, 0.3 if up else 0.01, up)
        )
    assert not home.seen("call.raised")
    answer = Assessment(verdict, (), 0.9 if up else 0.6, 0.7)
    home.say(Assessed("t1", "wearable", at, 2.5, over_reference=True, assessment=answer, budget_left=4, audited=not up))
    assert assessments(home, "call.raised", "call.updated")[-1]["advice"] == advice
