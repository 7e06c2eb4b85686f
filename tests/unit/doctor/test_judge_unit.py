"""What is said of the unit's files and of its process."""

from __future__ import annotations

import pytest

from agent.doctor import configuration, process
from agent.doctor.finding import Verdict
from agent.errors import ConfigError
from agent.status.client import Closed, Seen
from tests.home_bench import HomeBench
from tests.unit.doctor.cases import only
from tests.unit.status.seen import said


def test_configuration() -> None:
    assert only(configuration.judge("p", [])).verdict is Verdict.OK
    found = configuration.unreadable(ConfigError(["unit.toml: port: wrong", "unit.toml: host: missing"]))
    assert [(one.verdict, one.detail) for one in found] == [
        (Verdict.FAIL, "unit.toml: port: wrong"),
        (Verdict.FAIL, "unit.toml: host: missing"),
    ]


@pytest.mark.parametrize(
    ("closed", "held", "verdict", "step"),
    [
        (Closed.NOT_RUNNING, False, Verdict.FAIL, "systemctl start"),
        (Closed.NOT_RUNNING, True, Verdict.WARN, "systemctl restart"),
        (Closed.FORBIDDEN, True, Verdict.WARN, "adduser"),
        (Closed.NO_ANSWER, True, Verdict.FAIL, "journalctl"),
        (Closed.OTHER_VERSION, True, Verdict.WARN, "Restart"),
    ],
)
def test_a_unit_that_can_not_be_seen(closed: Closed, *, held: bool, verdict: Verdict, step: str) -> None:
    found = only(process.judge(Seen(None, closed), held=held, simulated_by=None))
    assert found.verdict is verdict
    assert found.next_step is not None
    assert step in found.next_step.en


def test_a_running_unit_and_its_open_faults() -> None:
    bench = HomeBench()
    assert only(process.judge(Seen(said(bench)), held=True, simulated_by=None)).verdict is Verdict.OK
    bench.advance(15)
    found = process.judge(Seen(said(bench)), held=True, simulated_by=None)
    assert {(one.verdict, one.subject) for one in found} == {
        (Verdict.WARN, name) for name in ("bathroom-cord", "bedroom-button", "reset-button", "wearable")
    }
