"""The board shows the newest state and the last events, whatever the core's thread does meanwhile."""

from __future__ import annotations

import json
from typing import Any

from agent.effects import ForgetEvents, Publish, StoreEvent
from agent.status.board import EVENTS, Board
from tests.home_bench import HomeBench
from tests.unit.status.seen import stored
from tests.unit.uplink.events import event


def shown(board: Board) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(board.snapshot())
    return said


def unheard() -> HomeBench:
    bench = HomeBench()
    bench.acks = False
    return bench


def test_before_the_first_state_there_is_nothing() -> None:
    assert Board(HomeBench().clock).snapshot() == b"\n"


def test_a_call_is_seen_with_its_phase_place_and_age() -> None:
    bench = unheard()
    bench.pull("bathroom-cord")
    bench.advance(3.0)
    board = Board(bench.clock)
    board.show(bench.state, stored(bench))
    said = shown(board)
    [call] = said["calls"]
    assert (call["phase"], call["sensor"], call["room"], call["kind"]) == (
        "raised",
        "bathroom-cord",
        "bathroom",
        "manual",
    )
    assert 3.5 <= call["age_s"] <= 3.7
    assert (said["light"], said["unit_id"], said["picture"]["queue"]["calls"]) == ("sending", "u-test0001", 1)
    assert [told["type"] for told in said["events"]] == ["dk.nodkald.call.raised"]
    assert said["picture"]["sensors"]["bathroom-cord"]["link"] == "alive"


def test_the_age_of_the_last_confirmation_is_seen() -> None:
    bench = unheard()
    board = Board(bench.clock)
    sent = Publish("primary", 1, "nk/v1/a/u/tech", b"{}", user_properties=(("type", "t"), ("id", "ours")))
    board.show(bench.state, [sent])
    assert shown(board)["received_s"] is None
    board.show(bench.state, [ForgetEvents(("ours",))])
    bench.clock.advance(12)
    assert shown(board)["received_s"] == 12


def test_a_receipt_that_the_doctor_asked_for_is_not_ours() -> None:
    bench = unheard()
    board = Board(bench.clock)
    board.show(bench.state, [ForgetEvents(("the-doctors",))])
    assert shown(board)["received_s"] is None


def test_an_event_that_is_stored_again_is_told_once() -> None:
    bench = unheard()
    board = Board(bench.clock)
    for _ in range(2):
        board.show(bench.state, [StoreEvent(event(1))])
    assert len(shown(board)["events"]) == 1


def test_only_the_last_events_are_kept_in_order() -> None:
    bench = unheard()
    board = Board(bench.clock)
    for number in range(EVENTS + 7):
        board.show(bench.state, [StoreEvent(event(number, body=json.dumps({"number": number})))])
    assert [told["number"] for told in shown(board)["events"]] == list(range(7, EVENTS + 7))


def test_nothing_of_broker_addresses_or_files_of_keys_is_said() -> None:
    bench = unheard()
    board = Board(bench.clock)
    board.show(bench.state, [])
    text = board.snapshot().decode()
    assert bench.unit.uplink.paths[0].host not in text
    assert str(bench.unit.state_dir) not in text
    assert bench.state.setup.seed.hex() not in text
