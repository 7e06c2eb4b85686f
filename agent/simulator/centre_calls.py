"""The centre's picture of one call, built from whichever of its events came, in whatever order.

Rules of this file: pure. Every event carries the full call, so the newest one wins and none is needed before another.
A call goes only forward: open, accepted, closed. `cancelled` is a pre-alarm that the citizen ended; no call was raised.
But a pull that was made after a call was closed opens it again: a unit that was killed as it closed the call does not
know that it did, and a person who pulls again is heard.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from agent.events import EventType

if TYPE_CHECKING:
    from agent.simulator.centre_messages import Json


class Phase(IntEnum):
    """How far a call has come; higher is further."""

    OPEN = 1
    ACCEPTED = 2
    CANCELLED = 3
    CLOSED = 4


@dataclass(frozen=True, slots=True)
class Call:
    """One call as the centre knows it. Times are monotonic seconds of the centre."""

    call_id: str
    since: float
    phase: Phase = Phase.OPEN
    path: str = ""
    sequence: str = ""
    data: Json = field(default_factory=dict)
    accepted_at: float | None = None

    @property
    def sensor(self) -> str:
        """Return the name of the sensor that called, or a dash."""
        trigger = self.data.get("trigger")
        return str(trigger.get("sensor", "-")) if isinstance(trigger, Mapping) else "-"


PHASE_OF = {
    EventType.CALL_RAISED: Phase.OPEN,
    EventType.CALL_UPDATED: Phase.OPEN,
    EventType.CALL_ESCALATED: Phase.OPEN,
    EventType.CALL_CANCELLED: Phase.CANCELLED,
    EventType.CALL_CLOSED: Phase.CLOSED,
}


def heard(calls: Mapping[str, Call], event: Json, path: str, mono: float) -> Mapping[str, Call]:
    """Enter a call event. One that names no call, or is no call event, changes nothing."""
    data = event.get("data")
    call_id = data.get("call_id") if isinstance(data, Mapping) else None
    phase = PHASE_OF.get(event["type"])
    if phase is None or not isinstance(call_id, str):
        return calls
    call = calls.get(call_id) or Call(call_id, mono)
    sequence = str(event.get("sequence") or "")
    newest = sequence >= call.sequence
    pulled_again = event["type"] == EventType.CALL_RAISED and sequence > call.sequence and call.phase is Phase.CLOSED
    call = replace(
        call,
        phase=phase if pulled_again else max(call.phase, phase),
        accepted_at=None if pulled_again else call.accepted_at,
        path=path,
        sequence=max(sequence, call.sequence),
        data=dict(data or {}) if newest else call.data,
    )
    return {**calls, call_id: call}


def acknowledged(calls: Mapping[str, Call], call_id: str, ack: str, mono: float) -> Mapping[str, Call]:
    """Enter the operator's own `accepted` or `closed`."""
    call = calls.get(call_id)
    if call is None:
        return calls
    phase = Phase.ACCEPTED if ack == "accepted" else Phase.CLOSED
    accepted_at = mono if call.accepted_at is None else call.accepted_at
    return {**calls, call_id: replace(call, phase=max(call.phase, phase), accepted_at=accepted_at)}


def live(calls: Mapping[str, Call]) -> tuple[Call, ...]:
    """Return the calls that are not over, oldest first."""
    return tuple(sorted((c for c in calls.values() if c.phase <= Phase.ACCEPTED), key=lambda c: (c.since, c.sequence)))
