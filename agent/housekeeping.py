"""What passes with time, after every item: due timers, supervision, heartbeat, the retained state, light and sounder.

Rules of this file: everything is decided from `now`; nothing keeps a timer of its own.
"""

from __future__ import annotations

from dataclasses import replace

from agent import (
    calls,
    commands,
    contacts,
    indication,
    looks,
    picture,
    supervision,
    unclean_end,
    walk_test,
    wearables,
)
from agent.core_state import CoreState
from agent.events import EventType, Fault, HeartbeatData, ShadowSummary, SummaryData
from agent.readings import ShadowState
from agent.sensors import debounce
from agent.statistics import EVERY_S, Statistics
from agent.supervision import FAULT_OF, Supervised
from agent.turn import Turn
from agent.uplink import delivery
from agent.uplink.envelope import make_event, sequence

TICK_S = 1.0
LINE_LOST_AFTER_S = 30.0
CLOCK_UNSYNCED_AFTER_S = 600.0
EVICTION_OVER_AFTER_S = 60.0
STATE_AT_MOST_EVERY_S = 1.0


def pass_time(turn: Turn) -> None:
    """Let time pass until the turn's `now`."""
    contacts.pass_time(turn)
    turn.carry_out(calls.pass_time(turn.state.calls, turn.now.mono))
    looks.pass_time(turn)
    if walk_test.is_over(turn.state.walk_test, turn.now.mono):
        commands.end_walk_test(turn)
    _supervision(turn)
    _line_and_clock(turn)
    unclean_end.pass_time(turn)
    turn.deliver(delivery.pass_time(turn.state.delivery, turn.now))
    _summary(turn)
    commands.restart_if_safe(turn)
    _heartbeat(turn)
    _publish_state(turn)
    _indicate(turn)


def next_deadline(state: CoreState, now: float) -> float:
    """Return the monotonic second at which something is due, at most `TICK_S` away."""
    configs = state.setup.profile.contacts
    due = [debounce.next_deadline(known, configs[name]) for name, known in state.contacts.items()]
    due += [
        calls.next_deadline(state.calls, now),
        delivery.next_deadline(state.delivery),
        walk_test.next_deadline(state.walk_test),
        state.falls.next_deadline() if state.falls else None,
    ]
    return min([now + TICK_S, *(at for at in due if at is not None)])


def supervise(turn: Turn, sensor: str, after: Supervised) -> None:
    """Take over a sensor's supervision; report what its change of phase means."""
    before = turn.state.supervised[sensor]
    turn.state = replace(turn.state, supervised={**turn.state.supervised, sensor: after})
    if after.phase is before.phase:
        return
    old, new = FAULT_OF.get(before.phase), FAULT_OF.get(after.phase)
    turn.change_fault(old, new, sensor, supervision.describe(after, turn.state.setup.limits_of(sensor)))
    if new is not None:
        wearables.lost(turn, sensor)


def _supervision(turn: Turn) -> None:
    for name, known in turn.state.supervised.items():
        after = supervision.let_time_pass(known, turn.state.setup.limits_of(name), turn.now.mono)
        if after is not known:
            supervise(turn, name, after)


def _line_and_clock(turn: Turn) -> None:
    now = turn.now
    for path in turn.state.delivery.paths.values():
        if not path.is_up and not path.refused and now.mono - path.down_since >= LINE_LOST_AFTER_S:
            turn.open_fault(Fault.UPLINK_LOST, path.name, path.detail)
    if now.synced:
        turn.close_fault(Fault.CLOCK_UNSYNCED, None)
    elif now.mono - turn.state.started_at >= CLOCK_UNSYNCED_AFTER_S:
        turn.open_fault(Fault.CLOCK_UNSYNCED, None, "the clock was never synchronised: check the network's NTP")
    evicted_at = turn.state.evicted_at
    if evicted_at is not None and now.mono - evicted_at >= EVICTION_OVER_AFTER_S:
        turn.close_fault(Fault.STORAGE_FULL, "outbox-limit", evicted=turn.state.evicted)
        turn.state = replace(turn.state, evicted_at=None)


def _summary(turn: Turn) -> None:
    day = turn.state.statistics
    if turn.now.mono - day.since < EVERY_S or not turn.state.setup.profile.wearables:
        return
    data = SummaryData(
        **turn.stamp(),
        triggers=day.triggers,
        confirmed=day.confirmed,
        unverified=day.unverified,
        suppressed=day.suppressed,
        cancelled=turn.state.calls.cancelled,
        scores=day.scores,
        **_judging(turn.state),
        shadow=None if turn.state.shadow is None else shadow_summary(turn.state, turn.state.shadow),
    )
    turn.state = replace(turn.state, statistics=Statistics(turn.now.mono), calls=replace(turn.state.calls, cancelled=0))
    turn.announce(EventType.AUDIT_SUMMARY, None, data)


def _judging(state: CoreState) -> dict[str, str | None]:
    known = next(iter(state.models.values()), None)
    return {"model": known.name if known else None, "model_sha256": known.sha256 if known else None}


def shadow_summary(state: CoreState, shadow: ShadowState) -> ShadowSummary:
    """Return how the model in the shadow did since the day began."""
    beside = state.statistics.beside
    return ShadowSummary(
        model=shadow.name,
        model_sha256=shadow.sha256,
        failing=shadow.failing,
        both_call=beside.both,
        neither_calls=beside.neither,
        only_live_calls=beside.only_live,
        only_shadow_calls=beside.only_shadow,
        not_compared=beside.not_compared,
        scores=beside.scores,
    )


def _heartbeat(turn: Turn) -> None:
    state, now = turn.state, turn.now
    if now.mono < state.heartbeat_at or not state.delivery.connected:
        return
    every = state.setup.unit.uplink.heartbeat_s
    last = sequence(state.boot_count, state.next_number - 1)
    data = HeartbeatData(**turn.stamp(), last_sequence=last)
    made = make_event(state.setup.topics, EventType.HEARTBEAT, turn.new_id(), None, data, now, None)
    turn.publish("heartbeat", made.model_dump_json(), expiry_s=2 * every)
    turn.state = replace(turn.state, heartbeat_at=now.mono + every)


def _publish_state(turn: Turn) -> None:
    state, now = turn.state, turn.now
    if not state.delivery.connected or now.mono - state.picture_at < STATE_AT_MOST_EVERY_S:
        return
    painted = picture.paint(state, now)
    turn.state = replace(turn.state, picture_at=now.mono)
    seen = picture.what_changed(painted)
    if seen == state.picture:
        return
    turn.state = replace(turn.state, picture=seen)
    made = make_event(state.setup.topics, EventType.STATE, turn.new_id(), None, painted, now, None)
    turn.publish("state", made.model_dump_json(), retain=True)


def _indicate(turn: Turn) -> None:
    state = turn.state
    now, connected = turn.now.mono, state.delivery.connected
    show = indication.indicate(state.calls, state.shown, connected=connected, silenced=state.silenced, now=now)
    if state.shown is not None and show.light is not state.shown.light and state.silenced:
        turn.state = replace(turn.state, silenced=False)  # the citizen hears what is new
        show = indication.indicate(state.calls, state.shown, connected=connected, silenced=False, now=now)
    if show != state.shown:
        turn.state = replace(turn.state, shown=show)
        turn.effects.append(show)
        turn.log("info", "indication", light=show.light.value, sounder=show.sounder.value)
