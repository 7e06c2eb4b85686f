"""An unfinished or open call as a note on disk, and back after a restart.

Rules of this file: a note bears the moment at which it was written. Monotonic time goes on through a restart of the
process, but not of the machine; then the wall clock tells how long the unit was off, if it can be trusted on both
sides. Otherwise that time is not counted: a call is then younger than it really is, which errs towards hearing the
citizen. A note that can't be read is never a reason not to start: it comes back as None and is reported.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from agent.assessment import Advice, Assessment, Verdict
from agent.call_table import Call, Origin, Phase
from agent.clock import Now
from agent.config import Room
from agent.texts import Text

PREFIX = "call:"


def key_of(call_id: str) -> str:
    """Return the note's key."""
    return PREFIX + call_id


def to_note(call: Call, now: Now, machine_boot: str) -> str:
    """Return the call as JSON; `machine_boot` names the boot of the machine, within which monotonic time goes on."""
    body: dict[str, Any] = {
        "written": {"machine_boot": machine_boot, "mono": now.mono, "wall": now.wall, "synced": now.synced},
        "call_id": call.call_id,
        "phase": call.phase,
        "origin": [call.origin.kind, call.origin.type, call.origin.sensor, call.origin.room],
        "age": now.mono - call.first_at,
        "repeat": call.repeat,
        "test": call.test,
        "contact_pulled": call.contact_pulled,
        "joined": call.joined,
        "escalation": call.escalation,
        "escalate_in": None if call.escalate_at is None else call.escalate_at - now.mono,
        "accepted_age": None if call.accepted_at is None else now.mono - call.accepted_at,
        "assessment": _assessment_to_json(call.judged),
    }
    return json.dumps(body)


def from_note(body: str, now: Now, machine_boot: str) -> Call | None:
    """Return the call as it stands at `now`, or None if the note can't be read."""
    try:
        raw = json.loads(body)
        then = now.mono - _elapsed(raw["written"], now, machine_boot)
        kind, trigger_type, sensor, room = raw["origin"]
        call = Call(
            call_id=raw["call_id"],
            phase=Phase(raw["phase"]),
            origin=Origin(kind, trigger_type, sensor, Room(room)),
            first_at=then - raw["age"],
            repeat=raw["repeat"],
            test=raw["test"],
            contact_pulled=raw["contact_pulled"],
            joined=raw["joined"],
            kept=True,
            escalation=raw["escalation"],
            escalate_at=None if raw["escalate_in"] is None else then + raw["escalate_in"],
            accepted_at=None if raw["accepted_age"] is None else then - raw["accepted_age"],
            assessment=_assessment_from_json(raw["assessment"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
    return replace(call, raised_at=now.mono, safe=True) if call.is_open else call


def _elapsed(written: dict[str, Any], now: Now, machine_boot: str) -> float:
    """Return the seconds since the note was written, as far as they can be known."""
    if machine_boot and written["machine_boot"] == machine_boot:
        return max(0.0, now.mono - float(written["mono"]))
    if written["synced"] and now.synced:
        return max(0.0, now.wall - float(written["wall"]))
    return 0.0


def _assessment_to_json(assessment: Assessment | None) -> dict[str, Any] | None:
    if assessment is None:
        return None
    return {
        "verdict": assessment.verdict,
        "reasons": [[reason.da, reason.en] for reason in assessment.reasons],
        "score": assessment.score,
        "threshold": assessment.threshold,
        "model": assessment.model,
        "model_sha256": assessment.model_sha256,
        "evidence": dict(assessment.evidence),
        "advice": assessment.advice,
    }


def _assessment_from_json(raw: dict[str, Any] | None) -> Assessment | None:
    if raw is None:
        return None
    return Assessment(
        verdict=Verdict(raw["verdict"]),
        reasons=tuple(_reason_from_json(reason) for reason in raw["reasons"]),
        score=raw["score"],
        threshold=raw["threshold"],
        model=raw["model"],
        model_sha256=raw["model_sha256"],
        evidence=raw["evidence"],
        advice=Advice(raw["advice"]),
    )


def _reason_from_json(raw: Any) -> Text:
    if isinstance(raw, str):  # an earlier version kept them in English alone
        return Text(raw, raw)
    danish, english = raw
    return Text(str(danish), str(english))
