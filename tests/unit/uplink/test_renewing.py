"""A connection that owes a PUBACK stays while a new one is made beside it; whichever answers first is the one."""

from __future__ import annotations

import pytest

from agent.clock import Now
from agent.effects import Abandon, Connect, Light, Publish
from agent.ids import Entropy
from agent.uplink import delivery, paths
from agent.uplink.delivery import PUBACK_WITHIN_CALL_S, PUBACK_WITHIN_S
from agent.uplink.delivery_state import Delivery
from agent.uplink.outcomes import Answers, Outcome, Silent
from agent.uplink.paths import Phase
from tests.home_bench import HomeBench
from tests.unit.uplink.events import event

TWO = ("primary", "secondary")


def at(mono: float) -> Now:
    return Now(mono, 1_780_000_000.0 + mono, synced=True)


def up(accepted_at: float = 0.1) -> Delivery:
    """Return an uplink whose one path was accepted then."""
    uplink = delivery.begin(("primary",), "boot-1", Entropy(bytes(32)), (), at(0))
    uplink, _ = delivery.pass_time(uplink, at(0))
    uplink, _ = delivery.path_up(uplink, "primary", None, at(accepted_at))
    return delivery.page_came(uplink, (), at(accepted_at), more=False)[0]


def silent(outcomes: tuple[Outcome, ...]) -> list[str]:
    """Return the paths that fell silent."""
    return [outcome.path for outcome in outcomes if isinstance(outcome, Silent)]


def published(outcomes: tuple[Outcome, ...]) -> list[Publish]:
    return [outcome for outcome in outcomes if isinstance(outcome, Publish)]


def phase(home: HomeBench, path: str = "primary") -> Phase:
    return home.state.delivery.paths[path].phase


def in_doubt(paths_: tuple[str, ...] = ("primary",)) -> HomeBench:
    """Return a home with a call on its way, whose brokers have not answered for 5 s, nor the attempts beside."""
    home = HomeBench(paths_)
    home.auto = False
    home.pull()
    home.advance(PUBACK_WITHIN_CALL_S)
    assert phase(home) is Phase.RENEWING
    return home


def ways(home: HomeBench, subject: str = "bathroom-cord") -> list[str]:
    """Return the paths of all copies of a cord's calls that left the unit, in order."""
    return [
        e["data"]["delivery"]["path"] for e in home.centre if e["type"].endswith("raised") and e["subject"] == subject
    ]


# ---------------------------------------------------------------- when


def test_a_connection_without_a_puback_is_renewed_and_stays() -> None:
    uplink, sent = delivery.enqueue(up(), event(1, call=True), at(1.0))
    assert len(published(sent)) == 1
    assert delivery.next_deadline(uplink) == 1.0 + PUBACK_WITHIN_CALL_S
    uplink, outcomes = delivery.pass_time(uplink, at(1.0 + PUBACK_WITHIN_CALL_S))
    assert silent(outcomes) == ["primary"]
    assert outcomes[-1] == Connect("primary"), "and nothing is closed"
    assert uplink.paths["primary"].in_flight
    assert not uplink.connected
    _, outcomes = delivery.pass_time(uplink, at(1.1 + PUBACK_WITHIN_CALL_S))
    assert outcomes == (), "once"


def test_while_no_call_waits_it_takes_half_a_minute() -> None:
    uplink, _ = delivery.enqueue(up(), event(1), at(1.0))
    uplink, outcomes = delivery.pass_time(uplink, at(0.9 + PUBACK_WITHIN_S))
    assert not silent(outcomes)
    _, outcomes = delivery.pass_time(uplink, at(1.0 + PUBACK_WITHIN_S))
    assert silent(outcomes) == ["primary"]


def test_a_broker_whose_last_answer_was_slow_has_longer() -> None:
    uplink, outcomes = delivery.enqueue(up(accepted_at=20.0), event(1, call=True), at(20.0))
    (sent,) = published(outcomes)
    assert silent(delivery.pass_time(uplink, at(49.9))[1]) == []
    assert silent(delivery.pass_time(uplink, at(50.0))[1]) == ["primary"], "but not for ever"
    uplink, _ = delivery.puback(uplink, "primary", sent.token, 0, at(30.0))
    uplink, _ = delivery.enqueue(uplink, event(2, call=True), at(40.0))
    uplink, outcomes = delivery.pass_time(uplink, at(54.9))
    assert silent(outcomes) == [], "10 s were its last answer"
    assert silent(delivery.pass_time(uplink, at(55.0))[1]) == ["primary"]


def test_a_broker_that_became_quick_has_five_seconds_again() -> None:
    uplink, outcomes = delivery.enqueue(up(accepted_at=20.0), event(1, call=True), at(20.0))
    uplink, _ = delivery.puback(uplink, "primary", published(outcomes)[0].token, 0, at(20.1))
    uplink, _ = delivery.enqueue(uplink, event(2, call=True), at(30.0))
    assert silent(delivery.pass_time(uplink, at(35.0))[1]) == ["primary"]


def test_a_call_still_goes_out_on_a_line_that_falls_silent_the_moment_it_comes() -> None:
    uplink, _ = delivery.enqueue(up(), event(1), at(1.0))  # a technical event, with 30 s for its PUBACK
    _, outcomes = delivery.enqueue(uplink, event(2, call=True), at(8.0))
    kinds = [type(outcome) for outcome in outcomes if isinstance(outcome, Publish | Silent)]
    assert kinds == [Publish, Silent], "and in this order: the line may only be slow"


# ---------------------------------------------------------------- whichever answers first


def test_the_old_connection_answers_first_and_the_attempt_is_given_up() -> None:
    uplink, outcomes = delivery.enqueue(up(), event(1, call=True), at(1.0))
    (sent,) = published(outcomes)
    uplink, _ = delivery.pass_time(uplink, at(6.0))
    uplink, outcomes = delivery.puback(uplink, "primary", sent.token, 0, at(11.0))
    assert outcomes[:2] == (Answers("primary"), Abandon("primary"))
    assert uplink.connected
    assert uplink.active == "primary"
    uplink, outcomes = delivery.path_down(uplink, "primary", "no answer", at(11.1), refused=False, beside=True)
    assert uplink.paths["primary"].is_up, "an attempt that failed at the same time is nobody's loss"
    assert not outcomes


def test_a_puback_ends_no_silence_while_an_older_one_is_still_owed() -> None:
    uplink, outcomes = delivery.enqueue(up(), event(1, call=True), at(1.0))
    uplink, more = delivery.enqueue(uplink, event(2, call=True), at(5.5))
    uplink, _ = delivery.pass_time(uplink, at(6.0))
    uplink, outcomes_of_second = delivery.puback(uplink, "primary", published(more)[0].token, 0, at(6.1))
    assert not [outcome for outcome in outcomes_of_second if isinstance(outcome, Answers)]
    uplink, _ = delivery.puback(uplink, "primary", published(outcomes)[0].token, 0, at(6.2))
    assert uplink.connected


def test_the_new_connection_is_first_and_has_every_call_at_once() -> None:
    home = in_doubt()
    home.pull("bedroom-button")
    home.centre.clear()
    home.connect()
    assert phase(home) is Phase.UP
    assert [event["subject"] for event in home.centre] == ["bathroom-cord", "bedroom-button"]
    assert [event["data"]["delivery"]["attempt"] for event in home.centre] == [2, 2]
    home.answer_broker()
    assert not [flight for flight in home.state.delivery.paths["primary"].in_flight.values() if flight.is_call]
    assert home.light is Light.SENDING


def test_the_broker_takes_the_new_one_although_the_old_one_had_answered() -> None:
    home = in_doubt()
    home.request()
    home.answer_broker()
    assert phase(home) is Phase.UP
    assert home.attempted == {"primary"}, "its CONNECT can't be taken back"
    home.pull("bedroom-button")
    home.centre.clear()
    home.connect()
    assert phase(home) is Phase.UP
    assert ways(home, "bedroom-button") == ["primary"], "what was under way on the old one is sent anew"


def test_the_old_one_is_lost_and_the_attempt_goes_on() -> None:
    home = in_doubt()
    home.lose()
    assert phase(home) is Phase.CONNECTING
    assert home.attempted == {"primary"}
    home.centre.clear()
    home.connect()
    assert ways(home) == ["primary"]


def test_both_die_and_a_third_is_made_within_five_seconds() -> None:
    home = in_doubt()
    while phase(home) is Phase.RENEWING:  # as chance has it, the next attempt begins at once
        home.fail()
    assert phase(home) is Phase.SILENT
    home.lose()
    assert phase(home) is Phase.DOWN
    home.advance(paths.BACKOFF_CEILING_CALL_S)
    assert phase(home) is Phase.CONNECTING
    home.centre.clear()
    home.connect()
    assert ways(home) == ["primary"]


def test_attempts_follow_each_other_every_five_seconds_while_the_old_one_is_silent() -> None:
    home = in_doubt()
    for _ in range(10):
        home.advance(5.0)  # without an answer
        home.fail()
        home.advance(0.01)
        assert phase(home) is Phase.RENEWING, "5 s were waited for it already"


# ---------------------------------------------------------------- meanwhile


def test_a_second_pull_goes_out_on_the_silent_connection_at_once() -> None:
    home = in_doubt()
    home.pull("bedroom-button")
    assert ways(home, "bedroom-button") == ["primary"]
    home.fail()
    home.pull("reset-button")
    home.pull("bedroom-button")
    assert ways(home, "bedroom-button") == ["primary", "primary"], "between two attempts, too"


def test_only_calls_go_out_on_a_silent_connection() -> None:
    home = in_doubt()
    before = len(home.unanswered)
    home.fail_disk()
    home.advance(200.0)
    assert len(home.unanswered) == before, "no heartbeat, no state, no technical event fills its window"


def test_the_light_says_line_down_until_one_of_them_answers() -> None:
    home = in_doubt()
    assert home.light is Light.LINE_DOWN
    home.write()
    home.answer_broker()
    assert home.light is Light.SENDING


def test_a_long_silence_is_told_as_a_fault_and_restored_by_the_answer() -> None:
    home = in_doubt()
    home.advance(31.0)
    home.answer_broker()
    home.auto = True
    home.advance(1.0)
    assert home.faults("tech.fault", "primary") == ["uplink.lost"]
    assert home.faults("tech.restored", "primary") == ["uplink.lost"]


def test_a_call_on_a_silent_path_takes_the_other_at_once_and_so_does_the_next() -> None:
    home = HomeBench(TWO)
    home.auto = False
    home.pull()
    home.advance(PUBACK_WITHIN_CALL_S)
    assert ways(home) == ["primary", "secondary"]
    assert home.light is not Light.LINE_DOWN
    home.pull("bedroom-button")
    assert ways(home, "bedroom-button") == ["secondary"]
    assert phase(home) is Phase.RENEWING


def test_where_all_are_silent_the_one_that_was_up_last_has_the_next_call() -> None:
    home = HomeBench(TWO)
    home.auto = False
    home.pull()
    home.advance(2 * PUBACK_WITHIN_CALL_S + 0.1)
    assert phase(home) is phase(home, "secondary") is Phase.RENEWING
    assert home.light is Light.LINE_DOWN
    home.pull("bedroom-button")
    assert ways(home, "bedroom-button") == ["secondary"]


def test_two_that_fall_silent_at_once_each_keep_what_went_out_on_them() -> None:
    """The first one's calls go out on the second, which falls silent in the same step."""
    uplink = delivery.begin(TWO, "boot-1", Entropy(bytes(32)), (), at(0))
    uplink, _ = delivery.pass_time(uplink, at(0))
    for name in TWO:
        uplink, _ = delivery.path_up(uplink, name, None, at(0.1))
    uplink, _ = delivery.enqueue(uplink, event(1, call=True), at(1.0))
    uplink, _ = delivery.publish_now(uplink, Publish("secondary", 0, "state", b"{}"), at(1.0))
    uplink, outcomes = delivery.pass_time(uplink, at(6.0))
    assert silent(outcomes) == ["primary", "secondary"]
    (copy,) = published(outcomes)
    assert copy.token in uplink.paths["secondary"].in_flight


@pytest.mark.parametrize("first", ["answer", "accept"])
def test_a_preferred_path_that_was_silent_must_hold_before_it_is_chosen_again(first: str) -> None:
    home = in_doubt(TWO)
    if first == "answer":
        home.answer_broker()
    home.auto = True
    home.connect()
    home.connect("secondary")
    assert phase(home) is Phase.UP
    assert home.state.delivery.active == "secondary"
    home.advance(paths.STEADY_AFTER_S + 2.0)
    assert home.state.delivery.active == "primary"


def test_an_event_during_which_three_connections_were_replaced_is_left_to_its_timetable() -> None:
    """What a broker never answers may be what it stumbles over: the others must not wait behind it for ever."""
    home = in_doubt()
    for _ in range(2):
        home.connect()
        home.advance(PUBACK_WITHIN_CALL_S + 5.0)
        assert phase(home) is Phase.RENEWING
    home.centre.clear()
    home.connect()
    assert ways(home) == []
