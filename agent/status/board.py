"""The board on which the core's thread hangs the newest state, for whoever wants to look at it.

Rules of this file: the core's thread only exchanges references to immutable things and never waits; everything that
takes time (painting the picture, writing JSON) is done by the thread that asks. At most `EVENTS` events are kept.
"""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from agent import housekeeping, picture
from agent.call_table import Call
from agent.effects import Effect, ForgetEvents, Publish, StoreEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.clock import Clock, Now
    from agent.core_state import CoreState
    from agent.readings import OutboxEvent

EVENTS = 50
SENT = 256
"""Ids of events on their way that are remembered, to tell a receipt for them from one for somebody else's."""
FORMAT = 1
"""Version of what the socket says; a client refuses one that it does not know."""


class Board:
    """The newest state of the unit, its last events, and when the centre last confirmed one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._state: CoreState | None = None
        self._events: tuple[OutboxEvent, ...] = ()
        self._received_at: float | None = None
        self._sent: deque[str] = deque(maxlen=SENT)

    def show(self, state: CoreState, effects: Iterable[Effect]) -> None:
        """Hang up the state, and note what the effects say about events. Called by the core's thread alone."""
        self._state = state
        for effect in effects:
            if isinstance(effect, StoreEvent):
                # After a failing disk the same event is stored again.
                if all(known.event_id != effect.event.event_id for known in self._events):
                    self._events = (*self._events[-(EVENTS - 1) :], effect.event)
            elif isinstance(effect, Publish):
                self._sent.extend(value for key, value in effect.user_properties if key == "id")
            elif isinstance(effect, ForgetEvents) and any(known in effect.event_ids for known in self._sent):
                # One for what is not ours (`nodkald doctor` asks for a receipt, too) says nothing about our events.
                self._received_at = self._clock.now().mono

    def snapshot(self) -> bytes:
        """Return everything as one line of JSON; an empty line before the first state. Called by any thread."""
        state, events, received_at = self._state, self._events, self._received_at
        if state is None:
            return b"\n"
        said = describe(state, events, received_at, self._clock.now())
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def describe(state: CoreState, events: Iterable[OutboxEvent], received_at: float | None, now: Now) -> dict[str, Any]:
    """Return what the status socket says: the contract's whole picture, and what only this machine needs to know."""
    setup = state.setup
    return {
        "format": FORMAT,
        "unit_id": setup.unit.unit_id,
        "tenant": setup.unit.tenant,
        "running_s": round(now.mono - state.started_at, 1),
        "light": state.shown.light.value if state.shown else None,
        "sounder": state.shown.sounder.value if state.shown else None,
        "received_s": None if received_at is None else round(now.mono - received_at, 1),
        "picture": picture.paint(state, now).model_dump(mode="json"),
        "shadow": _shadow(state),
        "calls": [_call(call, now) for call in state.calls.under_way()],
        "links": {
            name: {"up": known.link_up, "detail": known.link_detail, "garbage_bytes": known.garbage_bytes}
            for name, known in state.supervised.items()
        },
        "events": [json.loads(event.body) for event in events],
    }


def _shadow(state: CoreState) -> dict[str, Any] | None:
    """Return what the day's summary will say of a model in the shadow; it stays in the home until then."""
    if state.shadow is None:
        return None
    return {**housekeeping.shadow_summary(state, state.shadow).model_dump(), "detail": state.shadow.detail}


def _call(call: Call, now: Now) -> dict[str, Any]:
    return {
        "call_id": call.call_id,
        "phase": call.phase.value,
        "kind": call.origin.kind,
        "sensor": call.origin.sensor,
        "room": call.origin.room.value,
        "age_s": round(now.mono - call.first_at, 1),
        "repeat": call.repeat,
        "test": call.test,
    }
