"""What a broker refuses is a fault until it takes that very thing, and no reason to chatter or to hang up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from agent.clock import Now
from agent.effects import FetchTechnical, Publish
from agent.ids import Entropy
from agent.uplink import delivery
from agent.uplink.call_lane import UNHEARD_CEILING_S
from agent.uplink.delivery import Delivery
from agent.uplink.outcomes import Outcome, Refusal, Welcome
from agent.uplink.pubacks import NO_SUBSCRIBER
from agent.uplink.technical_lane import PAGE
from tests.unit.uplink.events import event

SUCCESS, NOT_AUTHORISED = 0, 0x87
CALL = event(1, call=True)


def at(mono: float) -> Now:
    return Now(mono, 1_780_000_000.0 + mono, synced=True)


def up(maximum_packet: int | None = None) -> Delivery:
    made = delivery.begin(("primary",), "boot-1", Entropy(bytes(32)), (), at(0))
    made, _ = delivery.pass_time(made, at(0))
    made, _ = delivery.path_up(made, "primary", maximum_packet, at(0))
    # The first page of an empty outbox has been read.
    return delivery.page_came(made, (), at(0), more=False)[0]


def published(outcomes: tuple[Outcome, ...]) -> list[Publish]:
    return [outcome for outcome in outcomes if isinstance(outcome, Publish)]


def send(now: Delivery, leaf: str, payload: bytes = b"{}", **options: Any) -> tuple[Delivery, tuple[Outcome, ...]]:
    return delivery.publish_now(now, Publish("primary", 0, leaf, payload, **options), at(1))


def answer(now: Delivery, outcomes: tuple[Outcome, ...], code: int) -> tuple[Delivery, tuple[Outcome, ...]]:
    return delivery.puback(now, "primary", published(outcomes)[0].token, code, at(1))


def test_a_refusal_stands_until_that_topic_is_taken() -> None:
    uplink, sent = send(up(), "state")
    uplink, said = answer(uplink, sent, NOT_AUTHORISED)
    assert isinstance(said[0], Refusal)
    uplink, sent = send(uplink, "heartbeat")
    uplink, said = answer(uplink, sent, SUCCESS)
    assert said == ()
    uplink, sent = send(uplink, "state")
    uplink, said = answer(uplink, sent, SUCCESS)
    assert Welcome("primary") in said


def test_nobody_need_listen_for_what_is_retained_or_a_reply() -> None:
    uplink, sent = send(up(), "state", retain=True)
    uplink, said = answer(uplink, sent, NO_SUBSCRIBER)
    assert said == ()
    uplink, sent = send(uplink, "heartbeat", expiry_s=120)
    uplink, said = answer(uplink, sent, NO_SUBSCRIBER)
    assert isinstance(said[0], Refusal)


def test_what_is_too_large_is_never_sent_and_said() -> None:
    uplink, said = send(up(maximum_packet=1000), "state", b"x" * 600)
    assert not published(said)
    assert isinstance(said[0], Refusal)
    assert "max_packet_size" in said[0].detail
    assert not uplink.paths["primary"].in_flight


@pytest.mark.parametrize("code", [NO_SUBSCRIBER, NOT_AUTHORISED])
def test_a_call_that_nobody_heard_goes_again_soon_and_as_often_as_it_takes(code: int) -> None:
    uplink, outcomes = delivery.enqueue(up(), CALL, at(1))
    moment, waits = 1.0, []
    for _ in range(6):
        uplink, _ = delivery.puback(uplink, "primary", published(outcomes)[0].token, code, at(moment))
        due = uplink.calls.entries[CALL.event_id].due_at
        waits.append(due - moment)
        uplink, nothing = delivery.pass_time(uplink, at(due - 0.01))
        assert not published(nothing)
        uplink, outcomes = delivery.pass_time(uplink, at(due))
        moment = due
    assert waits == [2.0, 4.0, 8.0, UNHEARD_CEILING_S, UNHEARD_CEILING_S, UNHEARD_CEILING_S]


def test_an_answer_of_nobody_never_makes_a_call_wait_longer() -> None:
    uplink, outcomes = delivery.enqueue(up(), CALL, at(1))
    entry = replace(uplink.calls.entries[CALL.event_id], due_at=1.5)
    uplink = replace(uplink, calls=replace(uplink.calls, entries={CALL.event_id: entry}))
    uplink, _ = delivery.puback(uplink, "primary", published(outcomes)[0].token, NO_SUBSCRIBER, at(1))
    assert uplink.calls.entries[CALL.event_id].due_at == 1.5


def test_what_a_broker_takes_again_brings_back_the_technical_events_that_it_had_refused() -> None:
    fault = event(2)
    uplink, refused = delivery.enqueue(up(), fault, at(1))
    uplink, sent = delivery.enqueue(uplink, CALL, at(1))
    for outcomes in (refused, sent):
        uplink, _ = answer(uplink, outcomes, NO_SUBSCRIBER)
    uplink, again = delivery.pass_time(uplink, at(5))
    uplink, said = answer(uplink, again, SUCCESS)
    assert FetchTechnical("", PAGE) in said
    assert Welcome("primary") not in said  # the technical topic has not been taken yet
    uplink, told = delivery.page_came(uplink, (fault,), at(5), more=False)
    _, said = answer(uplink, told, SUCCESS)
    assert Welcome("primary") in said
