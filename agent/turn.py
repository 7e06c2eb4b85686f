"""One item's way through the core: the state as it changes, and the effects as they come.

Rules of this file: everything that several kinds of items need (announcing an event, carrying out what calls and
delivery decided, opening and closing faults) stands here once. A `Turn` lives for one `step` and never leaves it, so
the core is pure to the outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from agent import call_notes, calls, health
from agent.assessment import Assessment
from agent.call_table import Call
from agent.clock import Now
from agent.core_state import CoreState
from agent.effects import DropNote, Effect, Log, Publish, SaveNote
from agent.events import (
    AssessmentBody,
    CallData,
    EventType,
    EvictedRange,
    Fault,
    FaultData,
    PreAlarmBody,
    Stamped,
    Trigger,
)
from agent.uplink import delivery, envelope, outcomes
from agent.uplink.delivery_state import Step


class Turn:
    """The core while it works on one item."""

    def __init__(self, state: CoreState, now: Now) -> None:
        self.state = state
        self.now = now
        self.effects: list[Effect] = []

    # ------------------------------------------------------------ small things

    def log(self, level: str, event: str, **fields: Any) -> None:
        """Write one log line."""
        self.effects.append(Log(level, event, fields))

    def new_id(self) -> str:
        """Return a fresh UUIDv7."""
        entropy, made = self.state.entropy.uuid7(self.now.wall)
        self.state = replace(self.state, entropy=entropy)
        return made

    def stamp(self) -> dict[str, Any]:
        """Return what every event's data carries."""
        return {
            "boot_id": self.state.setup.boot_id,
            "uptime_ms": int(self.now.mono * 1000),
            "clock_synced": self.now.synced,
        }

    # ------------------------------------------------------------ events

    def announce(self, event_type: EventType, subject: str | None, data: Stamped, call_id: str | None = None) -> None:
        """Number an event, store it and send it."""
        state = self.state
        number = envelope.sequence(state.boot_count, state.next_number)
        made = envelope.make_event(state.setup.topics, event_type, self.new_id(), subject, data, self.now, number)
        self.state = replace(self.state, next_number=state.next_number + 1)
        event = envelope.for_outbox(state.setup.topics, made, self.now, call_id=call_id)
        self.deliver(delivery.enqueue(self.state.delivery, event, self.now))
        self.log("info", "event_made", type=event_type.value, event_id=made.id, call_id=call_id, sensor=subject)

    def publish(self, leaf_or_topic: str, payload: str, *, path: str | None = None, **options: Any) -> None:
        """Publish something that goes past the outbox, on the active path (or on `path`); nothing if it is not up."""
        name = path or self.state.delivery.active
        if name is None or not self.state.delivery.paths[name].is_up:
            return
        topic = leaf_or_topic if "/" in leaf_or_topic else self.state.setup.topics.up(leaf_or_topic)
        message = Publish(name, 0, topic, payload.encode(), **options)
        self.deliver(delivery.publish_now(self.state.delivery, message, self.now))

    # ------------------------------------------------------------ calls

    def carry_out(self, step: calls.Step) -> None:
        """Take over the calls after a step, and tell the centre and the disk what it says."""
        after, outcomes = step
        if after is not self.state.calls:
            self.state = replace(self.state, calls=after)
        for outcome in outcomes:
            match outcome:
                case calls.Announce(event_type, call):
                    self.announce(event_type, call.origin.sensor, self._call_data(call), call.call_id)
                case calls.Keep(call):
                    note = call_notes.to_note(call, self.now, self.state.setup.machine_boot)
                    self.effects.append(SaveNote(call_notes.key_of(call.call_id), note))
                case calls.Forget(call_id):
                    self.effects.append(DropNote(call_notes.key_of(call_id)))
                case calls.Storm(sensor):
                    self.open_fault(Fault.CONTACT_STUCK, sensor, "it pulls faster than a hand can: replace the switch")

    def _call_data(self, call: Call) -> CallData:
        pre_alarm = None
        if call.origin.kind == "automatic":
            cancelled = call.phase.value == "cancelled"
            pre_alarm = PreAlarmBody(seconds=self.state.calls.pre_alarm_s, cancelled=cancelled)
        origin = call.origin
        return CallData(
            **self.stamp(),
            call_id=call.call_id,
            trigger=Trigger(kind=origin.kind, type=origin.type, sensor=origin.sensor, room=origin.room),
            repeat=call.repeat,
            test=call.test,
            assessment=None if call.judged is None else assessment_body(call.judged),
            pre_alarm=pre_alarm,
            escalation=call.escalation,
            joined=call.joined,
            outcome=call.outcome,
        )

    # ------------------------------------------------------------ delivery

    def deliver(self, step: Step) -> None:
        """Take over the uplink after a step, and carry out what it says."""
        after, said = step
        if after is not self.state.delivery:
            self.state = replace(self.state, delivery=after)
        for outcome in said:
            match outcome:
                case outcomes.Refusal(path, detail):
                    self.open_fault(Fault.UPLINK_REFUSED, path, detail)
                case outcomes.Welcome(path):
                    self.close_fault(Fault.UPLINK_REFUSED, path)
                case outcomes.Silent(path, detail):
                    self.log("warning", "path_silent", path=path, detail=detail)
                case outcomes.Answers(path):
                    self.log("info", "path_answers", path=path)
                    self.close_fault(Fault.UPLINK_LOST, path)
                case outcomes.Taken(event_id):
                    entry = after.calls.entries.get(event_id)
                    self.events_safe([entry.event.call_id] if entry else [])
                case outcomes.Done(event):
                    if event.call_id is not None:
                        self.carry_out(calls.event_received(self.state.calls, event.call_id, self.now.mono))
                case _:
                    self.effects.append(outcome)

    def events_safe(self, call_ids: Iterable[str | None]) -> None:
        """Events of these calls are stored or have a PUBACK."""
        for call_id in call_ids:
            if call_id is not None:
                self.carry_out(calls.event_safe(self.state.calls, call_id))

    # ------------------------------------------------------------ faults

    def open_fault(self, fault: Fault, subject: str | None, detail: str) -> None:
        """Report a fault, once."""
        faults, opened = health.raise_fault(self.state.faults, fault, subject, detail, self.now)
        if opened is not None:
            self.state = replace(self.state, faults=faults)
            self.log("warning", "fault_opened", fault=fault.value, subject=subject, detail=detail)
            self._announce_fault(EventType.TECH_FAULT, opened)

    def close_fault(self, fault: Fault, subject: str | None, *, evicted: EvictedRange | None = None) -> None:
        """Report the end of a fault, if it was open."""
        faults, closed = health.clear_fault(self.state.faults, fault, subject)
        if closed is not None:
            self.state = replace(self.state, faults=faults)
            self.log("info", "fault_closed", fault=fault.value, subject=subject)
            self._announce_fault(EventType.TECH_RESTORED, closed, evicted)

    def change_fault(self, before: Fault | None, after: Fault | None, subject: str, detail: str) -> None:
        """Report what a sensor's change of phase means: one fault ends, another begins, both or neither."""
        if before is not None:
            self.close_fault(before, subject)
        if after is not None:
            self.open_fault(after, subject, detail)

    def _announce_fault(
        self, event_type: EventType, known: health.OpenFault, evicted: EvictedRange | None = None
    ) -> None:
        data = FaultData(
            **self.stamp(),
            fault=known.fault,
            sensor=known.subject,
            since=envelope.rfc3339(known.since),
            detail=known.detail,
            evicted=evicted,
        )
        self.announce(event_type, known.subject, data)


def assessment_body(assessment: Assessment) -> AssessmentBody:
    """Return an assessment as the contract has it."""
    return AssessmentBody(
        verdict=assessment.verdict,
        score=assessment.score,
        threshold=assessment.threshold,
        model=assessment.model,
        model_sha256=assessment.model_sha256,
        reasons=tuple(reason.en for reason in assessment.reasons),
        reasons_da=tuple(reason.da for reason in assessment.reasons),
        evidence=dict(assessment.evidence),
        advice=assessment.advice,
    )
