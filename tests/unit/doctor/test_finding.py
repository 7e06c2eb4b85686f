"""What a finding must say, and how it is written for a machine."""

from __future__ import annotations

import json

import pytest

from agent.clock import Now
from agent.doctor import clock
from agent.doctor.finding import Finding, Verdict, worst
from agent.texts import Text
from tests.unit.doctor.cases import only


def test_a_finding_that_is_not_well_must_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="next step"):
        Finding("x", Verdict.FAIL, Text("a", "b"))
    with pytest.raises(ValueError, match="next step"):
        Finding("x", Verdict.OK, Text("a", "b"), "", Text("c", "d"))


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([], Verdict.OK),
        ([Verdict.OK, Verdict.SKIPPED], Verdict.OK),
        ([Verdict.OK, Verdict.WARN], Verdict.WARN),
        ([Verdict.FAIL, Verdict.WARN], Verdict.FAIL),
    ],
)
def test_the_gravest_verdict_counts(verdicts: list[Verdict], expected: Verdict) -> None:
    step = Text("a", "b")
    made = [Finding("x", v, step, "", step if v in (Verdict.WARN, Verdict.FAIL) else None) for v in verdicts]
    assert worst(made) is expected


def test_a_finding_as_json_can_be_read_by_a_machine() -> None:
    found = json.loads(json.dumps(only(clock.judge(Now(1, 0.0, synced=False))).as_json()))
    assert found["verdict"] == "fail"
    assert set(found) == {"check", "subject", "verdict", "found", "next_step", "detail"}
    assert set(found["next_step"]) == {"da", "en"}
