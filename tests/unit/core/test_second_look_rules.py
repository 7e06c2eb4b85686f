"""Each rule of a second look by itself: its table row by row, and every limit from both of its sides."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from agent import second_look
from agent.assessment import Advice, Assessed, Assessment, Observation, TriggerSeen, Verdict
from agent.directions import Vector
from agent.second_look import ENDED, Limits, Look, Phase, Seen, Sign

IMPACT_AT = 1000.0
LIMITS = Limits(look_s=120.0, lying_still_s=15.0)
LYING, UPRIGHT = 90.0, 0.0
STOOD: Vector = (0.0, 0.0, 1.0)
QUIET_G, LOUD_G = 0.01, 0.3

W, S, M, A, U = Phase.WATCHING, Phase.LYING_SINCE, Phase.MOVING, Phase.LYING_AGAIN, Phase.UP
LOST, OVER = Phase.UNKNOWN, Phase.OVER
AFTER = {
    #     LAY_STILL, MOVED, WALKED, LOST, TIME_UP
    W: (S, M, U, LOST, OVER),
    S: (S, M, U, LOST, OVER),
    M: (A, M, U, LOST, OVER),
    A: (A, M, U, LOST, OVER),
    U: (A, U, U, LOST, OVER),
    LOST: (LOST,) * 5,
    OVER: (OVER,) * 5,
}


def turned(degrees: float) -> Vector:
    """Gravity, so far from where it was before the impact."""
    return 0.0, math.sin(math.radians(degrees)), math.cos(math.radians(degrees))


def trigger(impact_at: float = IMPACT_AT, before: Vector = STOOD) -> TriggerSeen:
    return TriggerSeen("t", "wearable", impact_at, 2.5, over_reference=True, answer_by=0.0, gravity_before=before)


def answer(verdict: Verdict, score: float | None = 0.6, impact_at: float = IMPACT_AT) -> Assessed:
    judged = Assessment(verdict, (), score, 0.7)
    return Assessed(
        f"t{score}", "wearable", impact_at, 2.5, over_reference=True, assessment=judged, budget_left=4, audited=True
    )


def fresh() -> Look:
    return second_look.triggered(None, trigger())


def second(at: float, degrees: float, moving_g: float = QUIET_G, *, walking: bool = False) -> Observation:
    return Observation("wearable", at, turned(degrees), moving_g, walking)


def seen(look: Look, *seconds: tuple[float, float, bool]) -> Look:
    """Return the look after seconds on end: degrees from before, movement in g, and whether there were steps."""
    for degrees, moving_g, walking in seconds:
        look = second_look.observe(look, second(look.seen_at + 1.0, degrees, moving_g, walking=walking), LIMITS)
    return look


STILL, TOSSED, WALKED = (LYING, QUIET_G, False), (LYING, LOUD_G, False), (UPRIGHT, LOUD_G, True)


def shown(look: Look, sign: Sign) -> Look:
    """Return the look, one second short of a sign, after that second."""
    at = IMPACT_AT + 50.0
    look = replace(look, seen_at=at)
    match sign:
        case Sign.LAY_STILL:
            return seen(replace(look, still_s=14, still_as=turned(LYING)), STILL)
        case Sign.MOVED:
            return seen(replace(look, restless_s=2), TOSSED)
        case Sign.WALKED:
            return seen(replace(look, walking_s=2), WALKED)
        case Sign.LOST:
            return second_look.observe(look, second(at + 9.0, LYING), LIMITS)
        case Sign.TIME_UP:
            late = IMPACT_AT + LIMITS.look_s
            return second_look.observe(replace(look, seen_at=late), second(late + 1.0, LYING), LIMITS)


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("sign", Sign)
def test_the_table(phase: Phase, sign: Sign) -> None:
    look = shown(replace(fresh(), phase=phase), sign)
    assert look.phase is AFTER[phase][list(Sign).index(sign)]


@pytest.mark.parametrize("phase", sorted(ENDED, key=str))
def test_an_ended_look_takes_in_nothing_more(phase: Phase) -> None:
    look = replace(fresh(), phase=phase)
    assert second_look.observe(look, second(IMPACT_AT + 1.0, LYING), LIMITS) is look
    assert second_look.pass_time(look, IMPACT_AT + 1e6, LIMITS) is look


# ---------------------------------------------------------------- what a second shows


@pytest.mark.parametrize(
    ("degrees", "moving_g", "lies"),
    [(50.1, QUIET_G, True), (49.9, QUIET_G, False), (LYING, 0.0999, True), (LYING, 0.1, False)],
)
def test_lying_still_is_another_posture_and_no_movement(degrees: float, moving_g: float, *, lies: bool) -> None:
    assert (seen(fresh(), *[(degrees, moving_g, False)] * 15).phase is Phase.LYING_SINCE) == lies


def test_it_takes_as_many_seconds_in_a_row_as_the_profile_says() -> None:
    almost = seen(fresh(), *[STILL] * 14)
    assert almost.phase is Phase.WATCHING
    assert seen(almost, STILL).phase is Phase.LYING_SINCE
    assert seen(almost, TOSSED, *[STILL] * 14).phase is Phase.WATCHING
    assert seen(almost, TOSSED, *[STILL] * 15).phase is Phase.LYING_SINCE
    assert second_look.observe(almost, second(almost.seen_at + 1, LYING), Limits(120.0, 16.0)).phase is Phase.WATCHING


@pytest.mark.parametrize(("degrees_a_second", "lies"), [(1.0, True), (1.2, False)])
def test_turning_is_held_against_how_the_stillness_began(degrees_a_second: float, *, lies: bool) -> None:
    rolling = [(60.0 + degrees_a_second * n, QUIET_G, False) for n in range(15)]
    assert (seen(fresh(), *rolling).phase is Phase.LYING_SINCE) == lies
    assert seen(fresh(), (60.0, QUIET_G, False), (74.9, QUIET_G, False)).still_s == 2
    assert seen(fresh(), (60.0, QUIET_G, False), (75.1, QUIET_G, False)).still_s == 1


@pytest.mark.parametrize(("degrees", "up"), [(39.9, True), (40.1, False)])
def test_walking_is_steps_in_the_posture_of_before(degrees: float, *, up: bool) -> None:
    steps = (degrees, LOUD_G, True)
    assert (seen(fresh(), steps, steps, steps).phase is Phase.UP) == up
    assert seen(fresh(), *[(degrees, LOUD_G, False)] * 3).phase is Phase.WATCHING


def test_walking_takes_three_seconds_in_a_row() -> None:
    stands = (UPRIGHT, LOUD_G, False)
    assert seen(fresh(), WALKED, WALKED).phase is Phase.WATCHING
    assert seen(fresh(), WALKED, WALKED, stands, WALKED, WALKED).phase is Phase.WATCHING
    assert seen(fresh(), WALKED, WALKED, stands, WALKED, WALKED, WALKED).phase is Phase.UP


def test_moving_is_three_seconds_in_a_row_once_the_fall_has_settled() -> None:
    settling = seen(fresh(), *[TOSSED] * 6)
    assert (settling.phase, settling.restless_s) == (Phase.WATCHING, 0)
    assert seen(settling, TOSSED, TOSSED).phase is Phase.WATCHING
    assert seen(settling, TOSSED, TOSSED, STILL, TOSSED, TOSSED).phase is Phase.WATCHING
    assert seen(settling, TOSSED, TOSSED, TOSSED).phase is Phase.MOVING


def test_the_second_of_the_impact_itself_is_not_looked_at() -> None:
    look = fresh()
    assert second_look.observe(look, second(IMPACT_AT + 0.9, LYING), LIMITS) is look
    assert second_look.observe(look, second(IMPACT_AT + 1.0, LYING), LIMITS).still_s == 1


# ---------------------------------------------------------------- what is not seen, and the end


@pytest.mark.parametrize(("gap_s", "phase"), [(2.5, Phase.WATCHING), (2.6, Phase.UNKNOWN)])
def test_a_hole_between_two_seconds_ends_the_look(gap_s: float, phase: Phase) -> None:
    look = seen(fresh(), STILL)
    assert second_look.observe(look, second(look.seen_at + gap_s + 1.0, LYING), LIMITS).phase is phase


@pytest.mark.parametrize(("silent_s", "phase"), [(5.0, Phase.WATCHING), (5.1, Phase.UNKNOWN)])
def test_the_clock_ends_it_later_because_samples_may_be_late(silent_s: float, phase: Phase) -> None:
    look = seen(fresh(), STILL)
    assert second_look.pass_time(look, look.seen_at + silent_s, LIMITS).phase is phase


@pytest.mark.parametrize(("at", "phase"), [(120.0, Phase.WATCHING), (120.1, Phase.OVER)])
def test_a_look_lasts_as_long_as_the_profile_says(at: float, phase: Phase) -> None:
    look = replace(fresh(), seen_at=IMPACT_AT + at - 1.0)
    assert second_look.observe(look, second(IMPACT_AT + at, LYING), LIMITS).phase is phase


@pytest.mark.parametrize(("now", "phase"), [(122.5, Phase.WATCHING), (122.6, Phase.OVER)])
def test_the_clock_ends_it_for_good(now: float, phase: Phase) -> None:
    look = replace(fresh(), seen_at=IMPACT_AT + 119.0)
    assert second_look.pass_time(look, IMPACT_AT + now, LIMITS).phase is phase


# ---------------------------------------------------------------- triggers


def test_one_more_impact_of_a_fall_begins_what_is_counted_anew_and_nothing_else() -> None:
    doubted = second_look.assessed(fresh(), answer(Verdict.UNCERTAIN))
    look = replace(doubted, still_s=9, walking_s=2, phase=Phase.MOVING)
    again = second_look.triggered(look, trigger(IMPACT_AT + 5.0, turned(LYING)))
    assert again == replace(look, impact_at=IMPACT_AT + 5.0, still_s=0, walking_s=0)
    assert second_look.triggered(again, trigger(IMPACT_AT + 3.0)).impact_at == IMPACT_AT + 5.0


def test_an_impact_later_than_that_is_a_fall_of_its_own() -> None:
    look = replace(second_look.assessed(fresh(), answer(Verdict.UNCERTAIN)), phase=Phase.MOVING)
    other = trigger(IMPACT_AT + 5.1, turned(LYING))
    assert second_look.triggered(look, other) == second_look.triggered(None, other)


def test_a_fall_that_called_goes_on_until_the_person_is_up_or_was_not_seen() -> None:
    called = second_look.assessed(fresh(), answer(Verdict.CONFIRMED))
    late = trigger(IMPACT_AT + 60.0, turned(LYING))
    again = second_look.triggered(called, late)
    assert (again.began_at, again.before, again.called) == (IMPACT_AT, STOOD, True)
    up = second_look.triggered(replace(called, phase=Phase.UP), late)
    assert (up.began_at, up.before, up.called) == (IMPACT_AT + 60.0, turned(LYING), True)
    for ended in ENDED:
        assert second_look.triggered(replace(called, phase=ended), late) == second_look.triggered(None, late)


def test_the_likeliest_uncertain_trigger_of_a_fall_that_did_not_call_is_remembered() -> None:
    look = fresh()
    for score in (0.5, 0.6, 0.55):
        look = second_look.assessed(look, answer(Verdict.UNCERTAIN, score))
    assert look.doubt == answer(Verdict.UNCERTAIN, 0.6)
    assert second_look.assessed(look, answer(Verdict.FALSE_ALARM, 0.69)) is look
    assert second_look.assessed(look, answer(Verdict.UNCERTAIN, 0.69, IMPACT_AT - 1.0)) is look, "of an earlier fall"
    called = second_look.assessed(look, answer(Verdict.UNVERIFIED, None))
    assert (called.called, called.doubt) == (True, None)
    assert second_look.assessed(called, answer(Verdict.UNCERTAIN)) is called


# ---------------------------------------------------------------- what it weighs


def test_lying_still_confirms_from_the_threshold_on_and_walking_never_does() -> None:
    unsure = Assessment(Verdict.UNVERIFIED, (), 0.6, threshold=0.8182)
    lies, walks = Seen(Phase.LYING_SINCE, 15, 80.0), Seen(Phase.UP, 3, 5.0)
    assert second_look.weigh(unsure, lies).verdict is Verdict.CONFIRMED
    assert second_look.weigh(replace(unsure, threshold=0.8183), lies).verdict is Verdict.UNVERIFIED
    walked = second_look.weigh(replace(unsure, score=0.99), walks)
    assert (walked.verdict, walked.advice) == (Verdict.UNVERIFIED, Advice.PHONE_FIRST)
    assert walked.score == 0.9706, "more than the threshold, and walking confirms nothing"
