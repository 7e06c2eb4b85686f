"""Whether a run of the demo was right: a pure judgement on what the centre and the light said.

Rules of this file: pure, and it trusts nobody: it tells copies apart by `id` itself, and holds the centre's own marks
against that. Every fault is one sentence.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from agent.effects import Light
from agent.events import EventType
from agent.simulator.centre_sequence import split
from agent.simulator.demo_script import TOLERATED_FAULTS, TOLERATED_TYPES, Arrive

Json = dict[str, Any]


@dataclass(slots=True)
class Tape:
    """Everything that was seen, in the order in which it was: the centre's JSON lines, and the light."""

    lines: list[Json] = field(default_factory=list)
    lights: list[Light] = field(default_factory=list)

    def events(self) -> list[Json]:
        """Return the first copy of each numbered event, in order of arrival."""
        first: dict[str, Json] = {}
        for line in self.lines:
            event = line.get("event")
            if event is not None and event.get("sequence") is not None:
                first.setdefault(event["id"], event)
        return list(first.values())


def matches(expected: Arrive, event: Json) -> bool:
    """Return whether `event` is what was expected."""
    data = event["data"]
    sensor = data["sensor"] if "sensor" in data else data.get("trigger", {}).get("sensor")
    return (
        event["type"] == expected.type
        and sensor == expected.sensor
        and all(_at(data, path) in allowed for path, allowed in expected.fields.items())
    )


def judge(tape: Tape, expected: tuple[Arrive, ...], pre_alarms: int) -> list[str]:
    """Return what was wrong; an empty list if nothing was."""
    events = tape.events()
    faults: list[str] = []
    for lane in (True, False):
        wanted = [arrive for arrive in expected if _is_call(arrive.type) == lane]
        came = [event for event in events if _is_call(event["type"]) == lane]
        faults += _compare(wanted, [event for event in came if not _tolerated(event)])
        faults += _order(came)
    faults += _gaps(events)
    faults += _copies(tape.lines)
    faults += [
        f"{_name(line['event'])} departs from the contract: {'; '.join(line['departures'])}"
        for line in tape.lines
        if line.get("departures")
    ]
    faults += [
        f"the centre could not read a message: {line['malformed']}" for line in tape.lines if "malformed" in line
    ]
    shown = tape.lights.count(Light.PRE_ALARM)
    if shown != pre_alarms:
        faults.append(f"the light showed {shown} pre-alarms, expected {pre_alarms}")
    return faults


def _compare(wanted: list[Arrive], came: list[Json]) -> list[str]:
    faults: list[str] = []
    left = list(enumerate(came))
    last = -1
    for expected in wanted:
        found = next((pair for pair in left if matches(expected, pair[1])), None)
        if found is None:
            faults.append(f"missing: {expected}")
            continue
        left.remove(found)
        if found[0] < last:
            faults.append(f"out of order: {expected}")
        last = max(last, found[0])
    return faults + [f"not expected, or doubled: {_name(event)}" for _, event in left]


def _order(came: list[Json]) -> list[str]:
    return [
        f"arrived before an earlier one: {_name(later)}"
        for before, later in itertools.pairwise(came)
        if later["sequence"] < before["sequence"]
    ]


def _gaps(events: list[Json]) -> list[str]:
    boots: dict[str, set[int]] = {}
    for event in events:
        parts = split(event["sequence"])
        if parts is None:
            return [f"{_name(event)} has no valid sequence: {event['sequence']!r}"]
        boots.setdefault(parts[0], set()).add(parts[1])
    return [
        f"event {number} of boot {int(boot)} never came"
        for boot, numbers in boots.items()
        for number in range(1, max(numbers))
        if number not in numbers
    ]


def _copies(lines: list[Json]) -> list[str]:
    """Hold the centre to its own rules: it marks every copy but the first, and acknowledges each."""
    faults: list[str] = []
    copies: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for line in lines:
        if (event := line.get("event")) is not None and event.get("sequence") is not None:
            if line["duplicate"] != (copies[event["id"]] > 0):
                faults.append(f"the centre took a copy for what it is not: {_name(event)}")
            copies[event["id"]] += 1
        if line.get("ack", {}).get("ack") == "received":
            received[line["ack"]["event_id"]] += 1
    faults += [f"{n} copies but {received[i]} `received` for event {i}" for i, n in copies.items() if received[i] != n]
    return faults


def _tolerated(event: Json) -> bool:
    return event["type"] in TOLERATED_TYPES or event["data"].get("fault") in TOLERATED_FAULTS


def _is_call(kind: str) -> bool:
    return kind.startswith("dk.nodkald.call.")


def _name(event: Json) -> str:
    kind = EventType(event["type"]) if event["type"] in set(EventType) else None
    sensor = event.get("subject") or event.get("data", {}).get("fault") or "the unit"
    return f"{(kind or event['type']).removeprefix('dk.nodkald.')} of {sensor}"


def _at(data: Any, path: str) -> Any:
    for key in path.split("."):
        data = data.get(key) if isinstance(data, dict) else None
    return data
