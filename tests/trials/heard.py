"""Everything that a trial's centre heard, by whichever broker it came, and what it said back and when.

Rules of this file: every moment is `time.monotonic()` of the machine on which unit and centre both run, so a call that
was raised is known by its own uptime to be the answer to a pull. What the contract forbids (a body that changes, a
number given twice, one sensor's calls out of order) is noted as an oddity when it comes.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from agent.effects import Light
from agent.events import CallData, CloudEvent, EventType, parse_event
from tests.home import EVENT_LEAVES, ROOT, Centre

if TYPE_CHECKING:
    import random

    from paho.mqtt.client import MQTTMessage

ENDS = (EventType.CALL_CLOSED, EventType.CALL_CANCELLED)


@dataclass(frozen=True, slots=True)
class Arrival:
    """An event, and when its first copy came."""

    at: float
    event: CloudEvent

    @property
    def call(self) -> CallData | None:
        """Its data, if it is about a call."""
        return self.event.data if isinstance(self.event.data, CallData) else None

    @property
    def made_at(self) -> float:
        """When the unit made it, monotonic seconds of this machine."""
        return int(getattr(self.event.data, "uptime_ms", 0)) / 1000


class Heard:
    """What has come, each event once, in the order of first copies. Filled from several threads."""

    def __init__(self) -> None:
        self.order: list[Arrival] = []
        self.oddities: list[str] = []
        self.said: list[tuple[float, Light]] = []
        """When `received`, `accepted` and `closed` went out for calls, as the light that each entitles to."""
        self.open_calls: set[str] = set()
        self._bodies: dict[str, dict[str, Any]] = {}
        self._numbers: dict[str, str] = {}
        self._last: dict[str | None, str] = {}
        self._lock = threading.Lock()

    def take(self, event: CloudEvent, payload: bytes) -> None:
        """Take in one copy of a numbered event."""
        at, body = time.monotonic(), json.loads(payload)
        body["data"].pop("delivery", None)
        with self._lock:
            known = self._bodies.setdefault(event.id, body)
            if known is not body:
                if known != body:
                    self.oddities.append(f"event {event.id} came with another body")
                return
            arrival = Arrival(at, event)
            self.order.append(arrival)
            self._look_at_number(event)
            if arrival.call is not None:
                keep = self.open_calls.discard if event.type in ENDS else self.open_calls.add
                keep(arrival.call.call_id)

    def has(self, event_id: str) -> bool:
        """Whether a copy of this event came."""
        return event_id in self._bodies

    def since(self, at: float, kind: EventType, subject: str | None = None) -> list[Arrival]:
        """Return what the unit made from `at` on, of one type and (if given) one sensor."""
        made = [arrival for arrival in list(self.order) if arrival.made_at >= at and arrival.event.type is kind]
        return [arrival for arrival in made if subject is None or arrival.event.subject == subject]

    def numbers(self) -> list[str]:
        """Return the sequence of every event."""
        return sorted(self._numbers)

    def _look_at_number(self, event: CloudEvent) -> None:
        number = event.sequence or ""
        other = self._numbers.setdefault(number, event.id)
        if other != event.id:
            self.oddities.append(f"events {other} and {event.id} both have the number {number}")
        if not isinstance(event.data, CallData):
            return
        last = self._last.get(event.subject, "")
        if number <= last:
            self.oddities.append(f"{event.subject}: call event {number} first came after {last}")
        self._last[event.subject] = max(last, number)


class TrialCentre(Centre):
    """A centre that answers `received` to every copy, each after a time of up to `longest_s` seconds."""

    def __init__(self, port: int, heard: Heard, rng: random.Random, longest_s: float, client_id: str) -> None:
        self.heard = heard
        self.longest_s = longest_s
        self._rng = rng
        super().__init__(port, client_id=client_id, answers=False, lasting=True)

    def order(self, ack: str, call_id: str, light: Light) -> None:
        """Say `accepted` or `closed` for a call."""
        self.heard.said.append((time.monotonic(), light))
        self.say("ack", {"call_id": call_id, "ack": ack, "by": "operator-12", "outcome": "helped"})

    def _on_message(self, _client: Any, _userdata: Any, message: MQTTMessage) -> None:
        if message.topic.removeprefix(f"{ROOT}/") not in EVENT_LEAVES:
            return
        event = parse_event(bytes(message.payload))
        if event.sequence is None:
            return
        self.heard.take(event, bytes(message.payload))
        after = self._rng.uniform(0, self.longest_s)
        if after <= 0:
            self._receive(event)
            return
        timer = threading.Timer(after, self._receive, (event,))
        timer.daemon = True
        timer.start()

    def _receive(self, event: CloudEvent) -> None:
        if isinstance(event.data, CallData):
            self.heard.said.append((time.monotonic(), Light.RECEIVED))
        self.say("ack", {"event_id": event.id, "ack": "received"})
