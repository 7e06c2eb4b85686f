"""The reference response centre's mind: `step(state, item, now) -> (state, effects)`.

Rules of this file: pure; the clock is handed in. What it does is what `docs/integrator.md` asks of a centre:

- every copy of a numbered event gets `received`, duplicates included, and a first copy only after it was stored;
- events are told apart by `id` alone, remembered for 30 days;
- `accepted` and `closed` come from a person (or the timers that stand in for one) and are said again when the unit
  escalates a call that was accepted or closed: it can't have heard, or was killed before it had written that down;
- nothing that a unit sends raises an exception here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from agent.clock import Now
from agent.events import EventType, parse_event
from agent.simulator import centre_sequence as ledgers
from agent.simulator.centre_calls import Call, Phase, acknowledged, heard, live
from agent.simulator.centre_messages import (
    Effect,
    EventSeen,
    HoleFilled,
    HoleFound,
    Item,
    Json,
    Keep,
    KeepFailed,
    Kept,
    LineChanged,
    LineDown,
    LineUp,
    Malformed,
    Message,
    NotKept,
    OnlineSeen,
    Operator,
    ReplySeen,
    SendAck,
    Tick,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

REMEMBER_S = 30 * 86_400.0
"""How long ids are remembered (contract, acknowledgements)."""

DOWN_TOPICS = frozenset({"ack", "cmd"})


@dataclass(frozen=True, slots=True)
class Policy:
    """How this centre behaves. The timers stand in for the operator; None means that only the operator's keys act."""

    root: str
    acknowledge: bool = True
    accept_after_s: float | None = None
    close_after_s: float | None = None
    operator: str = "operator-1"


@dataclass(frozen=True, slots=True)
class Centre:
    """Everything that the centre knows."""

    policy: Policy
    seen: Mapping[str, float] = field(default_factory=dict)
    calls: Mapping[str, Call] = field(default_factory=dict)
    ledger: ledgers.Ledger = field(default_factory=ledgers.Ledger)
    online: Mapping[str, bool] = field(default_factory=dict)
    lines: Mapping[str, LineChanged] = field(default_factory=dict)
    picture: Json = field(default_factory=dict)

    @property
    def open_calls(self) -> tuple[Call, ...]:
        """Return the calls that are not over, oldest first."""
        return live(self.calls)

    @property
    def unit_online(self) -> bool:
        """Return whether any path of the unit says that it is there."""
        return any(self.online.values())


Result = tuple[Centre, list[Effect]]
Holes = tuple[ledgers.Hole, ...]


def step(state: Centre, item: Item, now: Now) -> Result:
    """Take one item, and after it do what has become due (never between two records that are read back)."""
    if isinstance(item, Kept):
        return _kept(state, item, now), []
    state, effects = _HANDLERS[type(item)](state, item, now)
    state, found = _due_holes(state, now)
    state, acts = _due_acts(state, now)
    return state, [*effects, *found, *acts]


# ---------------------------------------------------------------- messages from the unit


def _message(state: Centre, item: Message, now: Now) -> Result:
    leaf = item.topic.removeprefix(f"{state.policy.root}/")
    if leaf in DOWN_TOPICS or not item.payload:  # our own side's voice, or a retained message that was deleted
        return state, []
    body, detail = _object(item.payload)
    if body is not None and leaf.startswith("online/"):
        return _online(state, item, leaf, body)
    if body is not None and leaf == "reply":
        return state, [ReplySeen(body, item.topic, item.path)]
    if body is not None and isinstance(body.get("id"), str) and isinstance(body.get("type"), str):
        return _event(state, item, body, now)
    return state, [Malformed(item.topic, item.path, detail or "no CloudEvent: `id` or `type` is missing")]


def _object(payload: bytes) -> tuple[Json | None, str]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        return None, f"no JSON: {error}"
    return (body, "") if isinstance(body, dict) else (None, "not a JSON object")


def _online(state: Centre, item: Message, leaf: str, body: Json) -> Result:
    state = replace(state, online={**state.online, leaf.removeprefix("online/"): body.get("online") is True})
    return state, [OnlineSeen(body, item.topic, item.path, state.unit_online)]


def _event(state: Centre, item: Message, event: Json, now: Now) -> Result:
    event_id = event["id"]
    numbered = isinstance(event.get("sequence"), str)
    duplicate = event_id in state.seen
    filled: Holes = ()
    if not duplicate:
        state, filled = _learn(state, event, item.path, now)
    note = EventSeen(
        event, item.topic, item.path, item.retained, duplicate, ledgers.holes(state.ledger), _departures(item.payload)
    )
    effects: list[Effect] = [note, *(HoleFilled(hole) for hole in filled)]
    if numbered and state.policy.acknowledge:
        if not duplicate:
            effects.append(Keep({"at": now.wall, "path": item.path, "event": event}, event_id))
        effects.append(SendAck(item.path, {"event_id": event_id, "ack": "received"}))
    if not duplicate and event["type"] == EventType.CALL_ESCALATED:
        effects += _say_again(state, event)
    return state, effects


def _learn(state: Centre, event: Json, path: str, now: Now) -> tuple[Centre, Holes]:
    """Take what a first copy says into the picture of calls, of the unit, and of what is missing."""
    raw = event.get("data")
    data: Json = raw if isinstance(raw, dict) else {}
    ledger = state.ledger
    filled: Holes = ()
    boot_id, sequence = data.get("boot_id"), event.get("sequence")
    if isinstance(boot_id, str) and isinstance(sequence, str):
        ledger, filled = ledgers.arrived(ledger, boot_id, sequence, now.mono)
    if isinstance(boot_id, str) and event["type"] == EventType.HEARTBEAT:
        ledger = ledgers.announced(ledger, boot_id, str(data.get("last_sequence")), now.mono)
    evicted = data.get("evicted")
    if isinstance(evicted, dict):
        ledger = ledgers.excused(ledger, str(evicted.get("first")), str(evicted.get("last")))
    seen = {**state.seen, event["id"]: now.wall} if isinstance(sequence, str) else state.seen
    picture = data if event["type"] == EventType.STATE else state.picture
    calls = heard(state.calls, event, path, now.mono)
    return replace(state, ledger=ledger, seen=seen, calls=calls, picture=picture), filled


def _say_again(state: Centre, event: Json) -> list[Effect]:
    data = event.get("data")
    call = state.calls.get(str(data.get("call_id"))) if isinstance(data, dict) else None
    if call is None or call.phase not in (Phase.ACCEPTED, Phase.CLOSED):
        return []
    ack = _closed(call) if call.phase is Phase.CLOSED else _accepted(state, call)
    return [SendAck(_path_for(state, call), ack)]


def _departures(payload: bytes) -> tuple[str, ...]:
    """Say where an event is not what the contract promises, one line a place."""
    try:
        parse_event(payload)
    except ValidationError as error:
        return tuple(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors())
    except (ValueError, KeyError, TypeError) as error:
        return (f"{type(error).__name__}: {error}",)
    return ()


# ---------------------------------------------------------------- the centre's own line and store


def _line(state: Centre, item: LineUp | LineDown, now: Now) -> Result:
    del now
    note = LineChanged(item.path, up=isinstance(item, LineUp), detail="" if isinstance(item, LineUp) else item.detail)
    if state.lines.get(item.path) == note:  # the same refusal on every attempt is told once
        return state, []
    return replace(state, lines={**state.lines, item.path: note}), [note]


def _kept(state: Centre, item: Kept, now: Now) -> Centre:
    """Take back what the store held, as old as it is."""
    record = item.record
    age = max(0.0, now.wall - float(record["at"]))
    if age > REMEMBER_S:
        return state
    then = Now(now.mono - age, now.wall - age)
    if "event" in record:
        state, _ = _learn(state, record["event"], record["path"], then)
    else:
        ack = record["ack"]
        state = replace(state, calls=acknowledged(state.calls, ack["call_id"], ack["ack"], then.mono))
    return state


def _keep_failed(state: Centre, item: KeepFailed, now: Now) -> Result:
    del now
    seen = {event_id: at for event_id, at in state.seen.items() if event_id != item.event_id}
    return replace(state, seen=seen), [NotKept(item.event_id, item.detail)]


def _tick(state: Centre, item: Tick, now: Now) -> Result:
    del item
    if any(now.wall - at > REMEMBER_S for at in state.seen.values()):
        state = replace(state, seen={i: at for i, at in state.seen.items() if now.wall - at <= REMEMBER_S})
    return state, []


# ---------------------------------------------------------------- the operator, and what stands in for one


def _operator(state: Centre, item: Operator, now: Now) -> Result:
    if item.act == "accept":
        waiting = [call for call in state.open_calls if call.phase == Phase.OPEN]
        return _acknowledge(state, waiting[0], _accepted(state, waiting[0]), now) if waiting else (state, [])
    calls = state.open_calls
    return _acknowledge(state, calls[0], _closed(calls[0]), now) if calls else (state, [])


def _due_acts(state: Centre, now: Now) -> Result:
    effects: list[Effect] = []
    policy = state.policy
    for call in state.open_calls:
        more: list[Effect] = []
        if call.phase == Phase.OPEN and _is_due(call.since, policy.accept_after_s, now):
            state, more = _acknowledge(state, call, _accepted(state, call), now)
        elif call.phase == Phase.ACCEPTED and _is_due(call.accepted_at, policy.close_after_s, now):
            state, more = _acknowledge(state, call, _closed(call), now)
        effects += more
    return state, effects


def _due_holes(state: Centre, now: Now) -> Result:
    ledger, new = ledgers.tell(state.ledger, now.mono)
    return replace(state, ledger=ledger), [HoleFound(hole) for hole in new]


def _is_due(since: float | None, after_s: float | None, now: Now) -> bool:
    return since is not None and after_s is not None and now.mono - since >= after_s


def _acknowledge(state: Centre, call: Call, ack: Json, now: Now) -> Result:
    if not state.policy.acknowledge:
        return state, []
    calls = acknowledged(state.calls, call.call_id, ack["ack"], now.mono)
    # Said first, stored after: a disk that fails must not keep the citizen from seeing that someone comes.
    return replace(state, calls=calls), [SendAck(_path_for(state, call), ack), Keep({"at": now.wall, "ack": ack})]


def _accepted(state: Centre, call: Call) -> Json:
    return {"call_id": call.call_id, "ack": "accepted", "by": state.policy.operator}


def _closed(call: Call) -> Json:
    return {"call_id": call.call_id, "ack": "closed", "outcome": "helped"}


def _path_for(state: Centre, call: Call) -> str:
    """Choose where the unit was last heard about this call, or else any path that stands."""
    standing = [path for path, line in state.lines.items() if line.up]
    return call.path if call.path in standing or not standing else standing[0]


_HANDLERS: dict[type, Callable[[Centre, Any, Now], Result]] = {
    Message: _message,
    LineUp: _line,
    LineDown: _line,
    Operator: _operator,
    KeepFailed: _keep_failed,
    Tick: _tick,
}
