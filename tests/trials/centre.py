"""A response centre with a watch: when each event first came, and when the unit was told what.

Rules of this file: times are `time.monotonic()` seconds; `said` is noted before it is sent, so that a light can't be
called a lie because the note was late.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from agent.effects import Light
from agent.events import CallData, CloudEvent
from tests.home import Centre

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

WORDS = {"received": Light.RECEIVED, "accepted": Light.COMING, "closed": Light.READY}


class TimedCentre(Centre):
    """A `Centre` that notes `arrived` (event id to moment of its first copy) and `said` (moment, word as a light)."""

    def __init__(self, port: int, topic: str = "#", *, tls: ssl.SSLContext | None = None, **how: Any) -> None:
        self.arrived: dict[str, float] = {}
        self.said: list[tuple[float, Light]] = []
        super().__init__(port, topic, tls=tls, **how)

    def raised(self) -> list[CloudEvent]:
        """Return every `call.raised` once, in the order of arrival."""
        return sorted(self.of("call.raised"), key=lambda event: self.arrived[event.id])

    def close_calls(self) -> None:
        """Tell the unit that a person took each call, and closed it."""
        for call_id in {event.data.call_id for event in self.of("call.raised") if isinstance(event.data, CallData)}:
            self.say("ack", {"call_id": call_id, "ack": "accepted", "by": "trial"})
            self.say("ack", {"call_id": call_id, "ack": "closed", "outcome": "helped"})

    def say(self, leaf: str, body: Mapping[str, Any] | bytes) -> None:
        """Publish to the unit, and note what light it is entitled to."""
        word = json.loads(body) if isinstance(body, bytes) else body
        if leaf == "ack" and word.get("ack") in WORDS:
            self.said.append((time.monotonic(), WORDS[word["ack"]]))
        super().say(leaf, body)

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        now = time.monotonic()
        before = len(self.seen)
        super()._on_message(client, userdata, message)
        for event in self.seen[before:]:
            self.arrived.setdefault(event.id, now)
