"""One example of everything that passes between a unit and a response centre, made from the models themselves.

Rules of this file: every event type, acknowledgement, command, reply and `online` has an example; a test validates each
against its generated schema. They tell one evening in one home: what an example says, a unit could have sent.
"""

from __future__ import annotations

from typing import Any

from agent.assessment import Advice, Verdict
from agent.config import Room
from agent.events import (
    SCHEMA_ROOT,
    Ack,
    AssessmentBody,
    CallData,
    CloudEvent,
    Command,
    CommandName,
    CommissionedData,
    Delivery,
    EventType,
    EvictedRange,
    Fault,
    FaultData,
    HeartbeatData,
    ModelPicture,
    Online,
    OpenFault,
    PathState,
    PreAlarmBody,
    QueueState,
    Reply,
    SensorState,
    ShadowSummary,
    Stamped,
    StateData,
    SummaryData,
    SuppressedData,
    TestData,
    Trigger,
)

Json = dict[str, Any]

TENANT, UNIT = "aabenraa", "u-7f3k9q"
BOOT = "01939f3e-0b5a-7c11-8d2e-4a7f1c9b2e55"
CALL = "01939f3e-8c1e-7d2a-9b1e-0f6a2f0c9a10"
FALL = "01939f41-2d07-7b90-a3c4-51d0e8f7b622"
SINCE = "2026-11-21T18:31:12.000Z"
SHA256 = "9f2c1d7e5b8a4036c1e0d9b7a6f5e4d3c2b1a0998877665544332211ffeeddcc"

_DELIVERY = Delivery(path="primary", attempt=1, late=False, age_ms=4, corrected_time=None)
_CORD = Trigger(kind="manual", type="pull_cord", sensor="bathroom-cord", room=Room.BATHROOM)
_WEARABLE = Trigger(kind="automatic", type="fall", sensor="wearable", room=Room.ON_PERSON)
_FELL = AssessmentBody(
    verdict=Verdict.CONFIRMED,
    score=0.97,
    threshold=0.62,
    model="fall-waist/1.2.0",
    model_sha256=SHA256,
    reasons=("impact 4.8 g", "free fall 320 ms", "posture changed 84 degrees", "lying still 2.1 s"),
    reasons_da=("stød 4,8 g", "frit fald 320 ms", "kropsstilling ændret 84 grader", "ligger stille 2,1 s"),
    evidence={"peak_g": 4.83, "free_fall_ms": 320.0, "moving_g": 0.013, "still_s": 2.1, "posture_deg": 84.6},
    advice=Advice.DISPATCH,
)
_SAT_DOWN = AssessmentBody(
    verdict=Verdict.FALSE_ALARM,
    score=0.03,
    threshold=0.62,
    model="fall-waist/1.2.0",
    model_sha256=SHA256,
    reasons=("impact 2.6 g", "posture unchanged", "no free fall"),
    reasons_da=("stød 2,6 g", "kropsstilling uændret", "intet frit fald"),
    evidence={"peak_g": 2.63, "free_fall_ms": 40.0, "moving_g": 0.061, "still_s": 0.86, "posture_deg": 8.2},
    advice=Advice.DISPATCH,
)


def _stamp(uptime_ms: int) -> Json:
    return {"boot_id": BOOT, "uptime_ms": uptime_ms, "clock_synced": True, "delivery": _DELIVERY}


def _cord(**more: Any) -> CallData:
    stamp = _stamp(123_456)
    return CallData(**stamp, call_id=CALL, trigger=_CORD, **{"repeat": 0, "test": False, "assessment": None, **more})


def _fall(*, cancelled: bool = False, **more: Any) -> CallData:
    pre_alarm = PreAlarmBody(seconds=10, cancelled=cancelled)
    return CallData(
        **_stamp(341_880),
        **{"call_id": FALL, "trigger": _WEARABLE, "repeat": 0, "test": False, "assessment": _FELL, **more},
        pre_alarm=pre_alarm,
    )


def _fault(fault: Fault, sensor: str | None, detail: str, **more: Any) -> FaultData:
    return FaultData(**_stamp(400_000), fault=fault, sensor=sensor, since=SINCE, detail=detail, **more)


_STATE = StateData(
    **_stamp(500_000),
    version="0.1.0",
    profile="pi4-cords-wt901",
    simulated=False,
    walk_test=False,
    calls=(CALL,),
    sensors={
        "bathroom-cord": SensorState(
            type="pull_cord", room=Room.BATHROOM, link="well", last_sign_of_life_s=0.4, active=True
        ),
        "wearable": SensorState(
            type="wt901", room=Room.ON_PERSON, link="silent", last_sign_of_life_s=31.0, active=False
        ),
    },
    paths={
        "primary": PathState(up=True, active=True, detail=""),
        "backup": PathState(up=False, active=False, detail="connection refused"),
    },
    queue=QueueState(calls=1, technical=True, evicted=0, storage="well"),
    model=ModelPicture(name="fall-waist/1.2.0", sha256=SHA256, failing=False, detail=""),
    malformed_messages=0,
    faults=(OpenFault(fault=Fault.SENSOR_SILENT, sensor="wearable", since=SINCE, detail="no samples"),),
)

_BODIES: tuple[tuple[str, EventType, str | None, Stamped], ...] = (
    ("a pulled cord", EventType.CALL_RAISED, "bathroom-cord", _cord()),
    ("the same cord, pulled again", EventType.CALL_RAISED, "bathroom-cord", _cord(repeat=1)),
    ("a fall", EventType.CALL_RAISED, "wearable", _fall()),
    (
        "the person got up",
        EventType.CALL_UPDATED,
        "wearable",
        _fall(assessment=_FELL.model_copy(update={"advice": Advice.PHONE_FIRST})),
    ),
    ("nobody took it for 180 s", EventType.CALL_ESCALATED, "bathroom-cord", _cord(escalation=1)),
    ("the citizen pressed reset", EventType.CALL_CANCELLED, "wearable", _fall(cancelled=True)),
    ("the centre closed it", EventType.CALL_CLOSED, "bathroom-cord", _cord(outcome="helped")),
    (
        "the wearable is silent",
        EventType.TECH_FAULT,
        "wearable",
        _fault(Fault.SENSOR_SILENT, "wearable", "no samples for 10 s"),
    ),
    (
        "nobody wears the wearable",
        EventType.TECH_FAULT,
        "wearable",
        _fault(Fault.SENSOR_NOT_WORN, "wearable", "not the least movement for 60 min, not even a breath"),
    ),
    (
        "technical events were left out",
        EventType.TECH_FAULT,
        None,
        _fault(
            Fault.STORAGE_FULL,
            None,
            "the outbox is at its limit",
            evicted=EvictedRange(first=f"{42:08d}{8:012d}", last=f"{42:08d}{12:012d}", count=5),
        ),
    ),
    ("it is back", EventType.TECH_RESTORED, "wearable", _fault(Fault.SENSOR_SILENT, "wearable", "")),
    ("a self-test", EventType.TECH_TEST, None, TestData(**_stamp(410_000), ok=True, detail="light and sounder driven")),
    (
        "a walk test was finished",
        EventType.TECH_COMMISSIONED,
        None,
        CommissionedData(**_stamp(420_000), sensors=("bathroom-cord", "bedroom-button")),
    ),
    (
        "a hard sit-down",
        EventType.AUDIT_SUPPRESSED,
        "wearable",
        SuppressedData(**_stamp(430_000), trigger=_WEARABLE, assessment=_SAT_DOWN, budget_left=5),
    ),
    (
        "a day",
        EventType.AUDIT_SUMMARY,
        None,
        SummaryData(
            **_stamp(440_000),
            triggers=61,
            confirmed=1,
            unverified=0,
            suppressed=60,
            cancelled=0,
            scores=(55, 3, 1, 1, 0, 0, 0, 0, 0, 1),
            model="fall-waist/1.2.0",
            model_sha256=SHA256,
            shadow=ShadowSummary(
                model="fall-waist/1.3.0",
                model_sha256=SHA256[::-1],
                failing=False,
                both_call=1,
                neither_calls=58,
                only_live_calls=0,
                only_shadow_calls=1,
                not_compared=1,
                scores=(57, 1, 0, 0, 0, 0, 0, 1, 0, 1),
            ),
        ),
    ),
    ("a sign of life", EventType.HEARTBEAT, None, HeartbeatData(**_stamp(480_000), last_sequence=f"{42:08d}{20:012d}")),
    ("the whole picture", EventType.STATE, None, _STATE),
)

_UNNUMBERED = frozenset({EventType.HEARTBEAT, EventType.STATE})


def events() -> list[tuple[str, EventType, Json]]:
    """Return what each example shows, its type, and the event as it goes over the wire."""
    return [
        (title, kind, _event(number, kind, subject, data))
        for number, (title, kind, subject, data) in enumerate(_BODIES, 7)
    ]


def _event(number: int, kind: EventType, subject: str | None, data: Stamped) -> Json:
    event = CloudEvent(
        id=f"01939f3e-8c1e-7d2a-9b1e-{number:012x}",
        source=f"/nk/v1/{TENANT}/{UNIT}",
        type=kind,
        subject=subject,
        time="2026-11-21T18:27:47.123Z",
        sequence=None if kind in _UNNUMBERED else f"{42:08d}{number:012d}",
        dataschema=f"{SCHEMA_ROOT}/{kind.value.removeprefix('dk.nodkald.')}.json",
        data=data,
    )
    return event.model_dump(mode="json")


def _down(model: Ack | Command) -> Json:
    return model.model_dump(mode="json", exclude_defaults=True)


ACKS: dict[str, Json] = {
    "the centre's system has it": _down(Ack(ack="received", event_id="01939f3e-8c1e-7d2a-9b1e-000000000007")),
    "many at once": _down(
        Ack(
            ack="received",
            event_ids=("01939f3e-8c1e-7d2a-9b1e-000000000008", "01939f3e-8c1e-7d2a-9b1e-000000000009"),
        )
    ),
    "a person took it": _down(Ack(ack="accepted", call_id=CALL, by="operator-12")),
    "it is over": _down(Ack(ack="closed", call_id=CALL, outcome="helped")),
}
COMMANDS: dict[str, Json] = {name.value: _down(Command(id=f"cmd-{name.value}", cmd=name)) for name in CommandName}
REPLIES: dict[str, Json] = {
    "done": Reply(id="cmd-selftest", ok=True, result="light and sounder driven").model_dump(mode="json"),
    "refused": Reply(id="cmd-restart", ok=False, error="a call is not stored yet; try again").model_dump(mode="json"),
}
_BIRTH = Online(online=True, path="primary", boot_id=BOOT, since="2026-11-21T18:25:40.000Z")
ONLINE: dict[str, Json] = {
    "birth": _BIRTH.model_dump(mode="json"),
    "last will, or a clean stop": _BIRTH.model_copy(update={"online": False}).model_dump(mode="json"),
}
