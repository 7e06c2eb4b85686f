"""When a lost path is tried again, and for how long an attempt waits: sooner and longer while a call needs it.

How a connection that is there but silent is renewed is in `test_renewing.py`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent.clock import Now
from agent.effects import Connect
from agent.ids import Entropy
from agent.uplink import delivery, paths
from agent.uplink.delivery_state import Delivery
from agent.uplink.outcomes import Outcome
from tests.unit.uplink.events import event

SILENT_S = 5.0
"""How long the shell waits for an answer in an attempt that is not patient."""


def at(mono: float) -> Now:
    return Now(mono, 1_780_000_000.0 + mono, synced=True)


def attempts(outcomes: tuple[Outcome, ...]) -> list[bool]:
    """Return whether each attempt that begins is a patient one."""
    return [outcome.patient for outcome in outcomes if isinstance(outcome, Connect)]


def begun() -> Delivery:
    uplink = delivery.begin(("primary",), "boot-1", Entropy(bytes(32)), (), at(0))
    return delivery.pass_time(uplink, at(0))[0]


def fail(uplink: Delivery, now: float) -> tuple[Delivery, tuple[Outcome, ...]]:
    return delivery.path_down(uplink, "primary", "nothing listens", at(now), refused=False)


def in_a_long_outage(next_attempt_at: float) -> Delivery:
    """Return an uplink that failed for the last time at 0 s, and waits long because nobody called."""
    uplink = begun()
    waiting = replace(uplink.paths["primary"], phase=paths.Phase.DOWN, attempts=12, due_at=next_attempt_at)
    return replace(uplink, paths={"primary": waiting})


def test_a_call_in_a_long_outage_does_not_wait_for_the_next_attempt() -> None:
    _, outcomes = delivery.enqueue(in_a_long_outage(50.0), event(1, call=True), at(1.0))
    assert len(attempts(outcomes)) == 1


def test_a_technical_event_does_wait() -> None:
    _, outcomes = delivery.enqueue(in_a_long_outage(50.0), event(1), at(1.0))
    assert not attempts(outcomes)


def test_a_worn_switch_makes_no_storm_of_attempts() -> None:
    uplink, now = begun(), 0.0
    begins = 0
    for number in range(1, 101):
        now += 0.05
        uplink, outcomes = delivery.enqueue(uplink, event(number, call=True), at(now))
        begins += len(attempts(outcomes))
        if uplink.paths["primary"].phase is paths.Phase.CONNECTING:
            uplink, outcomes = fail(uplink, now)
            begins += len(attempts(outcomes))
    assert begins <= 5.0 / paths.BACKOFF_FIRST_S + 12  # and the jitter's own few


def test_an_attempt_that_got_no_answer_has_waited_already() -> None:
    uplink, _ = delivery.enqueue(begun(), event(1, call=True), at(0))
    _, outcomes = fail(uplink, SILENT_S)
    assert attempts(outcomes) == [False]


@pytest.mark.parametrize("held_s", [1.0, 3600.0])
def test_a_connection_that_held_is_forgiven_also_when_it_fell_silent(held_s: float) -> None:
    path = paths.Path("primary", attempts=7)
    path = paths.went_up(paths.connecting(path, 0.0), 0.1, None)
    path = paths.fell_silent(path, held_s, "half-open")
    path = paths.failed(path, held_s, "no answer", refused=False, wait=0.0)
    path = paths.lost(path, held_s, "closed", refused=False, wait=0.0)
    assert path.attempts == (1 if held_s > paths.BACKOFF_FORGIVEN_AFTER_S else 8)


def test_a_broker_that_never_answers_in_time_is_waited_for_now_and_then() -> None:
    uplink, _ = delivery.enqueue(begun(), event(1, call=True), at(0))
    now, kinds = 0.0, []
    for _ in range(16):
        now += SILENT_S
        uplink, outcomes = fail(uplink, now)
        assert len(attempts(outcomes)) == 1
        kinds += attempts(outcomes)
    # The ninth begins after 45 s; of those from there on, each fourth.
    assert [number for number, patient in enumerate(kinds, 1) if patient] == [12, 16]


def test_a_flapping_line_is_no_slow_broker() -> None:
    path = replace(paths.Path("primary"), attempts=40, down_since=100.0)
    assert not paths.is_patient(path, 100.0 + paths.PATIENT_AFTER_S - 0.1)
    assert paths.is_patient(path, 100.0 + paths.PATIENT_AFTER_S)


@pytest.mark.parametrize(("answer_s", "patient"), [(0.9, False), (1.0, True)])
def test_a_broker_that_answered_slowly_is_waited_for_from_the_first_attempt_on(answer_s: float, patient: bool) -> None:  # noqa: FBT001 - a table's column
    path = paths.went_up(paths.connecting(paths.Path("primary"), 0.0), answer_s, None)
    assert paths.is_patient(paths.lost(path, 5.0, "lost", refused=False, wait=0.0), 5.0) is patient


def test_an_attempt_that_hangs_is_asked_for_again_while_a_call_waits() -> None:
    uplink, _ = delivery.enqueue(begun(), event(1, call=True), at(0))
    assert delivery.next_deadline(uplink) == paths.AGAIN_AFTER_S
    uplink, outcomes = delivery.pass_time(uplink, at(paths.AGAIN_AFTER_S - 0.1))
    assert not attempts(outcomes)
    for turn in (1, 2, 3):
        uplink, outcomes = delivery.pass_time(uplink, at(turn * paths.AGAIN_AFTER_S))
        assert len(attempts(outcomes)) == 1
    assert uplink.paths["primary"].phase is paths.Phase.CONNECTING


def test_an_attempt_that_hung_for_long_is_asked_for_again_the_moment_a_call_comes() -> None:
    uplink, outcomes = delivery.pass_time(begun(), at(40.0))
    assert not attempts(outcomes)
    assert delivery.next_deadline(uplink) is None
    _, outcomes = delivery.enqueue(uplink, event(1, call=True), at(41.0))
    assert len(attempts(outcomes)) == 1
