"""What is published where and when, until the centre has it.

Rules of this file: pure; the lanes (`call_lane`, `technical_lane`) and the paths (`paths`) keep their own rules, this
file brings them together. Done is only what the centre's `received` says; a PUBACK only means that the broker has it.
Calls go before technical events, and a part of each connection's window is theirs alone. At most `WINDOW` publishes
wait for a PUBACK on a path; while a call waits, one that has waited for 5 s closes it (`paths.half_open_after`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.clock import Now
from agent.effects import Connect, Disconnect, Effect, FetchTechnical, ForgetEvents, Publish, StoreEvent
from agent.ids import Entropy
from agent.readings import OutboxEvent
from agent.uplink import call_lane, pubacks, technical_lane
from agent.uplink import paths as path_life
from agent.uplink.call_lane import CallLane
from agent.uplink.envelope import copy_to_send, user_properties
from agent.uplink.outcomes import Done, Outcome, Refusal, Taken, Welcome
from agent.uplink.paths import InFlight, Path
from agent.uplink.technical_lane import TechnicalLane

WINDOW = 16
WINDOW_FOR_TECHNICAL = 8
PUBACK_WITHIN_CALL_S = 5.0
PUBACK_WITHIN_S = 30.0
PACKET_OVERHEAD = 512
"""Bytes that MQTT's header, topic and properties add at most to a payload of ours."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The uplink as the core sees it."""

    boot_id: str
    paths: Mapping[str, Path]
    entropy: Entropy
    active: str | None = None
    calls: CallLane = field(default_factory=CallLane)
    technical: TechnicalLane = field(default_factory=TechnicalLane)
    unstored_calls: frozenset[str] = frozenset()
    next_token: int = 1
    synced: bool = False
    wall_offset: float | None = None
    """Wall minus monotonic seconds when the clock became known last: a step while it is known corrects nothing."""

    @property
    def connected(self) -> bool:
        """Whether any path is up."""
        return any(path.is_up for path in self.paths.values())


Step = tuple[Delivery, tuple[Outcome, ...]]
Sent = tuple[Delivery, Publish | Refusal]


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
        delivery = _with_path(delivery, path_life.confirmed(told_by, event_ids, now.mono))
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
    """A path came (back): every call event goes out on it at once."""
    path = path_life.went_up(delivery.paths[name], now.mono, maximum_packet)
    if not path.is_up:
        return delivery, ()
    path = replace(path, wanted=tuple(call_lane.sendable_on_return(delivery.calls)))
    lane = delivery.calls
    for event_id in path.wanted:
        if lane.entries[event_id].rounds == 0:
            lane = call_lane.next_round(lane, event_id, now.mono)
    delivery = replace(
        _with_path(delivery, path), calls=lane, technical=technical_lane.path_came_back(delivery.technical)
    )
    return pass_time(delivery, now)


def path_down(delivery: Delivery, name: str, detail: str, now: Now, *, refused: bool) -> Step:
    """A path was lost or could not be had: what was in flight on it goes out again, the next attempt backs off."""
    path = delivery.paths[name]
    lane = delivery.calls
    for event_id in {flight.event_id for flight in path.in_flight.values() if flight.is_call}:
        lane = call_lane.dropped(lane, event_id)
    technical_lost = any(not flight.is_call for flight in path.in_flight.values())
    entropy, fraction = delivery.entropy.fraction()
    wait = path_life.backoff(path.attempts, call_waits=bool(len(lane)), fraction=fraction)
    path = path_life.went_down(path, now.mono, detail, refused=refused, wait=wait)
    delivery = replace(_with_path(delivery, path), calls=lane, entropy=entropy)
    if technical_lost:
        delivery = replace(delivery, technical=technical_lane.path_came_back(delivery.technical))
    delivery, effects = pass_time(delivery, now)
    # With another path up, a call that was on its way over the lost one goes out there at once.
    if delivery.active is not None:
        delivery = _want_lost_calls(delivery, name)
        delivery, more = _pump(delivery, now)
        effects = (*effects, *more)
    return delivery, effects


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
    if flight.must_be_heard or code != pubacks.NO_SUBSCRIBER:
        path = path_life.answered(path, flight.topic, refused=refused)
        said = (Refusal(name, pubacks.describe(code)),) if refused else ()
        said = said if path.refused_topics else (Welcome(name),)
    delivery = _with_path(delivery, path)
    if path.refused_topics < before:  # what is mended for one topic may be mended for the others
        delivery = replace(delivery, technical=technical_lane.path_came_back(delivery.technical))
    if flight.is_call:
        lane = call_lane.puback_came(delivery.calls, flight.event_id)
        lane = call_lane.unheard(lane, flight.event_id, now.mono) if refused else lane
        delivery = replace(delivery, calls=lane)
        if refused:
            delivery = _want_elsewhere(delivery, name, flight.event_id)
        else:
            said = (*said, Taken(flight.event_id))
    delivery, effects = _pump(delivery, now)
    return delivery, (*said, *effects)


def publish_now(delivery: Delivery, publish: Publish, now: Now) -> Step:
    """Send what goes past the outbox (heartbeat, state, birth), so that its PUBACK counts like any other."""
    delivery, outcome = _send(delivery, publish, "", now, is_call=False)
    return delivery, (outcome,)


# ---------------------------------------------------------------- time


def pass_time(delivery: Delivery, now: Now) -> Step:
    """Carry out everything that is due: connect, close what hangs, move on in the timetables, publish."""
    effects: list[Outcome] = []
    if now.synced != delivery.synced:
        offset = now.wall - now.mono if now.synced else delivery.wall_offset
        delivery = replace(delivery, synced=now.synced, wall_offset=offset)
    for path in delivery.paths.values():
        if path.phase is path_life.Phase.DOWN and path.due_at <= now.mono:
            delivery = _with_path(delivery, path_life.connecting(path, now.mono))
            effects.append(Connect(path.name, patient=path_life.is_patient(path, now.mono)))
    delivery = _chosen(delivery, now)
    delivery = _calls_due(delivery, now)
    delivery = _technical_due(delivery, now)
    delivery, published = _pump(delivery, now)
    delivery, given_up = _give_up(delivery, now)
    return delivery, (*effects, *published, *given_up)


def next_deadline(delivery: Delivery) -> float | None:
    """Return the monotonic second at which `pass_time` has something to do, or None."""
    due = [path_life.next_deadline(path, _patience(delivery, path)) for path in delivery.paths.values()]
    due += [call_lane.next_deadline(delivery.calls) if delivery.connected else None, delivery.technical.sweep_at]
    return min((at for at in due if at is not None), default=None)


def _give_up(delivery: Delivery, now: Now) -> Step:
    """Close what hangs. This comes last: what was written before still gets through a line that is only slow."""
    effects: list[Outcome] = []
    for path in delivery.paths.values():
        if path.is_up and (waited := path_life.longest_wait(path, now.mono)) >= _patience(delivery, path):
            effects.append(Disconnect(path.name, f"no PUBACK for {waited:.0f} s: the connection is half-open"))
            delivery = _with_path(delivery, path_life.gave_up(path, now.mono))
    return _chosen(delivery, now), tuple(effects)


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
            delivery = _want(delivery, name, event_id)
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


def _pump(delivery: Delivery, now: Now) -> Step:
    """Publish what is wanted while there is room in the windows: calls on every path, the rest on the active."""
    outcomes: list[Outcome] = []
    for name, path in delivery.paths.items():
        if path.is_up and path.wanted:
            delivery, published = _pump_calls(delivery, name, now)
            outcomes += published
    if delivery.active is not None and delivery.paths[delivery.active].is_up:
        delivery, published = _pump_technical(delivery, delivery.active, now)
        outcomes += published
    return delivery, tuple(outcomes)


def _pump_calls(delivery: Delivery, name: str, now: Now) -> Step:
    outcomes: list[Outcome] = []
    while (path := delivery.paths[name]).wanted and len(path.in_flight) < WINDOW:
        event_id = path.wanted[0]
        delivery = _with_path(delivery, replace(path, wanted=path.wanted[1:]))
        entry = delivery.calls.entries.get(event_id)
        if entry is None or any(flight.event_id == event_id for flight in path.in_flight.values()):
            continue
        delivery, outcome = _publish(delivery, name, entry.event, entry.attempts + 1, now)
        if isinstance(outcome, Publish):
            delivery = replace(delivery, calls=call_lane.sent(delivery.calls, event_id, name))
            for doubted in path_life.to_be_asked(delivery.paths, name, now.mono):
                delivery = _want(delivery, doubted, event_id)
        else:
            delivery = _want_elsewhere(delivery, name, event_id)
        outcomes.append(outcome)
    return delivery, tuple(outcomes)


def _pump_technical(delivery: Delivery, name: str, now: Now) -> Step:
    outcomes: list[Outcome] = []
    while delivery.technical.queue and len(delivery.paths[name].in_flight) < WINDOW_FOR_TECHNICAL:
        lane, event, attempt = technical_lane.sent(delivery.technical)
        delivery, outcome = _publish(replace(delivery, technical=lane), name, event, attempt, now)
        outcomes.append(outcome)
        for doubted in path_life.to_be_asked(delivery.paths, name, now.mono):
            lane, attempt = technical_lane.another_copy(delivery.technical, event.event_id)
            delivery, outcome = _publish(replace(delivery, technical=lane), doubted, event, attempt, now)
            outcomes.append(outcome)
    if technical_lane.wants_page(delivery.technical):
        outcomes.append(FetchTechnical(delivery.technical.after, technical_lane.PAGE))
        delivery = replace(delivery, technical=replace(delivery.technical, fetching=True))
    return delivery, tuple(outcomes)


def _publish(delivery: Delivery, name: str, event: OutboxEvent, attempt: int, now: Now) -> Sent:
    """Publish one copy."""
    known = now if delivery.wall_offset is None else Now(now.mono, delivery.wall_offset + now.mono)
    payload = copy_to_send(event, attempt=attempt, path=name, boot_id=delivery.boot_id, now=known)
    publish = Publish(name, 0, event.topic, payload, user_properties=user_properties(event))
    if (path := delivery.paths[name]).doubted:
        delivery = _with_path(delivery, path_life.ask(path, event.event_id, now.mono))
    return _send(delivery, publish, event.event_id, now, is_call=event.is_call)


def _send(delivery: Delivery, publish: Publish, event_id: str, now: Now, *, is_call: bool) -> Sent:
    """Give a publish its token; refuse one of a size at which the broker said that it hangs up."""
    path, token = delivery.paths[publish.path], delivery.next_token
    limit, size = path.maximum_packet, len(publish.payload)
    if limit is not None and size + PACKET_OVERHEAD > limit:
        detail = f"{size} bytes for {publish.topic}, its limit is {limit}: raise max_packet_size in the broker"
        delivery = _with_path(delivery, path_life.answered(path, publish.topic, refused=True))
        return delivery, Refusal(publish.path, f"larger than the broker takes ({detail})")
    # The broker keeps what is retained for whoever comes later, and a reply is only for whoever asked.
    must_be_heard = bool(event_id) or publish.expiry_s is not None
    flight = InFlight(event_id, is_call, now.mono, publish.topic, must_be_heard=must_be_heard)
    in_flight = {**path.in_flight, token: flight}
    delivery = replace(_with_path(delivery, replace(path, in_flight=in_flight)), next_token=token + 1)
    return delivery, replace(publish, token=token)


def _want(delivery: Delivery, name: str, event_id: str) -> Delivery:
    path = delivery.paths[name]
    if event_id in path.wanted or not path.is_up:
        return delivery
    return _with_path(delivery, replace(path, wanted=(*path.wanted, event_id)))


def _want_elsewhere(delivery: Delivery, name: str, event_id: str) -> Delivery:
    """A broker would not take the event: try the other paths at once, if they have not had it yet."""
    entry = delivery.calls.entries.get(event_id)
    if entry is None or entry.attempts > len(delivery.paths):
        return delivery
    for other in delivery.paths:
        if other != name:
            delivery = _want(delivery, other, event_id)
    return delivery


def _want_lost_calls(delivery: Delivery, lost: str) -> Delivery:
    for event_id, entry in delivery.calls.entries.items():
        if entry.last_path == lost and delivery.active is not None:
            delivery = _want(delivery, delivery.active, event_id)
    return delivery


def _doubt(delivery: Delivery, name: str, event_id: str, now: Now) -> Delivery:
    """The centre did not confirm an event in time that was sent on this path: publish on another one, if there is."""
    delivery = _with_path(delivery, path_life.doubt(delivery.paths[name], event_id, now.mono))
    return _chosen(delivery, now)


def _patience(delivery: Delivery, path: Path) -> float:
    return path_life.half_open_after(path, PUBACK_WITHIN_CALL_S if len(delivery.calls) else PUBACK_WITHIN_S)


def _with_path(delivery: Delivery, path: Path) -> Delivery:
    return replace(delivery, paths={**delivery.paths, path.name: path})
