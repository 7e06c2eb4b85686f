"""The reference centre answers every copy once, stores before it answers, and never stumbles over what it is sent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.clock import ManualClock, Now
from agent.simulator.centre_calls import Phase
from agent.simulator.centre_jsonl import as_json
from agent.simulator.centre_messages import (
    Effect,
    EventSeen,
    HoleFilled,
    HoleFound,
    Item,
    Keep,
    KeepFailed,
    Kept,
    LineChanged,
    LineDown,
    LineUp,
    Malformed,
    Message,
    NotKept,
    OnlineSeen,
    Operator,
    ReplySeen,
    SendAck,
    Tick,
)
from agent.simulator.centre_state import REMEMBER_S, Centre, Policy, step
from agent.simulator.centre_view import line
from tests.unit.centre.messages import ROOT, at_boot, call, fault, heartbeat, message, sequence


class Desk:
    """A centre with a clock that stands still."""

    def __init__(self, **policy: float | bool | str | None) -> None:
        self.clock = ManualClock()
        self.state = Centre(Policy(ROOT, **policy))  # type: ignore[arg-type]  # because each test names what it needs

    def take(self, *items: Item) -> list[Effect]:
        effects: list[Effect] = []
        for item in items:
            self.state, more = step(self.state, item, self.clock.now())
            effects += more
        return effects

    def wait(self, seconds: float) -> list[Effect]:
        self.clock.advance(seconds)
        return self.take(Tick())


def acks(effects: list[Effect]) -> list[dict[str, str]]:
    return [effect.ack for effect in effects if isinstance(effect, SendAck)]


def only(effects: list[Effect], kind: type) -> list[Effect]:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_a_first_copy_is_stored_and_then_acknowledged() -> None:
    effects = Desk().take(message(call(1)))
    kinds = [type(effect) for effect in effects]
    assert kinds == [EventSeen, Keep, SendAck]
    assert acks(effects) == [{"event_id": "event-1-1", "ack": "received"}]


def test_every_further_copy_is_acknowledged_and_not_stored_again() -> None:
    desk = Desk()
    desk.take(message(call(1)))
    effects = desk.take(message(call(1)), message(call(1), path="backup"))
    assert [(ack.path, ack.ack["ack"]) for ack in effects if isinstance(ack, SendAck)] == [
        ("primary", "received"),
        ("backup", "received"),
    ]
    assert not only(effects, Keep)
    assert [note.duplicate for note in effects if isinstance(note, EventSeen)] == [True, True]


def test_what_could_not_be_stored_is_new_when_it_comes_again() -> None:
    desk = Desk()
    desk.take(message(call(1)))
    assert only(desk.take(KeepFailed("event-1-1", "disk full")), NotKept)
    assert only(desk.take(message(call(1))), Keep)


def test_nothing_is_acknowledged_or_stored_with_no_ack() -> None:
    desk = Desk(acknowledge=False)
    effects = desk.take(message(call(1)), Operator("accept"), Operator("close"))
    assert not only(effects, SendAck)
    assert not only(effects, Keep)


def test_heartbeats_and_state_are_not_acknowledged() -> None:
    assert acks(Desk().take(message(heartbeat(0)))) == []


def test_ids_are_forgotten_after_thirty_days_and_not_before() -> None:
    desk = Desk()
    desk.take(message(call(1)))
    desk.wait(REMEMBER_S)
    assert desk.state.seen
    desk.wait(1)
    assert not desk.state.seen


# ---------------------------------------------------------------- calls


def test_the_operator_accepts_the_oldest_call_that_nobody_took() -> None:
    desk = Desk()
    desk.take(LineUp("primary"), message(call(1)))
    desk.clock.advance(1)
    desk.take(message(call(2, call_id="call-2")))
    assert acks(desk.take(Operator("accept"))) == [{"call_id": "call-1", "ack": "accepted", "by": "operator-1"}]
    assert acks(desk.take(Operator("accept")))[0]["call_id"] == "call-2"
    assert acks(desk.take(Operator("accept"))) == []


def test_the_operator_closes_the_oldest_call_and_it_leaves_the_list() -> None:
    desk = Desk()
    desk.take(message(call(1)))
    assert acks(desk.take(Operator("close"))) == [{"call_id": "call-1", "ack": "closed", "outcome": "helped"}]
    assert desk.state.open_calls == ()
    assert acks(desk.take(Operator("close"))) == []


def test_timers_stand_in_for_the_operator() -> None:
    desk = Desk(accept_after_s=3.0, close_after_s=2.0)
    desk.take(message(call(1)))
    assert acks(desk.wait(2.9)) == []
    assert acks(desk.wait(0.1)) == [{"call_id": "call-1", "ack": "accepted", "by": "operator-1"}]
    assert acks(desk.wait(1.9)) == []
    assert [ack["ack"] for ack in acks(desk.wait(0.1))] == ["closed"]
    assert acks(desk.wait(1000)) == []


def test_without_timers_nobody_accepts() -> None:
    desk = Desk()
    desk.take(message(call(1)))
    assert acks(desk.wait(100_000)) == []


def test_an_escalated_call_that_was_accepted_is_accepted_again() -> None:
    desk = Desk()
    desk.take(message(call(1)), Operator("accept"))
    effects = desk.take(message(call(2, "escalated", escalation=1)))
    assert [ack["ack"] for ack in acks(effects)] == ["received", "accepted"]


def test_an_escalated_call_that_was_closed_is_closed_again() -> None:
    desk = Desk()
    desk.take(message(call(1)), Operator("accept"), Operator("close"), message(call(2, "closed")))
    effects = desk.take(message(call(3, "escalated", escalation=1)))
    assert [ack["ack"] for ack in acks(effects)] == ["received", "closed"]
    assert desk.state.open_calls == ()


def test_a_pull_after_a_call_was_closed_opens_it_again() -> None:
    desk = Desk()
    desk.take(message(call(1)), Operator("accept"), Operator("close"), message(call(2, "closed")))
    desk.take(message(call(3, repeat=1)))
    assert [known.phase for known in desk.state.open_calls] == [Phase.OPEN]


def test_an_escalated_call_that_nobody_took_waits_for_a_person() -> None:
    desk = Desk()
    desk.take(message(call(1)))
    assert [ack["ack"] for ack in acks(desk.take(message(call(2, "escalated", escalation=1))))] == ["received"]


def test_events_of_a_call_may_come_in_any_order() -> None:
    desk = Desk()
    desk.take(message(call(3, "closed")), message(call(2, "updated", repeat=4)), message(call(1)))
    assert desk.state.calls["call-1"].phase == Phase.CLOSED
    assert desk.state.calls["call-1"].data["call_id"] == "call-1"
    assert desk.state.open_calls == ()


def test_the_newest_event_tells_how_the_call_is() -> None:
    desk = Desk()
    desk.take(message(call(2, "updated", repeat=1)), message(call(1)))
    assert desk.state.calls["call-1"].data["repeat"] == 1


def test_a_cancelled_pre_alarm_is_no_open_call() -> None:
    desk = Desk(accept_after_s=0.0)
    effects = desk.take(message(call(1, "cancelled")))
    assert desk.state.open_calls == ()
    assert [ack["ack"] for ack in acks(effects)] == ["received"]


def test_acknowledgements_of_a_call_go_where_the_unit_was_last_heard() -> None:
    desk = Desk()
    desk.take(LineUp("primary"), LineUp("backup"), message(call(1), path="backup"))
    assert [effect.path for effect in desk.take(Operator("accept")) if isinstance(effect, SendAck)] == ["backup"]
    desk.take(LineDown("backup", "gone"))
    assert [effect.path for effect in desk.take(Operator("close")) if isinstance(effect, SendAck)] == ["primary"]


# ---------------------------------------------------------------- a restart of the centre


def test_a_restarted_centre_knows_what_it_stored() -> None:
    desk = Desk()
    records = [e.record for e in desk.take(message(call(1)), Operator("accept")) if isinstance(e, Keep)]
    again = Desk()
    again.clock = desk.clock
    again.clock.advance(60)
    assert again.take(*[Kept(json.loads(json.dumps(record))) for record in records]) == []
    assert again.state.calls["call-1"].phase == Phase.ACCEPTED
    (note, *_) = again.take(message(call(1)))
    assert isinstance(note, EventSeen)
    assert note.duplicate


def test_a_call_from_before_the_restart_is_as_old_as_it_is() -> None:
    desk = Desk()
    (keep,) = only(desk.take(message(call(1))), Keep)
    assert isinstance(keep, Keep)
    again = Desk(accept_after_s=30.0)
    again.clock = desk.clock
    again.clock.advance(29)
    again.take(Kept(keep.record))
    assert acks(again.take(Tick())) == []
    assert [ack["ack"] for ack in acks(again.wait(1))] == ["accepted"]


def test_nothing_is_done_between_two_records_that_are_read_back() -> None:
    desk = Desk()
    records = [e.record for e in desk.take(message(call(1)), Operator("close")) if isinstance(e, Keep)]
    again = Desk(accept_after_s=0.0)
    again.clock = desk.clock
    assert again.take(*[Kept(record) for record in records]) == []
    assert again.take(Tick()) == []


# ---------------------------------------------------------------- holes


def test_a_hole_is_one_only_after_the_grace_time() -> None:
    desk = Desk()
    desk.take(message(call(1)), message(call(4)))
    assert not only(desk.wait(19.9), HoleFound)
    (found,) = only(desk.wait(0.1), HoleFound)
    assert isinstance(found, HoleFound)
    assert (found.hole.first, found.hole.last) == (2, 3)
    assert not only(desk.wait(100), HoleFound), "each hole is told once"
    note = desk.take(message(call(5)))[0]
    assert isinstance(note, EventSeen)
    assert [(hole.first, hole.last) for hole in note.holes] == [(2, 3)]


def test_a_call_that_overtook_technical_events_leaves_no_hole() -> None:
    desk = Desk()
    desk.take(message(call(1)), message(call(3)))
    desk.clock.advance(19)
    desk.take(message(fault(2)))
    assert not only(desk.wait(100), HoleFound)


def test_a_hole_that_fills_late_is_told() -> None:
    desk = Desk()
    desk.take(message(call(1)), message(call(3)))
    desk.wait(20)
    (filled,) = only(desk.take(message(fault(2))), HoleFilled)
    assert isinstance(filled, HoleFilled)
    assert (filled.hole.first, filled.hole.last) == (2, 2)


def test_an_eviction_that_the_unit_announces_is_no_hole() -> None:
    desk = Desk()
    desk.take(message(call(1)), message(call(9)))
    evicted = {"first": sequence(2), "last": sequence(7), "count": 6}
    desk.take(message(fault(10, fault="storage.full", sensor=None, evicted=evicted)))
    (found,) = only(desk.wait(20), HoleFound)
    assert isinstance(found, HoleFound)
    assert (found.hole.first, found.hole.last) == (8, 8)


def test_a_heartbeat_uncovers_the_loss_of_the_last_events() -> None:
    desk = Desk()
    desk.take(message(call(1)), message(heartbeat(3)))
    (found,) = only(desk.wait(20), HoleFound)
    assert isinstance(found, HoleFound)
    assert (found.hole.first, found.hole.last) == (2, 3)


def test_a_newcomer_does_not_miss_what_was_before_its_time() -> None:
    desk = Desk()
    desk.take(message(call(7)), message(heartbeat(7)))
    assert not only(desk.wait(100), HoleFound)


def test_who_followed_an_earlier_boot_misses_the_start_of_the_next() -> None:
    desk = Desk()
    desk.take(message(call(1)), message(at_boot(2, call(3))))
    (found,) = only(desk.wait(20), HoleFound)
    assert isinstance(found, HoleFound)
    assert (found.hole.boot_id, found.hole.first, found.hole.last) == ("boot-2", 1, 2)


# ---------------------------------------------------------------- presence, replies, lines


def test_the_unit_is_online_while_any_path_says_so() -> None:
    desk = Desk()
    desk.take(*[Message("primary", f"{ROOT}/online/{path}", b'{"online": true}') for path in ("primary", "backup")])
    (note,) = desk.take(Message("primary", f"{ROOT}/online/primary", b'{"online": false}'))
    assert isinstance(note, OnlineSeen)
    assert note.unit_online
    (note,) = desk.take(Message("primary", f"{ROOT}/online/backup", b'{"online": false}'))
    assert isinstance(note, OnlineSeen)
    assert not note.unit_online


def test_the_same_refusal_is_told_once() -> None:
    desk = Desk()
    effects = desk.take(LineDown("primary", "refused"), LineDown("primary", "refused"), LineUp("primary"))
    assert [(note.up, note.detail) for note in effects if isinstance(note, LineChanged)] == [
        (False, "refused"),
        (True, ""),
    ]


def test_replies_are_shown() -> None:
    (note,) = Desk().take(Message("primary", f"{ROOT}/reply", b'{"id": "1", "ok": true}'))
    assert isinstance(note, ReplySeen)


@pytest.mark.parametrize("leaf", ["ack", "cmd"])
def test_the_centre_does_not_listen_to_its_own_side(leaf: str) -> None:
    assert Desk().take(Message("primary", f"{ROOT}/{leaf}", b"whatever")) == []


# ---------------------------------------------------------------- anything else


@pytest.mark.parametrize(
    "payload", [b"\xff", b"{", b"[]", b"7", b'{"id": 1, "type": "x"}', b'{"id": "x"}', b"[" * 100_000, b"null"]
)
def test_rubbish_is_told_and_not_acknowledged(payload: bytes) -> None:
    effects = Desk().take(Message("primary", f"{ROOT}/call", payload))
    assert [type(effect) for effect in effects] == [Malformed]


def test_an_event_of_a_newer_unit_is_acknowledged_and_its_departure_told() -> None:
    event = {**call(1), "type": "dk.nodkald.call.moved"}
    effects = Desk().take(message(event))
    (note,) = only(effects, EventSeen)
    assert isinstance(note, EventSeen)
    assert note.departures
    assert acks(effects)


def test_an_event_as_the_contract_has_it_departs_from_nothing() -> None:
    (note, *_) = Desk().take(message(call(1)))
    assert isinstance(note, EventSeen)
    assert note.departures == ()


ODD = st.sampled_from(
    [None, True, 7, "", "x", [], {}, sequence(1), sequence(5), "9" * 20, "dk.nodkald.call.raised", {"sensor": []}]
)
TYPES = st.sampled_from(
    ["dk.nodkald.call.raised", "dk.nodkald.call.escalated", "dk.nodkald.heartbeat", "dk.nodkald.state"]
)
DATA = st.fixed_dictionaries(
    {},
    optional={
        "boot_id": ODD,
        "call_id": ODD,
        "trigger": ODD,
        "assessment": st.fixed_dictionaries({"reasons": ODD, "score": ODD, "verdict": ODD, "advice": ODD}),
        "delivery": st.fixed_dictionaries({"attempt": ODD, "late": ODD}),
        "last_sequence": ODD,
        "evicted": ODD | st.fixed_dictionaries({"first": ODD, "last": ODD}),
    },
)
EVENT = st.fixed_dictionaries({"id": ODD, "type": TYPES | ODD}, optional={"sequence": ODD, "data": DATA | ODD})


@given(st.lists(st.tuples(st.sampled_from(["call", "tech", "heartbeat", "online/x", "reply"]), EVENT), max_size=4))
def test_whatever_json_comes_nothing_is_raised(bodies: list[tuple[str, object]]) -> None:
    state = Centre(Policy(ROOT, accept_after_s=0.0, close_after_s=0.0))
    for number, (leaf, body) in enumerate(bodies):
        item = Message("primary", f"{ROOT}/{leaf}", json.dumps(body).encode())
        state, effects = step(state, item, Now(number * 100.0, 0.0))
        for note in effects:
            if not isinstance(note, Keep | SendAck):
                assert isinstance(line(note, 0.0, "da"), str)
                json.dumps(as_json(note))
