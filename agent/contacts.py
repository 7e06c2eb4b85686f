"""Between the contacts and the calls: what the core does with pulls, presses and releases.

Rules of this file: the path of a manual call. It is short on purpose, and nothing in it may wait, weigh or refuse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from agent import calls, walk_test
from agent.events import Fault
from agent.readings import Edge, Level
from agent.sensors import debounce
from agent.sensors.debounce import Change, ContactChange, ContactState
from agent.turn import Turn


def observe(turn: Turn, item: Edge | Level) -> None:
    """Take in an edge or a level of a contact."""
    config = turn.state.setup.profile.contacts.get(item.sensor)
    if config is None:
        return
    known = turn.state.contacts[item.sensor]
    _take_over(turn, item.sensor, *debounce.observe(known, config, closed=item.closed, at=item.at))


def pass_time(turn: Turn) -> None:
    """Settle what held for long enough."""
    for sensor, known in turn.state.contacts.items():
        config = turn.state.setup.profile.contacts[sensor]
        _take_over(turn, sensor, *debounce.settle(known, config, turn.now.mono))
    if turn.state.walk_test is None:
        return
    test, held = walk_test.held_too_long(turn.state.walk_test, turn.now.mono)
    turn.state = replace(turn.state, walk_test=test)
    for sensor in held:
        _call(turn, sensor, test=False)


def _take_over(turn: Turn, sensor: str, after: ContactState, changes: Sequence[ContactChange]) -> None:
    before = turn.state.contacts[sensor]
    if after is not before:
        turn.state = replace(turn.state, contacts={**turn.state.contacts, sensor: after})
    if before.pulled is None and after.pulled is False:  # a call of the last boot may have it as pulled
        turn.carry_out(calls.release(turn.state.calls, sensor))
    for found in changes:
        match found.change:
            case Change.PULLED:
                _pulled(turn, sensor, found)
            case Change.RELEASED:
                turn.carry_out(calls.release(turn.state.calls, sensor))
                turn.state = replace(turn.state, walk_test=walk_test.let_go(turn.state.walk_test, sensor))
            case Change.STUCK:
                limit = turn.state.setup.profile.contacts[sensor].stuck_after_s
                turn.open_fault(Fault.CONTACT_STUCK, sensor, f"pulled for {limit:g} s: cord caught, or wire cut")
            case Change.UNSTUCK:
                turn.close_fault(Fault.CONTACT_STUCK, sensor)


def _pulled(turn: Turn, sensor: str, found: ContactChange) -> None:
    turn.log("info", "contact_pulled", sensor=sensor, at_start=found.first)
    if turn.state.setup.profile.contacts[sensor].role == "reset":
        if not found.first:  # one that is found pressed at start is no new press
            turn.carry_out(calls.reset_pressed(turn.state.calls, found.at))
        return
    if found.first and calls.pulled_at_start(turn.state.calls, sensor):
        return
    test, is_test = walk_test.first_pull(turn.state.walk_test, sensor, found.at)
    turn.state = replace(turn.state, walk_test=test)
    _call(turn, sensor, test=is_test)


def _call(turn: Turn, sensor: str, *, test: bool) -> None:
    origin = turn.state.setup.origin_of(sensor)
    turn.carry_out(calls.pull(turn.state.calls, origin, turn.now.mono, turn.new_id(), test=test))
