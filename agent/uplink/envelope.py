"""From an event's data to the bytes on the wire, and back from the outbox.

Rules of this file: pure. The body is made once, with `data.delivery` null, and kept as it is; each copy that is sent
only gets its own `delivery`. `time` is the wall clock at the event, right or wrong; `corrected_time` says better once
the clock is known.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from agent.clock import Now
from agent.events import SCHEMA_ROOT, CloudEvent, Delivery, EventType, Stamped
from agent.readings import OutboxEvent
from agent.uplink.topics import Topics, leaf_of

LATE_AFTER_S = 300.0
_NO_DELIVERY = '"delivery":null'
_LAST_WALL = 253_402_300_799.0  # 9999-12-31: a clock beyond it is cut, never an exception


def rfc3339(wall: float) -> str:
    """Return wall seconds as RFC 3339 in UTC with milliseconds."""
    moment = datetime.fromtimestamp(min(max(wall, 0.0), _LAST_WALL), tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def sequence(boot_count: int, number: int) -> str:
    """Return the CloudEvents sequence: 8 digits of the boot, 12 of the event in it."""
    return f"{boot_count % 10**8:08d}{number:012d}"


def make_event(
    topics: Topics,
    event_type: EventType,
    event_id: str,
    subject: str | None,
    data: Stamped,
    now: Now,
    number: str | None,
) -> CloudEvent:
    """Build the CloudEvent; `number` is its sequence, None for what does not go through the outbox."""
    return CloudEvent(
        id=event_id,
        source=topics.source,
        type=event_type,
        subject=subject,
        time=rfc3339(now.wall),
        sequence=number,
        dataschema=f"{SCHEMA_ROOT}/{event_type.value.removeprefix('dk.nodkald.')}.json",
        data=data,
    )


def for_outbox(topics: Topics, event: CloudEvent, now: Now, *, call_id: str | None) -> OutboxEvent:
    """Turn a numbered event into what the outbox keeps."""
    leaf = leaf_of(event.type)
    return OutboxEvent(
        event_id=event.id,
        sequence=event.sequence or "",
        is_call=leaf == "call",
        type=event.type.value,
        topic=topics.up(leaf),
        body=event.model_dump_json(),
        boot_id=event.data.boot_id,
        mono=now.mono,
        wall=now.wall,
        synced=now.synced,
        call_id=call_id,
    )


def copy_to_send(event: OutboxEvent, *, attempt: int, path: str, boot_id: str, now: Now) -> bytes:
    """Return one copy of the event as bytes, with its `delivery` filled in."""
    delivery = delivery_of(event, attempt=attempt, path=path, boot_id=boot_id, now=now).model_dump_json()
    head, found, tail = event.body.rpartition(_NO_DELIVERY)
    if found:
        return f'{head}"delivery":{delivery}{tail}'.encode()
    raw = json.loads(event.body)  # an outbox written by another version may space its JSON differently
    raw["data"]["delivery"] = json.loads(delivery)
    return json.dumps(raw).encode()


def delivery_of(event: OutboxEvent, *, attempt: int, path: str, boot_id: str, now: Now) -> Delivery:
    """Say how this copy travels: how old it is, and what its time should have been."""
    same_boot = event.boot_id == boot_id
    age = max(0.0, now.mono - event.mono)
    correct = same_boot and not event.synced and now.synced
    return Delivery(
        attempt=attempt,
        path=path,
        late=not same_boot or age > LATE_AFTER_S,
        age_ms=int(age * 1000) if same_boot else None,
        corrected_time=rfc3339(now.wall - age) if correct else None,
    )


def user_properties(event: OutboxEvent) -> tuple[tuple[str, str], ...]:
    """Return what MQTT 5 repeats of the event for filtering."""
    return (("type", event.type), ("id", event.event_id), ("sequence", event.sequence))
