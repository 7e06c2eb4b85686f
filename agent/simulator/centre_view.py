"""What the operator of the reference centre reads, in Danish or English: notes as lines of text.

Rules of this file: pure functions; no state, no printing.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from agent import rooms
from agent.events import EventType
from agent.simulator.centre_calls import Phase
from agent.simulator.centre_messages import (
    EventSeen,
    HoleFilled,
    HoleFound,
    LineChanged,
    Malformed,
    NotKept,
    OnlineSeen,
    ReplySeen,
)
from agent.texts import Text

if TYPE_CHECKING:
    from agent.simulator.centre_calls import Call
    from agent.simulator.centre_messages import Json, Note
    from agent.simulator.centre_sequence import Hole
    from agent.texts import Language

EVENTS = {
    EventType.CALL_RAISED: Text("NØDKALD", "CALL"),
    EventType.CALL_UPDATED: Text("kald opdateret", "call updated"),
    EventType.CALL_ESCALATED: Text("NØDKALD UBESVARET", "CALL UNANSWERED"),
    EventType.CALL_CANCELLED: Text("afbrudt af borgeren", "cancelled by the citizen"),
    EventType.CALL_CLOSED: Text("kald afsluttet", "call closed"),
    EventType.TECH_FAULT: Text("teknisk fejl", "technical fault"),
    EventType.TECH_RESTORED: Text("fejl ophørt", "fault over"),
    EventType.TECH_TEST: Text("selvtest", "self-test"),
    EventType.TECH_COMMISSIONED: Text("sat i drift", "commissioned"),
    EventType.AUDIT_SUPPRESSED: Text("ikke et nødkald", "not a call"),
    EventType.AUDIT_SUMMARY: Text("dagens tal", "the day in numbers"),
    EventType.HEARTBEAT: Text("livstegn", "sign of life"),
    EventType.STATE: Text("enhedens tilstand", "state of the unit"),
}

VERDICTS = {
    "confirmed": Text("bekræftet fald", "confirmed fall"),
    "unverified": Text("fald, ikke efterprøvet", "fall, unverified"),
    "uncertain": Text("uvist", "uncertain"),
    "false_alarm": Text("falsk alarm", "false alarm"),
}

ADVICE = {"dispatch": Text("send hjælp", "send help"), "phone_first": Text("ring først", "phone first")}

PHASES = {
    Phase.OPEN: Text("venter på dig", "waits for you"),
    Phase.ACCEPTED: Text("hjælp på vej", "help under way"),
    Phase.CANCELLED: Text("afbrudt", "cancelled"),
    Phase.CLOSED: Text("afsluttet", "closed"),
}

_REPEAT = Text("igen ({})", "again ({})")
_JOINED = Text("{} nye udslag", "{} more triggers")
_ESCALATED = Text("{}. gang", "time {}")
_TEST = Text("PRØVE", "TEST")
_ATTEMPT = Text("{}. afsendelse", "attempt {}")
_LATE = Text("FORSINKET", "LATE")
_DUPLICATE = Text("dublet", "duplicate")
_DEPARTS = Text("følger ikke kontrakten: {}", "departs from the contract: {}")
_BUDGET = Text("budget tilbage {}", "budget left {}")
_PRE_ALARM = Text("efter {} s varsel", "after {} s of warning")
_ONLINE = Text("enheden er på ({})", "the unit is online ({})")
_OFFLINE = Text("ENHEDEN ER VÆK: ingen vej melder sig", "THE UNIT IS OFFLINE: no path answers")
_PATH_OFF = Text("vejen {} er væk, en anden bærer", "path {} is gone, another one carries")
_REPLY = Text("svar på kommando {}: {}", "reply to command {}: {}")
_MALFORMED = Text("ulæselig besked på {}: {}", "unreadable message on {}: {}")
_HOLE = Text("HUL: hændelse {} i opstart {} er ikke kommet", "HOLE: event {} of boot {} did not come")
_FILLED = Text("hul udfyldt: hændelse {} i opstart {}", "hole filled: event {} of boot {}")
_LINE_UP = Text("centralen lytter på {}", "the centre listens on {}")
_LINE_DOWN = Text("centralen har ikke {}: {}", "the centre is without {}: {}")
_NOT_KEPT = Text("ikke gemt og derfor ikke kvitteret: {}", "not stored, hence not acknowledged: {}")
_KEYS = Text(
    "{} åbne kald   a = tag det ældste   c = afslut   q = slut",
    "{} open calls   a = accept oldest   c = close   q = quit",
)
_ACK = {
    "accepted": Text("{by} tager kaldet {call}", "{by} takes call {call}"),
    "closed": Text("kaldet {call} afsluttes: {outcome}", "call {call} is closed: {outcome}"),
}


# ---------------------------------------------------------------- the timeline


def line(note: Note, wall: float, language: Language) -> str:
    """Return a note as one line of the timeline."""
    return f"{_clock(wall)}  {text(note, language)}"


def ack_line(ack: Json, wall: float, language: Language) -> str:
    """Return an `accepted` or `closed` that was sent as one line of the timeline."""
    return f"{_clock(wall)}  {ack_text(ack, language)}"


def ack_text(ack: Json, language: Language) -> str:
    """Return an `accepted` or `closed` that was sent, without the time."""
    words = _ACK[ack["ack"]].in_(language)
    return words.format(by=ack.get("by"), call=short(ack["call_id"]), outcome=ack.get("outcome"))


def short(uuid: object) -> str:
    """Return the end of a UUID, which differs between calls of the same second."""
    return str(uuid or "-")[-6:]


def _clock(wall: float) -> str:
    return datetime.fromtimestamp(wall).astimezone().strftime("%H:%M:%S")


def text(note: Note, language: Language) -> str:  # noqa: PLR0911 - one line for each kind of note
    """Return a note as it stands in the timeline, without the time."""
    match note:
        case EventSeen():
            return _event(note, language)
        case OnlineSeen():
            if note.online.get("online") is True:
                return _ONLINE.in_(language).format(note.online.get("path"))
            gone = _PATH_OFF if note.unit_online else _OFFLINE
            return gone.in_(language).format(note.online.get("path"))
        case ReplySeen():
            result = note.reply.get("result") if note.reply.get("ok") else note.reply.get("error")
            return _REPLY.in_(language).format(note.reply.get("id"), result or note.reply.get("ok"))
        case Malformed():
            return _MALFORMED.in_(language).format(note.topic, note.detail)
        case HoleFound():
            return _HOLE.in_(language).format(_range(note.hole), short(note.hole.boot_id))
        case HoleFilled():
            return _FILLED.in_(language).format(_range(note.hole), short(note.hole.boot_id))
        case LineChanged():
            return (_LINE_UP if note.up else _LINE_DOWN).in_(language).format(note.path, note.detail)
        case NotKept():
            return _NOT_KEPT.in_(language).format(note.detail)


def _range(hole: Hole) -> str:
    return str(hole.first) if hole.first == hole.last else f"{hole.first}-{hole.last}"


def _event(note: EventSeen, language: Language) -> str:
    event = note.event
    data = _table(event.get("data"))
    known = EVENTS.get(event["type"])
    parts = [known.in_(language) if known else str(event["type"])]
    if data.get("call_id"):
        parts.append(short(data["call_id"]))
    parts += [*_trigger(data, language), *_fault(data), *_circumstances(data, language)]
    parts += _assessment(data, language)
    parts += _delivery(note, data, language)
    return "  ".join(parts)


def _trigger(data: Json, language: Language) -> list[str]:
    trigger = _table(data.get("trigger"))
    if not trigger:
        return []
    room = rooms.in_words(str(trigger.get("room"))).in_(language)
    return [f"{trigger.get('sensor')} ({room})"]


def _fault(data: Json) -> list[str]:
    if "fault" not in data:
        return []
    about = f" {data['sensor']}" if data.get("sensor") else ""
    detail = f" ({data['detail']})" if data.get("detail") else ""
    return [f"{data['fault']}{about}{detail}"]


def _circumstances(data: Json, language: Language) -> list[str]:
    pre_alarm = _table(data.get("pre_alarm"))
    numbers = ((_REPEAT, "repeat"), (_ESCALATED, "escalation"), (_JOINED, "joined"))
    parts = [words.in_(language).format(data[key]) for words, key in numbers if data.get(key)]
    parts += [_TEST.in_(language)] if data.get("test") else []
    parts += [_PRE_ALARM.in_(language).format(pre_alarm.get("seconds"))] if pre_alarm else []
    parts += [str(data["outcome"])] if data.get("outcome") else []
    return parts


def _assessment(data: Json, language: Language) -> list[str]:
    assessment = _table(data.get("assessment"))
    if not assessment:
        return []
    verdict = VERDICTS.get(str(assessment.get("verdict")))
    words = verdict.in_(language) if verdict else str(assessment.get("verdict"))
    if isinstance(score := assessment.get("score"), float | int):
        words += f" {score:.2f}/{assessment.get('threshold')}"
    in_danish = assessment.get("reasons_da") if language == "da" else None
    if isinstance(reasons := in_danish or assessment.get("reasons"), list) and reasons:
        words += ": " + ", ".join(str(reason) for reason in reasons)
    advice = ADVICE.get(str(assessment.get("advice")))
    parts = [words, *([advice.in_(language)] if advice and "call_id" in data else [])]
    return [*parts, *([_BUDGET.in_(language).format(data["budget_left"])] if "budget_left" in data else [])]


def _delivery(note: EventSeen, data: Json, language: Language) -> list[str]:
    delivery = _table(data.get("delivery"))
    attempt = delivery.get("attempt")
    parts = [_ATTEMPT.in_(language).format(attempt)] if isinstance(attempt, int) and attempt > 1 else []
    parts += [_LATE.in_(language)] if delivery.get("late") else []
    parts += [_DUPLICATE.in_(language)] if note.duplicate else []
    parts += [_DEPARTS.in_(language).format("; ".join(note.departures))] if note.departures else []
    return parts


def _table(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


# ---------------------------------------------------------------- the live list


def open_call(call: Call, mono: float, language: Language) -> str:
    """Return one open call as a line of the live list."""
    age = max(0, int(mono - call.since))
    trigger = " ".join(_trigger(call.data, language)) or call.sensor
    return f"  {short(call.call_id)}  {age // 60:3d}:{age % 60:02d}  {PHASES[call.phase].in_(language):<14}  {trigger}"


def keys(open_calls: int, language: Language) -> str:
    """Return the foot of the screen: how many calls are open, and what the keys do."""
    text = Text(
        "{} åbne kald   a = tag det ældste   c = afslut   q = slut",
        "{} open   a = accept oldest   c = close   q = quit",
    )
    return text.in_(language).format(open_calls)
