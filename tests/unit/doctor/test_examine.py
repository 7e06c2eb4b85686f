"""Checks run side by side; one that hangs or breaks takes nobody with it."""

from __future__ import annotations

import threading
import time

from agent.doctor.examine import Check, examine
from agent.doctor.finding import Finding, Verdict
from agent.texts import Text

WELL = Text("godt", "well")


def well(name: str) -> list[Finding]:
    return [Finding(name, Verdict.OK, WELL)]


def test_a_check_that_hangs_is_left_behind_and_said_to_have_taken_too_long() -> None:
    never = threading.Event()

    def hang() -> list[Finding]:
        never.wait(30)
        return []

    began = time.monotonic()
    found = list(examine([Check("a", hang, "slow"), Check("b", lambda: well("b"))], deadline_s=0.1))
    assert time.monotonic() - began < 5.0
    never.set()
    assert [(one.check, one.subject, one.verdict) for one in found] == [
        ("a", "slow", Verdict.FAIL),
        ("b", "", Verdict.OK),
    ]
    assert found[0].found == Text("tog for lang tid: intet svar efter 0.1 s", "took too long: no answer after 0.1 s")


def test_a_check_that_breaks_is_told_and_the_others_go_on() -> None:
    def broken() -> list[Finding]:
        raise RuntimeError("oh")

    found = list(examine([Check("a", broken), Check("b", lambda: well("b"))]))
    assert [(one.verdict, one.detail) for one in found] == [(Verdict.FAIL, "RuntimeError: oh"), (Verdict.OK, "")]


def test_checks_run_at_the_same_time_and_are_told_in_their_order() -> None:
    meeting = threading.Barrier(2, timeout=5)

    def meet(name: str) -> list[Finding]:
        meeting.wait()
        return well(name)

    found = list(examine([Check("a", lambda: meet("a")), Check("b", lambda: meet("b"))]))
    assert [one.check for one in found] == ["a", "b"]
    assert all(one.verdict is Verdict.OK for one in found)
