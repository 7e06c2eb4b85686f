"""Events, faults and phases in words, in Danish and English, for people at the unit.

Rules of this file: texts, and pure functions that choose among them. Every fault, phase and type of event has its words
here; a test says so. An event that a newer version wrote is told by its type, never by an exception. `detail` of
a fault is the log's own English in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from agent import rooms
from agent.call_table import Phase
from agent.events import EventType, Fault
from agent.texts import Text

FAULT: Mapping[Fault, Text] = {
    Fault.SENSOR_SILENT: Text("sensoren er tavs", "the sensor is silent"),
    Fault.SENSOR_GARBLED: Text("sensoren sender ulæselige data", "the sensor sends garbage"),
    Fault.SENSOR_NOT_WORN: Text("sensoren er ikke på nogen", "nobody wears the sensor"),
    Fault.LOOP_CUT: Text("sløjfen er afbrudt", "the loop is cut"),
    Fault.LOOP_SHORT: Text("sløjfen er kortsluttet", "the loop is shorted"),
    Fault.LOOP_UNDEFINED: Text("sløjfen er uklar", "the loop is undefined"),
    Fault.CONTACT_STUCK: Text("kontakten hænger", "the contact is stuck"),
    Fault.BATTERY_LOW: Text("batteriet er lavt", "the battery is low"),
    Fault.MAINS_LOST: Text("strømmen er væk", "the mains are lost"),
    Fault.TAMPER: Text("der er pillet ved den", "it was tampered with"),
    Fault.UPLINK_LOST: Text("vejen til centralen er nede", "the path to the centre is down"),
    Fault.UPLINK_REFUSED: Text("vejen til centralen bliver afvist", "the path to the centre is refused"),
    Fault.STORAGE_FAILING: Text("lageret fejler", "the storage is failing"),
    Fault.STORAGE_FULL: Text("lageret er fuldt", "the storage is full"),
    Fault.MODEL_FAILING: Text("faldmodellen fejler", "the fall model is failing"),
    Fault.CLOCK_UNSYNCED: Text("uret er ikke stillet", "the clock is not set"),
    Fault.BUDGET_SPENT: Text("budgettet for tvivl er brugt", "the budget for doubt is spent"),
    Fault.WATCHDOG_RESTART: Text("vagthunden genstartede enheden", "the watchdog restarted the unit"),
    Fault.POWER_RESTART: Text("enheden mistede strømmen", "the unit lost its power"),
}

PHASE: Mapping[Phase, Text] = {
    Phase.ASSESSING: Text("vurderes", "being assessed"),
    Phase.PRE_ALARM: Text("foralarm: kan afbrydes", "pre-alarm: can be cancelled"),
    Phase.RAISED: Text("sendes til centralen", "being sent to the centre"),
    Phase.RECEIVED: Text("centralen har det", "the centre has it"),
    Phase.ACCEPTED: Text("hjælp er på vej", "someone is coming"),
    Phase.CLOSED: Text("afsluttet", "closed"),
    Phase.SUPPRESSED: Text("ikke et kald", "not a call"),
    Phase.CANCELLED: Text("afbrudt", "cancelled"),
    Phase.JOINED: Text("hører til et andet kald", "part of another call"),
}

LINK: Mapping[str, Text] = {
    "starting": Text("ikke hørt endnu", "not heard yet"),
    "alive": Text("i live", "alive"),
    "silent": Text("TAVS", "SILENT"),
    "garbled": Text("ULÆSELIG", "GARBAGE"),
}

_TOLD: Mapping[str, Text] = {
    EventType.CALL_RAISED: Text("KALD fra {who}{more}", "CALL from {who}{more}"),
    EventType.CALL_UPDATED: Text("Kaldet fra {who} er opdateret{more}", "The call from {who} was updated{more}"),
    EventType.CALL_ESCALATED: Text(
        "Kaldet fra {who} er ikke taget endnu, og meldt igen{more}",
        "The call from {who} was not accepted yet, and told again{more}",
    ),
    EventType.CALL_CANCELLED: Text("Foralarmen fra {who} blev afbrudt", "The pre-alarm from {who} was cancelled"),
    EventType.CALL_CLOSED: Text("Kaldet fra {who} er afsluttet", "The call from {who} was closed"),
    EventType.TECH_FAULT: Text("FEJL{of}: {fault}{detail}", "FAULT{of}: {fault}{detail}"),
    EventType.TECH_RESTORED: Text("I orden igen{of} (var: {fault})", "Restored{of} (was: {fault})"),
    EventType.TECH_TEST: Text("Selvtest: {result}{detail}", "Self-test: {result}{detail}"),
    EventType.TECH_COMMISSIONED: Text("Enheden er taget i brug", "The unit was commissioned"),
    EventType.AUDIT_SUPPRESSED: Text(
        "Intet kald: udslag fra {who} blev ikke taget for et fald{more}",
        "No call: a trigger from {who} was not taken for a fall{more}",
    ),
    EventType.AUDIT_SUMMARY: Text("Døgnets opgørelse", "The day's summary"),
}

_AUTOMATIC = Text("fald", "fall")
_REPEAT = Text("trukket igen, {n}. gang", "pulled again, time {n}")
_TEST = Text("gåprøve", "walk test")
_ESCALATION = Text("{n}. gang", "time {n}")
_VERDICT = {"unverified": Text("ikke efterprøvet", "unverified"), "uncertain": Text("usikkert", "uncertain")}
"""The verdicts that the event's own words do not tell."""
_WELL = Text("i orden", "well")
_NOT_WELL = Text("ikke i orden", "not well")


def both(template: Text, **values: Text | str | float) -> Text:
    """Fill a text's places in both languages."""
    danish = {key: value.da if isinstance(value, Text) else value for key, value in values.items()}
    english = {key: value.en if isinstance(value, Text) else value for key, value in values.items()}
    return Text(template.da.format(**danish), template.en.format(**english))


def fault(code: str) -> Text:
    """Return what a fault means; one of a newer version as it stands."""
    return FAULT[Fault(code)] if code in set(Fault) else Text(code, code)


def tell(event: Mapping[str, Any]) -> Text:
    """Return a CloudEvent of ours in one sentence."""
    kind = str(event.get("type"))
    template = _TOLD.get(kind)
    data = event.get("data")
    if template is None or not isinstance(data, Mapping):
        return Text(kind, kind)
    trigger = data.get("trigger") or {}
    subject = str(event.get("subject") or "")
    place = trigger.get("room")
    name = Text("{name} ({room})", "{name} ({room})")
    where = both(name, name=subject, room=rooms.in_words(str(place))) if place else None
    who = where or subject or str(data.get("sensor") or "")
    detail = str(data.get("detail") or "")
    return both(
        template,
        who=who,
        of=both(Text(" {who}", " {who}"), who=who) if who else "",
        more=_more(data),
        fault=fault(str(data.get("fault") or "")),
        detail=f" ({detail})" if detail else "",
        result=_WELL if data.get("ok") else _NOT_WELL,
    )


def _more(data: Mapping[str, Any]) -> Text:
    """Return what is worth knowing about a call beside its place, in brackets."""
    assessment = data.get("assessment") or {}
    known: list[Text] = []
    if data.get("call_id") and (data.get("trigger") or {}).get("kind") == "automatic":
        known.append(_AUTOMATIC)
    if data.get("test"):
        known.append(_TEST)
    if data.get("escalation"):
        known.append(both(_ESCALATION, n=data["escalation"]))
    elif data.get("repeat"):
        known.append(both(_REPEAT, n=data["repeat"] + 1))
    if verdict := _VERDICT.get(str(assessment.get("verdict"))):
        known.append(verdict)
    known += _reasons(assessment)
    if not known:
        return Text("", "")
    return Text(f" ({', '.join(text.da for text in known)})", f" ({', '.join(text.en for text in known)})")


def _reasons(assessment: Mapping[str, Any]) -> list[Text]:
    """Return the reasons in both languages; in English twice where an older version wrote the event."""
    english = [str(reason) for reason in assessment.get("reasons") or ()]
    danish = [str(reason) for reason in assessment.get("reasons_da") or ()]
    if len(danish) != len(english):
        danish = english
    return [Text(da, en) for da, en in zip(danish, english, strict=True)]
