"""An unfinished or open call as a note on disk, and back after a restart.

Rules of this file: ages are kept, not moments, because monotonic time begins anew with the machine. The time that the
unit was off is not counted: a call is then younger than it really is, which errs towards hearing the citizen again.
A note that can't be read is never a reason not to start: it comes back as None and is reported.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from agent.assessment import Advice, Assessment, Verdict
from agent.call_table import Call, Origin, Phase
from agent.config import Room

PREFIX = "call:"


def key_of(call_id: str) -> str:
    """Return the note's key."""
    return PREFIX + call_id


def to_note(call: Call, now: float) -> str:
    """Return the call as JSON, its moments as ages at `now` (monotonic seconds)."""
    body: dict[str, Any] = {
        "call_id": call.call_id,
        "phase": call.phase,
        "origin": [call.origin.kind, call.origin.type, call.origin.sensor, call.origin.room],
        "age": now - call.first_at,
        "repeat": call.repeat,
        "test": call.test,
        "contact_pulled": call.contact_pulled,
        "joined": call.joined,
        "escalation": call.escalation,
        "escalate_in": None if call.escalate_at is None else call.escalate_at - now,
        "accepted_age": None if call.accepted_at is None else now - call.accepted_at,
        "assessment": _assessment_to_json(call.assessment),
    }
    return json.dumps(body)


def from_note(body: str, now: float) -> Call | None:
    """Return the call as it stands at `now`, or None if the note can't be read."""
    try:
        raw = json.loads(body)
        kind, trigger_type, sensor, room = raw["origin"]
        call = Call(
            call_id=raw["call_id"],
            phase=Phase(raw["phase"]),
            origin=Origin(kind, trigger_type, sensor, Room(room)),
            first_at=now - raw["age"],
            repeat=raw["repeat"],
            test=raw["test"],
            contact_pulled=raw["contact_pulled"],
            joined=raw["joined"],
            kept=True,
            escalation=raw["escalation"],
            escalate_at=None if raw["escalate_in"] is None else now + max(0.0, raw["escalate_in"]),
            accepted_at=None if raw["accepted_age"] is None else now - raw["accepted_age"],
            assessment=_assessment_from_json(raw["assessment"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
    return replace(call, raised_at=now, safe=True) if call.is_open else call


def _assessment_to_json(assessment: Assessment | None) -> dict[str, Any] | None:
    if assessment is None:
        return None
    return {
        "verdict": assessment.verdict,
        "reasons": list(assessment.reasons),
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
        reasons=tuple(raw["reasons"]),
        score=raw["score"],
        threshold=raw["threshold"],
        model=raw["model"],
        model_sha256=raw["model_sha256"],
        evidence=raw["evidence"],
        advice=Advice(raw["advice"]),
    )
