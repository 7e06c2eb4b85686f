"""The contract's events as models: the one truth from which the documents in `docs/contract/` are generated.

Rules of this file: models of what leaves the unit, frozen, unknown keys refused, no field that could hold free text
from a home. Version 1 of `docs/contract/`; a change that breaks a consumer is a v2.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from agent.assessment import Advice, Verdict
from agent.config import Room

SCHEMA_ROOT = "https://nodkald.example/contract/v1"


class EventType(StrEnum):
    """Every event that goes through the outbox or is published as a CloudEvent."""

    CALL_RAISED = "dk.nodkald.call.raised"
    CALL_UPDATED = "dk.nodkald.call.updated"
    CALL_ESCALATED = "dk.nodkald.call.escalated"
    CALL_CANCELLED = "dk.nodkald.call.cancelled"
    CALL_CLOSED = "dk.nodkald.call.closed"
    TECH_FAULT = "dk.nodkald.tech.fault"
    TECH_RESTORED = "dk.nodkald.tech.restored"
    TECH_TEST = "dk.nodkald.tech.test"
    TECH_COMMISSIONED = "dk.nodkald.tech.commissioned"
    AUDIT_SUPPRESSED = "dk.nodkald.audit.suppressed"
    AUDIT_SUMMARY = "dk.nodkald.audit.summary"
    HEARTBEAT = "dk.nodkald.heartbeat"
    STATE = "dk.nodkald.state"


class Fault(StrEnum):
    """Everything that a unit can report as wrong."""

    SENSOR_SILENT = "sensor.silent"
    SENSOR_GARBLED = "sensor.garbled"
    SENSOR_NOT_WORN = "sensor.not_worn"
    LOOP_CUT = "loop.cut"
    LOOP_SHORT = "loop.short"
    LOOP_UNDEFINED = "loop.undefined"
    CONTACT_STUCK = "contact.stuck"
    BATTERY_LOW = "battery.low"
    MAINS_LOST = "mains.lost"
    TAMPER = "tamper"
    UPLINK_LOST = "uplink.lost"
    UPLINK_REFUSED = "uplink.refused"
    STORAGE_FAILING = "storage.failing"
    STORAGE_FULL = "storage.full"
    MODEL_FAILING = "model.failing"
    CLOCK_UNSYNCED = "clock.unsynced"
    BUDGET_SPENT = "budget.spent"
    WATCHDOG_RESTART = "watchdog.restart"
    POWER_RESTART = "power.restart"


class Wire(BaseModel):
    """Base of every model of the contract."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Trigger(Wire):
    """What made the call: which sensor, of which type, in which room."""

    kind: Literal["manual", "automatic"]
    type: Literal["pull_cord", "button", "fall"]
    sensor: str
    room: Room


class AssessmentBody(Wire):
    """The unit's judgement of an automatic trigger."""

    verdict: Verdict
    score: Annotated[float, Field(ge=0, le=1)] | None
    threshold: Annotated[float, Field(ge=0, le=1)] | None
    model: str | None
    model_sha256: str | None
    reasons: tuple[str, ...] = Field(description="in English, for people; the numbers in them are those of `evidence`")
    reasons_da: tuple[str, ...] = Field(default=(), description="the same reasons in Danish, in the same order")
    evidence: dict[str, float]
    advice: Advice


class PreAlarmBody(Wire):
    """The seconds in which the citizen could cancel, and whether it was done."""

    seconds: float
    cancelled: bool


class Delivery(Wire):
    """The only part of an event that differs between copies."""

    attempt: int = Field(ge=1)
    path: str
    late: bool = Field(description="older than five minutes, or from an earlier boot")
    age_ms: int | None = Field(description="None where the event is from an earlier boot")
    corrected_time: str | None = Field(description="filled once the clock is known, where `time` was stamped before")


class Stamped(Wire):
    """What every event's data carries: the unit's own time."""

    boot_id: str
    uptime_ms: int
    clock_synced: bool
    delivery: Delivery | None = None


class CallData(Stamped):
    """The full call, in every event about it."""

    call_id: str
    trigger: Trigger
    repeat: int = Field(ge=0, description="how often the same sensor called again in this call")
    test: bool = Field(description="the first pull of a walk test: nobody needs help")
    assessment: AssessmentBody | None
    pre_alarm: PreAlarmBody | None = None
    escalation: int = Field(default=0, ge=0, description="how often the missing `accepted` was escalated")
    joined: int = Field(default=0, ge=0, description="automatic triggers that joined this call")
    outcome: str | None = Field(default=None, max_length=64, description="only in call.closed")


class EvictedRange(Wire):
    """Technical events that the outbox's size limit dropped: an announced hole in `sequence`, calls in it excepted."""

    first: str = Field(pattern=r"^\d{20}$")
    last: str = Field(pattern=r"^\d{20}$")
    count: int = Field(ge=1)


class FaultData(Stamped):
    """A technical fault, or its end."""

    fault: Fault
    sensor: str | None = Field(description="sensor or path that it is about")
    since: str = Field(description="RFC 3339, when the fault began")
    detail: str = Field(max_length=500)
    evicted: EvictedRange | None = Field(default=None, description="only with `storage.full`: what was left out")


class TestData(Stamped):
    """The result of a self-test."""

    ok: bool
    detail: str = Field(max_length=500)


class CommissionedData(Stamped):
    """A technician finished the walk test of a new unit."""

    sensors: tuple[str, ...]


class SuppressedData(Stamped):
    """A trigger that a plain threshold sensor would have called, and this unit did not."""

    trigger: Trigger
    assessment: AssessmentBody
    budget_left: int | None = Field(description="of the budget for uncertain triggers; None where it has no limit")


class ShadowSummary(Wire):
    """A candidate model that was asked about the same windows, after the live one had answered; it decided nothing.

    The four counts of windows that both answered, each by its own threshold, say how far they agree.
    """

    model: str
    model_sha256: str | None = Field(description="null where its file was refused")
    failing: bool = Field(description="it could not be asked at the day's end")
    both_call: int = Field(ge=0)
    neither_calls: int = Field(ge=0)
    only_live_calls: int = Field(ge=0)
    only_shadow_calls: int = Field(ge=0)
    not_compared: int = Field(ge=0, description="windows on which one of the two gave no answer")
    scores: tuple[int, ...] = Field(description="histogram of the candidate's scores in ten equal bins from 0 to 1")


class SummaryData(Stamped):
    """A day in numbers."""

    triggers: int
    confirmed: int
    unverified: int
    suppressed: int
    cancelled: int
    scores: tuple[int, ...] = Field(description="histogram of scores in ten equal bins from 0 to 1")
    model: str | None = Field(default=None, description="the model that judged at the day's end")
    model_sha256: str | None = None
    shadow: ShadowSummary | None = Field(default=None, description="null where no model was tried beside it")


class HeartbeatData(Stamped):
    """A sign of life."""

    last_sequence: str


class SensorState(Wire):
    """One sensor in the whole picture."""

    type: str
    room: Room
    link: str
    last_sign_of_life_s: float | None = Field(description="age of the last sign of life, in seconds")
    active: bool = Field(description="pulled, pressed")
    worn: bool | None = Field(
        default=None, description="whether a wearable is worn; None for other sensors, and while nothing tells"
    )


class PathState(Wire):
    """One broker path in the whole picture."""

    up: bool
    active: bool
    detail: str


class OpenFault(Wire):
    """A fault that has not been restored."""

    fault: Fault
    sensor: str | None
    since: str
    detail: str


class QueueState(Wire):
    """What waits for the centre's `received`."""

    calls: int
    technical: bool = Field(description="whether technical events wait")
    evicted: int = Field(description="technical events evicted since start")
    storage: str


class ModelPicture(Wire):
    """The model in use."""

    name: str | None
    sha256: str | None
    failing: bool
    detail: str


class StateData(Stamped):
    """The whole picture; retained."""

    version: str
    profile: str
    simulated: bool
    walk_test: bool
    calls: tuple[str, ...] = Field(description="ids of the open calls")
    sensors: dict[str, SensorState]
    paths: dict[str, PathState]
    queue: QueueState
    model: ModelPicture
    malformed_messages: int = Field(ge=0, description="messages from the centre that could not be understood")
    faults: tuple[OpenFault, ...]


DATA_MODELS: dict[EventType, type[Stamped]] = {
    EventType.CALL_RAISED: CallData,
    EventType.CALL_UPDATED: CallData,
    EventType.CALL_ESCALATED: CallData,
    EventType.CALL_CANCELLED: CallData,
    EventType.CALL_CLOSED: CallData,
    EventType.TECH_FAULT: FaultData,
    EventType.TECH_RESTORED: FaultData,
    EventType.TECH_TEST: TestData,
    EventType.TECH_COMMISSIONED: CommissionedData,
    EventType.AUDIT_SUPPRESSED: SuppressedData,
    EventType.AUDIT_SUMMARY: SummaryData,
    EventType.HEARTBEAT: HeartbeatData,
    EventType.STATE: StateData,
}


class CloudEvent(Wire):
    """CloudEvents 1.0 in JSON structured mode. `sequence` only where the event went through the outbox."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str
    type: EventType
    subject: str | None = None
    time: str
    sequence: str | None = Field(default=None, pattern=r"^\d{20}$")
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    data: CallData | FaultData | TestData | CommissionedData | SuppressedData | SummaryData | HeartbeatData | StateData


def parse_event(payload: bytes | str) -> CloudEvent:
    """Parse a CloudEvent of this contract, choosing the data model by its `type`; ValidationError if it is none."""
    import json  # noqa: PLC0415 - only consumers parse events; the unit never pays for it

    raw = json.loads(payload)
    data = DATA_MODELS[EventType(raw["type"])].model_validate(raw["data"])
    return CloudEvent.model_validate({**raw, "data": data})


class Ack(Wire):
    """From the centre: `received` about events, `accepted` and `closed` about a call."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a later centre may say more

    ack: Literal["received", "accepted", "closed"]
    event_id: Annotated[str, Field(max_length=64)] | None = None
    event_ids: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=1000)] = ()
    call_id: Annotated[str, Field(max_length=64)] | None = None
    by: Annotated[str, Field(max_length=64)] | None = None
    outcome: Annotated[str, Field(max_length=64)] | None = None


class CommandName(StrEnum):
    """What the centre may ask a unit to do."""

    SELFTEST = "selftest"
    STATE = "state"
    WALKTEST_START = "walktest.start"
    WALKTEST_STOP = "walktest.stop"
    SILENCE = "silence"
    RESTART = "restart"


class Command(Wire):
    """A command; answered on `…/reply` with the same `id`."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a later centre may say more

    id: str = Field(max_length=64)
    cmd: CommandName


class Reply(Wire):
    """The answer to a command."""

    id: str | None
    ok: bool
    result: str | None = None
    error: str | None = None


class Online(Wire):
    """Birth, last will and clean stop of one path."""

    online: bool
    path: str
    boot_id: str
    since: str
