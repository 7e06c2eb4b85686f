"""What goes out on each path now: calls wherever they are wanted, the rest on the active one, as far as there is room.

Rules of this file: pure. At most `WINDOW` publishes wait for a PUBACK on a path, and a part of that is for calls alone:
without a bound the 5 s rule would find a line silent that is merely busy. On a silent path only calls go out.
"""

from __future__ import annotations

from dataclasses import replace

from agent.clock import Now
from agent.effects import FetchTechnical, Publish
from agent.readings import OutboxEvent
from agent.uplink import call_lane, technical_lane
from agent.uplink import paths as path_life
from agent.uplink.delivery_state import Delivery, Step, with_path
from agent.uplink.envelope import copy_to_send, user_properties
from agent.uplink.outcomes import Outcome, Refusal
from agent.uplink.paths import InFlight

WINDOW = 16
WINDOW_FOR_TECHNICAL = 8
PACKET_OVERHEAD = 512
"""Bytes that MQTT's header, topic and properties add at most to a payload of ours."""

Sent = tuple[Delivery, Publish | Refusal]


def pump(delivery: Delivery, now: Now) -> Step:
    """Publish what is wanted while there is room in the windows: calls on every path, the rest on the active."""
    outcomes: list[Outcome] = []
    for name, path in delivery.paths.items():
        if path.carries and path.wanted:
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
        delivery = with_path(delivery, replace(path, wanted=path.wanted[1:]))
        entry = delivery.calls.entries.get(event_id)
        if entry is None or any(flight.event_id == event_id for flight in path.in_flight.values()):
            continue
        delivery, outcome = _publish(delivery, name, entry.event, entry.attempts + 1, now)
        if isinstance(outcome, Publish):
            delivery = replace(delivery, calls=call_lane.sent(delivery.calls, event_id, name))
            for doubted in path_life.to_be_asked(delivery.paths, name, now.mono):
                delivery = want(delivery, doubted, event_id)
        else:
            delivery = want_elsewhere(delivery, name, event_id)
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
        delivery = with_path(delivery, path_life.ask(path, event.event_id, now.mono))
    return send(delivery, publish, event.event_id, now, is_call=event.is_call)


def send(delivery: Delivery, publish: Publish, event_id: str, now: Now, *, is_call: bool) -> Sent:
    """Give a publish its token; refuse one of a size at which the broker said that it hangs up."""
    path, token = delivery.paths[publish.path], delivery.next_token
    limit, size = path.maximum_packet, len(publish.payload)
    if limit is not None and size + PACKET_OVERHEAD > limit:
        detail = f"{size} bytes for {publish.topic}, its limit is {limit}: raise max_packet_size in the broker"
        delivery = with_path(delivery, path_life.topic_answered(path, publish.topic, refused=True))
        return delivery, Refusal(publish.path, f"larger than the broker takes ({detail})")
    # The broker keeps what is retained for whoever comes later, and a reply is only for whoever asked.
    must_be_heard = bool(event_id) or publish.expiry_s is not None
    flight = InFlight(event_id, is_call, now.mono, publish.topic, must_be_heard=must_be_heard)
    in_flight = {**path.in_flight, token: flight}
    delivery = replace(with_path(delivery, replace(path, in_flight=in_flight)), next_token=token + 1)
    return delivery, replace(publish, token=token)


def want(delivery: Delivery, name: str, event_id: str) -> Delivery:
    """Have a copy of a call event go out on a path, as soon as there is room."""
    path = delivery.paths[name]
    if event_id in path.wanted or not path.carries:
        return delivery
    return with_path(delivery, replace(path, wanted=(*path.wanted, event_id)))


def want_elsewhere(delivery: Delivery, name: str, event_id: str) -> Delivery:
    """A broker would not take the event: try the other paths at once, if they have not had it yet."""
    entry = delivery.calls.entries.get(event_id)
    if entry is None or entry.attempts > len(delivery.paths):
        return delivery
    for other in delivery.paths:
        if other != name:
            delivery = want(delivery, other, event_id)
    return delivery


def want_lost_calls(delivery: Delivery, lost: str) -> Delivery:
    """The calls that went out last on a path that fell silent, or was lost, go out on the active one, too."""
    for event_id, entry in delivery.calls.entries.items():
        if entry.last_path == lost and delivery.active is not None:
            delivery = want(delivery, delivery.active, event_id)
    return delivery
