"""A running unit on one screen, in Danish or English.

Rules of this file: pure text from what the window said (`agent/status/board.py`). The time that an event bears is
shown as this machine's local time, with a mark where its clock was not set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from agent import rooms
from agent.call_table import Phase
from agent.effects import Light, Sounder
from agent.status import words
from agent.texts import LIGHT, SOUNDER, Language, Text

LABEL = 10
SHOWN_EVENTS = 8

_UNIT = Text(
    "Enhed {unit} ({profile}), version {version}, kører i {age}", "Unit {unit} ({profile}), version {version}, up {age}"
)
_WALK_TEST = Text(
    "GÅPRØVE: det første træk i hver snor er en prøve", "WALK TEST: the first pull of each cord is a test"
)
_SIMULATED = Text("Simuleret hjem", "Simulated home")
_NO_CALLS = Text("ingen i gang", "none in progress")
_EMPTY = Text("intet venter", "nothing waits")
_WAITING = Text("kald venter på centralen: {calls}{technical}", "calls wait for the centre: {calls}{technical}")
_TECHNICAL = Text("; også tekniske hændelser", "; technical events, too")
_TECHNICAL_ONLY = Text("tekniske hændelser venter på centralen", "technical events wait for the centre")
_EVICTED = Text("{count} tekniske hændelser måtte vige pladsen", "{count} technical events had to give way")
_NEVER_RECEIVED = Text("centralen har intet kvitteret endnu", "the centre has confirmed nothing yet")
_RECEIVED = Text("centralen kvitterede for {age} siden", "the centre confirmed one {age} ago")
_STORAGE = Text("lageret: {detail}", "storage: {detail}")
_UP = Text("forbundet", "connected")
_DOWN = Text("NEDE", "DOWN")
_ACTIVE = Text(", i brug", ", in use")
_NO_MODEL = Text("ingen: {detail}", "none: {detail}")
_MODEL_FAILS = Text("{name} FEJLER: {detail}", "{name} FAILS: {detail}")
_SHADOW = Text(
    "i skyggen: {name}, enig om {same} af {all} udslag i dette døgn",
    "in the shadow: {name}, agrees on {same} of {all} triggers this day",
)
_SHADOW_FAILS = Text("i skyggen: {name} KAN IKKE BRUGES: {detail}", "in the shadow: {name} CAN'T BE USED: {detail}")
_NEVER_HEARD = Text("aldrig hørt", "never heard")
_HEARD = Text("hørt for {age} siden", "heard {age} ago")
_PULLED = Text("TRUKKET", "PULLED")
_NOT_WORN = Text(", IKKE PÅ", ", NOT WORN")
_NO_FAULTS = Text("ingen", "none open")
_NO_EVENTS = Text("ingen siden start", "none since start")
_CLOCK = {
    True: Text("stillet", "set"),
    False: Text("IKKE STILLET: tider kan være forkerte", "NOT SET: times may be wrong"),
}
_LABELS = {
    "light": Text("Lys", "Light"),
    "sounder": Text("Lyd", "Sounder"),
    "clock": Text("Ur", "Clock"),
    "calls": Text("Kald", "Calls"),
    "queue": Text("Kø", "Queue"),
    "paths": Text("Veje", "Paths"),
    "model": Text("Faldmodel", "Model"),
    "sensors": Text("Sensorer", "Sensors"),
    "faults": Text("Fejl", "Faults"),
    "events": Text("Seneste", "Latest"),
}
_UNITS = ((86_400, Text("døgn", "d")), (3600, Text("t", "h")), (60, Text("min", "min")), (1, Text("s", "s")))


def has_faults(said: Mapping[str, Any]) -> bool:
    """Whether any fault is open."""
    return bool(said["picture"]["faults"])


def lines(said: Mapping[str, Any], language: Language) -> list[str]:
    """Return the screen, line by line."""
    picture = said["picture"]
    first = words.both(
        _UNIT,
        unit=said["unit_id"],
        profile=_SIMULATED if picture["simulated"] else picture["profile"],
        version=picture["version"],
        age=age(said["running_s"]),
    )
    found = [first.in_(language)]
    if picture["walk_test"]:
        found.append(_WALK_TEST.in_(language))
    for name, texts in _parts(said, picture).items():
        label = _LABELS[name].in_(language)
        for text in texts:
            found.append(f"{label:<{LABEL}} {text.in_(language)}".rstrip())
            label = ""
    return found


def event_lines(events: Sequence[Mapping[str, Any]], language: Language) -> list[str]:
    """Return events in words, one a line, in the order given."""
    return [text.in_(language) for text in map(_event, events)]


def age(seconds: float) -> Text:
    """Return a span of time in its largest unit: `4 s`, `3 min`, `2 d`."""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), _UNITS[-1])
    number = f"{seconds:.1f}" if seconds < 10 else f"{seconds / size:.0f}"
    return Text(f"{number} {unit.da}", f"{number} {unit.en}")


def _parts(said: Mapping[str, Any], picture: Mapping[str, Any]) -> dict[str, list[Text]]:
    light, sounder = said["light"], said["sounder"]
    return {
        "light": [LIGHT[Light(light)]] if light else [],
        "sounder": [SOUNDER[Sounder(sounder)]] if sounder else [],
        "clock": [_CLOCK[picture["clock_synced"]]],
        "calls": [_call(call) for call in said["calls"]] or [_NO_CALLS],
        "queue": list(_queue(said, picture["queue"])),
        "paths": [_path(name, path) for name, path in picture["paths"].items()],
        "model": [_model(picture["model"]), *_shadow(said.get("shadow"))],
        "sensors": [_sensor(name, sensor, said["links"].get(name, {})) for name, sensor in picture["sensors"].items()],
        "faults": [text for fault in picture["faults"] for text in _fault(fault)] or [_NO_FAULTS],
        "events": [_event(event) for event in said["events"][-SHOWN_EVENTS:]] or [_NO_EVENTS],
    }


def _call(call: Mapping[str, Any]) -> Text:
    return words.both(
        Text("{sensor} ({room}): {phase}, begyndt for {age} siden", "{sensor} ({room}): {phase}, began {age} ago"),
        sensor=call["sensor"],
        room=rooms.in_words(call["room"]),
        phase=words.PHASE[Phase(call["phase"])],
        age=age(call["age_s"]),
    )


def _queue(said: Mapping[str, Any], queue: Mapping[str, Any]) -> Iterator[Text]:
    if queue["calls"]:
        yield words.both(_WAITING, calls=queue["calls"], technical=_TECHNICAL if queue["technical"] else "")
    else:
        yield _TECHNICAL_ONLY if queue["technical"] else _EMPTY
    received = said["received_s"]
    yield _NEVER_RECEIVED if received is None else words.both(_RECEIVED, age=age(received))
    if queue["evicted"]:
        yield words.both(_EVICTED, count=queue["evicted"])
    if queue["storage"] != "ok":
        yield words.both(_STORAGE, detail=queue["storage"])


def _path(name: str, path: Mapping[str, Any]) -> Text:
    if path["up"]:
        return words.both(
            Text("{name:<16} {up}{active}", "{name:<16} {up}{active}"),
            name=name,
            up=_UP,
            active=_ACTIVE if path["active"] else "",
        )
    return words.both(
        Text("{name:<16} {down}: {detail}", "{name:<16} {down}: {detail}"), name=name, down=_DOWN, detail=path["detail"]
    )


def _model(model: Mapping[str, Any]) -> Text:
    if model["name"] is None:
        return words.both(_NO_MODEL, detail=model["detail"])
    if model["failing"]:
        return words.both(_MODEL_FAILS, name=model["name"], detail=model["detail"])
    return Text(model["name"], model["name"])


def _shadow(shadow: Mapping[str, Any] | None) -> Iterator[Text]:
    if shadow is None:
        return
    if shadow["failing"]:
        yield words.both(_SHADOW_FAILS, name=shadow["model"], detail=shadow["detail"])
        return
    same, other = shadow["both_call"] + shadow["neither_calls"], shadow["only_live_calls"] + shadow["only_shadow_calls"]
    yield words.both(_SHADOW, name=shadow["model"], same=same, all=same + other)


def _sensor(name: str, sensor: Mapping[str, Any], link: Mapping[str, Any]) -> Text:
    heard = sensor["last_sign_of_life_s"]
    detail = str(link.get("detail") or "")
    return words.both(
        Text(
            "{name:<16} {room:<16} {link}, {heard}{active}{worn}{detail}",
            "{name:<16} {room:<16} {link}, {heard}{active}{worn}{detail}",
        ),
        name=name,
        room=rooms.in_words(sensor["room"]),
        link=words.LINK.get(sensor["link"], Text(sensor["link"], sensor["link"])),
        heard=_NEVER_HEARD if heard is None else words.both(_HEARD, age=age(heard)),
        active=words.both(Text(", {pulled}", ", {pulled}"), pulled=_PULLED) if sensor["active"] else "",
        worn=_NOT_WORN if sensor.get("worn") is False else "",
        detail=f" ({detail})" if detail and sensor["link"] != "alive" else "",
    )


def _fault(fault: Mapping[str, Any]) -> Iterator[Text]:
    yield words.both(
        Text("{what}{who}, siden {when}", "{what}{who}, since {when}"),
        what=words.fault(fault["fault"]),
        who=f" ({fault['sensor']})" if fault["sensor"] else "",
        when=local_time(fault["since"]),
    )
    if fault["detail"]:
        yield Text(f"  {fault['detail']}", f"  {fault['detail']}")


def _event(event: Mapping[str, Any]) -> Text:
    data = event.get("data") or {}
    mark = " " if data.get("clock_synced") else "?"
    return words.both(
        Text("{when}{mark} {told}", "{when}{mark} {told}"),
        when=local_time(str(event.get("time"))),
        mark=mark,
        told=words.tell(event),
    )


def local_time(rfc3339: str) -> str:
    """Return an event's time on this machine's wall clock, to the second."""
    try:
        return datetime.fromisoformat(rfc3339).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return rfc3339
