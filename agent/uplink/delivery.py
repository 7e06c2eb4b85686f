"""What is published where and when, until the centre has it.

Rules of this file: pure; the lanes (`call_lane`, `technical_lane`) and the paths (`paths`) keep their own rules, what
goes out on a path is `pump`, and this file brings them together. Done is only what the centre's `received` says; a
PUBACK only means that the broker has it. Calls go before technical events. While a call waits, a connection that has
owed a PUBACK for 5 s (`paths.silent_after`) is renewed: a new one is made beside it.
"""

from __future__ import annotations

from dataclasses import replace

from agent.clock import Now
from agent.effects import Abandon, Connect, Effect, ForgetEvents, Publish, StoreEvent
from agent.ids import Entropy
from agent.readings import OutboxEvent
from agent.uplink import call_lane, pubacks, technical_lane
from agent.uplink import paths as path_life
from agent.uplink.call_lane import CallLane
from agent.uplink.delivery_state import Delivery, Step, with_path
from agent.uplink.outcomes import Answers, Done, Outcome, Refusal, Silent, Taken, Welcome
from agent.uplink.paths import Path
from agent.uplink.pump import pump, send, want, want_elsewhere, want_lost_calls

PUBACK_WITHIN_CALL_S = 5.0
PUBACK_WITHIN_S = 30.0


def begin(names: tuple[str, ...], boot_id: str, entropy: Entropy, calls: tuple[OutboxEvent, ...], now: Now) -> Delivery:
    """Return the uplink at start: nothing connected, the calls of the last boot waiting."""
    lane = CallLane()
    for event in calls:
        lane = call_lane.add(lane, event, now.mono)
    return Delivery(
        boot_id, {name: Path(name, due_at=now.mono, down_since=now.mono) for name in names}, entropy, calls=lane
    )


def restored_late(delivery: Delivery, found: tuple[OutboxEvent, ...], now: Now) -> Step:
    """Take up the calls of the last boot after all: the outbox could not be read at start, and now it can."""
    lane = delivery.calls
    for event in found:
        if event.event_id not in lane.entries:
            lane = call_lane.add(lane, event, now.mono)
    technical = technical_lane.disk_changed(delivery.technical, works=True)
    return pass_time(replace(delivery, calls=lane, technical=technical), now)


# ---------------------------------------------------------------- events in, events done


def enqueue(delivery: Delivery, event: OutboxEvent, now: Now) -> Step:
    """Take in a new event: store it and send it, side by side."""
    if event.is_call:
        delivery = replace(
            delivery,
            calls=call_lane.add(delivery.calls, event, now.mono),
            unstored_calls=delivery.unstored_calls | {event.event_id},
            paths=path_life.hurried(delivery.paths, now.mono),
        )
    else:
        delivery = replace(delivery, technical=technical_lane.add(delivery.technical, event))
    delivery, sending = pass_time(delivery, now)
    return delivery, (*sending, StoreEvent(event))  # a publish is a few microseconds; the disk has its own thread


def received(delivery: Delivery, event_ids: frozenset[str], path: str, now: Now) -> Step:
    """The centre has these events, whichever path said so."""
    lane, gone = call_lane.remove(delivery.calls, event_ids)
    told_by = delivery.paths.get(path)
    if told_by is not None:
        delivery = with_path(delivery, path_life.confirmed(told_by, event_ids, now.mono))
    delivery = replace(
        delivery,
        calls=lane,
        technical=technical_lane.received(delivery.technical, event_ids),
        unstored_calls=delivery.unstored_calls - event_ids,
    )
    delivery, outcomes = pass_time(delivery, now)
    return delivery, (*(Done(event) for event in gone), ForgetEvents(tuple(sorted(event_ids))), *outcomes)


def stored(delivery: Delivery, event_ids: frozenset[str]) -> Delivery:
    """These events are on disk."""
    return replace(
        delivery,
        unstored_calls=delivery.unstored_calls - event_ids,
        technical=technical_lane.stored(delivery.technical, event_ids),
    )


def storage_changed(delivery: Delivery, now: Now, *, works: bool) -> Step:
    """The disk fails, or works again: then everything that is only in memory is stored after all."""
    delivery = replace(delivery, technical=technical_lane.disk_changed(delivery.technical, works=works))
    again: list[Effect] = []
    if works:
        waiting = delivery.calls.entries
        again += [StoreEvent(waiting[event_id].event) for event_id in waiting if event_id in delivery.unstored_calls]
        again += [StoreEvent(event) for event in delivery.technical.unstored.values()]
    delivery, effects = pass_time(delivery, now)
    return delivery, (*again, *effects)


def page_came(delivery: Delivery, events: tuple[OutboxEvent, ...], now: Now, *, more: bool) -> Step:
    """Technical events came back from the outbox."""
    return pass_time(replace(delivery, technical=technical_lane.page_came(delivery.technical, events, more=more)), now)


# ---------------------------------------------------------------- paths


def path_up(delivery: Delivery, name: str, maximum_packet: int | None, now: Now) -> Step:
    """A path came (back), or a new connection took the place of a silent one: every call event goes out on it."""
    delivery = _drop_flights(delivery, delivery.paths[name])
    path = path_life.went_up(delivery.paths[name], now.mono, maximum_packet)
    path = replace(path, wanted=tuple(call_lane.sendable_on_return(delivery.calls)))
    lane = delivery.calls
    for event_id in path.wanted:
        if lane.entries[event_id].rounds == 0:
            lane = call_lane.next_round(lane, event_id, now.mono)
    delivery = replace(
        with_path(delivery, path), calls=lane, technical=technical_lane.path_came_back(delivery.technical)
    )
    return pass_time(delivery, now)


def path_down(delivery: Delivery, name: str, detail: str, now: Now, *, refused: bool, beside: bool = False) -> Step:
    """A connection was lost, or could not be had; `beside` where that was to be a new one beside a silent one.

    What was in flight on the one that was lost goes out again, and the next attempt backs off.
    """
    path = delivery.paths[name]
    entropy, fraction = delivery.entropy.fraction()
    delivery = replace(delivery, entropy=entropy)
    wait = path_life.backoff(path.attempts, call_waits=delivery.call_waits, fraction=fraction)
    if beside or path.phase is path_life.Phase.CONNECTING:
        path = path_life.failed(path, now.mono, detail, refused=refused, wait=wait)
        return pass_time(with_path(delivery, path), now)
    technical_lost = any(not flight.is_call for flight in path.in_flight.values())
    delivery = _drop_flights(delivery, path)
    delivery = with_path(delivery, path_life.lost(path, now.mono, detail, refused=refused, wait=wait))
    if technical_lost:
        delivery = replace(delivery, technical=technical_lane.path_came_back(delivery.technical))
    delivery, effects = pass_time(delivery, now)
    delivery, more = _go_on_elsewhere(delivery, name, now)
    return delivery, (*effects, *more)


def puback(delivery: Delivery, name: str, token: int, code: int, now: Now) -> Step:
    """A broker answered a publish."""
    path = delivery.paths[name]
    flight = path.in_flight.get(token)
    if flight is None:
        return delivery, ()
    refused = pubacks.is_refusal(code)
    before = path.refused_topics
    in_flight = {t: f for t, f in path.in_flight.items() if t != token}
    path = replace(path, in_flight=in_flight, answered_in=now.mono - flight.sent_at)
    said: tuple[Outcome, ...] = ()
    ends_silence = path.is_silent and path_life.longest_wait(path, now.mono) < _patience(delivery, path)
    path = path_life.answered(path, now.mono) if ends_silence else path
    if flight.must_be_heard or code != pubacks.NO_SUBSCRIBER:
        path = path_life.topic_answered(path, flight.topic, refused=refused)
        said = (Refusal(name, pubacks.describe(code)),) if refused else ()
        said = said if path.refused_topics else (Welcome(name),)
    delivery = with_path(delivery, path)
    if path.refused_topics < before:  # what is mended for one topic may be mended for the others
        delivery = replace(delivery, technical=technical_lane.path_came_back(delivery.technical))
    if flight.is_call:
        lane = call_lane.puback_came(delivery.calls, flight.event_id)
        lane = call_lane.unheard(lane, flight.event_id, now.mono) if refused else lane
        delivery = replace(delivery, calls=lane)
        if refused:
            delivery = want_elsewhere(delivery, name, flight.event_id)
        else:
            said = (*said, Taken(flight.event_id))
    delivery, effects = pump(delivery, now)
    answers = (Answers(name), Abandon(name)) if ends_silence else ()
    return delivery, (*answers, *said, *effects)


def publish_now(delivery: Delivery, publish: Publish, now: Now) -> Step:
    """Send what goes past the outbox (heartbeat, state, birth), so that its PUBACK counts like any other."""
    delivery, outcome = send(delivery, publish, "", now, is_call=False)
    return delivery, (outcome,)


# ---------------------------------------------------------------- time


def pass_time(delivery: Delivery, now: Now) -> Step:
    """Carry out everything that is due: connect, renew what is silent, move on in the timetables, publish."""
    effects: list[Outcome] = []
    if now.synced != delivery.synced:
        offset = now.wall - now.mono if now.synced else delivery.wall_offset
        delivery = replace(delivery, synced=now.synced, wall_offset=offset)
    for path in delivery.paths.values():
        if path_life.is_due(path, now.mono, call_waits=delivery.call_waits):
            delivery = with_path(delivery, path_life.connecting(path, now.mono))
            effects.append(Connect(path.name, patient=path_life.is_patient(path, now.mono)))
    delivery = _chosen(delivery, now)
    delivery = _calls_due(delivery, now)
    delivery = _technical_due(delivery, now)
    delivery, published = pump(delivery, now)
    delivery, renewing = _renew(delivery, now)
    return delivery, (*effects, *published, *renewing)


def next_deadline(delivery: Delivery) -> float | None:
    """Return the monotonic second at which `pass_time` has something to do, or None."""
    due = [
        path_life.next_deadline(path, _patience(delivery, path), call_waits=delivery.call_waits)
        for path in delivery.paths.values()
    ]
    timetable = call_lane.next_deadline(delivery.calls) if delivery.active is not None else None
    return min((at for at in (*due, timetable, delivery.technical.sweep_at) if at is not None), default=None)


def _renew(delivery: Delivery, now: Now) -> Step:
    """Have a new connection made beside each one that owes a PUBACK for too long; it stays, and its calls go elsewhere.

    This comes last: what was written before still gets through a line that is only slow.
    """
    effects: list[Outcome] = []
    for name in delivery.paths:
        path = delivery.paths[name]  # as it is after what the one before has put on it
        waited = path_life.longest_wait(path, now.mono)
        if not path.is_up or waited < _patience(delivery, path):
            continue
        detail = f"no PUBACK for {waited:.0f} s: it may be half-open, a new connection is made beside it"
        path = path_life.fell_silent(path, now.mono, detail)
        delivery = _chosen(with_path(delivery, path), now)
        effects += [Silent(name, detail), Connect(name, patient=path_life.is_patient(path, now.mono))]
        delivery, published = _go_on_elsewhere(delivery, name, now)
        effects += published
    return delivery, tuple(effects)


def _go_on_elsewhere(delivery: Delivery, name: str, now: Now) -> Step:
    """A call that was on its way over a path that is no good any more goes out on another one at once."""
    if delivery.active in (None, name):
        return delivery, ()
    return pump(want_lost_calls(delivery, name), now)


def _drop_flights(delivery: Delivery, path: Path) -> Delivery:
    """Note the calls that were in flight on a connection that has ended."""
    lane = delivery.calls
    for event_id in {flight.event_id for flight in path.in_flight.values() if flight.is_call}:
        lane = call_lane.dropped(lane, event_id)
    return replace(delivery, calls=lane)


def _calls_due(delivery: Delivery, now: Now) -> Delivery:
    """Put every call event whose time has come on the paths that its timetable names."""
    due = call_lane.due(delivery.calls, now.mono)
    if delivery.active is None or not due:
        return delivery
    lane, active = delivery.calls, delivery.active
    for entry in due:
        event_id = entry.event.event_id
        lane = call_lane.next_round(lane, event_id, now.mono)
        others = [name for name, path in delivery.paths.items() if path.is_up and name != entry.last_path]
        if entry.rounds >= 1 and entry.last_path is not None:
            delivery = _doubt(delivery, entry.last_path, event_id, now)
            active = delivery.active or active
        for name in others if entry.rounds == 1 and others else [active]:
            delivery = want(delivery, name, event_id)
    return replace(delivery, calls=lane)


def _technical_due(delivery: Delivery, now: Now) -> Delivery:
    """Let time pass for the technical events; where the centre did not confirm the last round, doubt its path."""
    before = delivery.technical
    lane = technical_lane.pass_time(before, now.mono)
    delivery = delivery if lane is before else replace(delivery, technical=lane)
    unconfirmed = technical_lane.unconfirmed_id(before)
    if lane.sweeps > before.sweeps and unconfirmed is not None and delivery.active is not None:
        delivery = _doubt(delivery, delivery.active, unconfirmed, now)
    return delivery


def _chosen(delivery: Delivery, now: Now) -> Delivery:
    """Choose the path to publish on anew."""
    active = path_life.choose(delivery.paths, delivery.active, now.mono)
    return delivery if active == delivery.active else replace(delivery, active=active)


def _doubt(delivery: Delivery, name: str, event_id: str, now: Now) -> Delivery:
    """The centre did not confirm an event in time that was sent on this path: publish on another one, if there is."""
    delivery = with_path(delivery, path_life.doubt(delivery.paths[name], event_id, now.mono))
    return _chosen(delivery, now)


def _patience(delivery: Delivery, path: Path) -> float:
    return path_life.silent_after(path, PUBACK_WITHIN_CALL_S if delivery.call_waits else PUBACK_WITHIN_S)
