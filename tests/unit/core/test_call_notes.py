from __future__ import annotations

import json

from agent import call_notes
from agent.assessment import Assessment, Verdict
from agent.call_table import Call, Origin, Phase
from agent.clock import Now
from agent.config import Room
from agent.texts import Text

NOW = Now(100.0, 0.0)
REASONS = (Text("stød 4,8 g", "impact 4.8 g"), Text("ligger stille 2 s", "lying still 2 s"))
CALL = Call(
    "c1",
    Phase.RECEIVED,
    Origin("automatic", "fall", "wearable", Room.ON_PERSON),
    first_at=90.0,
    assessment=Assessment(Verdict.CONFIRMED, REASONS, 0.9, 0.6, evidence={"peak_g": 4.83}),
)


def test_reasons_come_back_in_both_languages() -> None:
    found = call_notes.from_note(call_notes.to_note(CALL, NOW, "m"), NOW, "m")
    assert found is not None
    assert found.assessment == CALL.assessment


def test_the_note_of_an_earlier_version_is_read() -> None:
    note = json.loads(call_notes.to_note(CALL, NOW, "m"))
    note["assessment"]["reasons"] = ["impact 4.8 g"]
    found = call_notes.from_note(json.dumps(note), NOW, "m")
    assert found is not None
    assert found.assessment is not None
    assert found.assessment.reasons == (Text("impact 4.8 g", "impact 4.8 g"),)
