"""What is said of names, brokers, the centre and certificates."""

from __future__ import annotations

import pytest

from agent.config import BrokerPath
from agent.doctor import broker, certificates, names
from agent.doctor.broker_visit import Stage, Visit
from agent.doctor.der import Certificate
from agent.doctor.finding import Verdict
from tests.unit.doctor.cases import only

DAY = 86_400.0
WALL = 1_780_000_000.0
PATH = BrokerPath(name="primary", host="127.0.0.1", port=1883)


def test_names() -> None:
    assert only(names.judge("broker.example", ["192.0.2.1", "192.0.2.2"])).verdict is Verdict.OK
    assert only(names.judge("broker.example", [])).verdict is Verdict.FAIL
    assert only(names.examine("192.0.2.1")).verdict is Verdict.SKIPPED
    assert only(names.examine("localhost")).verdict is Verdict.OK
    assert only(names.examine("no.such.host.invalid")).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("visit", "verdicts"),
    [
        (Visit(Stage.DONE), (Verdict.OK, Verdict.OK)),
        (Visit(Stage.RECEIPT, code=0), (Verdict.OK, Verdict.FAIL)),
        (Visit(Stage.RECEIPT, code=broker.NO_SUBSCRIBER), (Verdict.OK, Verdict.FAIL)),
        (Visit(Stage.SENDING, code=0x87, refused=True), (Verdict.OK, Verdict.FAIL)),
        (Visit(Stage.SENDING), (Verdict.OK, Verdict.FAIL)),
        *(
            (Visit(stage, "why"), (Verdict.FAIL, Verdict.SKIPPED))
            for stage in (Stage.FILES, Stage.NAME, Stage.TCP, Stage.TLS, Stage.LOGIN)
        ),
    ],
)
def test_what_a_visit_means(visit: Visit, verdicts: tuple[Verdict, Verdict]) -> None:
    found = broker.judge(PATH, visit, None, None, "aabenraa")
    assert tuple(one.verdict for one in found) == verdicts


def test_each_stage_tells_something_else() -> None:
    stages = set(Stage) - {Stage.DONE}
    told = {
        (f.found, f.next_step) for s in stages for f in broker.judge(PATH, Visit(s), None, None, "t") if f.next_step
    }
    assert len(told) == len(stages)


def test_a_login_that_only_the_doctor_is_refused_is_a_warning() -> None:
    refused = Visit(Stage.LOGIN, "client id", refused=True, code=0x85)
    assert broker.judge(PATH, refused, {"up": True}, None, "t")[0].verdict is Verdict.WARN
    assert broker.judge(PATH, refused, {"up": False}, None, "t")[0].verdict is Verdict.FAIL
    assert broker.judge(PATH, Visit(Stage.TCP, "gone"), {"up": True}, None, "t")[0].verdict is Verdict.FAIL


def test_a_centre_that_answered_the_unit_just_now_is_a_warning() -> None:
    silent = Visit(Stage.RECEIPT, code=0)
    assert broker.judge(PATH, silent, {"up": True}, 20.0, "t")[1].verdict is Verdict.WARN
    assert broker.judge(PATH, silent, {"up": True}, 400.0, "t")[1].verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("days", "verdict", "words"),
    [
        (31.0, Verdict.OK, "31 more days"),
        (30.0, Verdict.OK, "30 more days"),
        (29.9, Verdict.WARN, "in 29 days"),
        (0.5, Verdict.WARN, "in 0 days"),
        (-0.5, Verdict.FAIL, "expired 1 days ago"),
    ],
)
def test_days_left_on_a_certificate(days: float, verdict: Verdict, words: str) -> None:
    certificate = Certificate("u-test0001", WALL - DAY, WALL + days * DAY)
    for owner in ("u-test0001", None):
        found = certificates.judge("unit.crt", certificate, owner, WALL)
        assert (found.verdict, words in found.found.en) == (verdict, True), found


def test_a_certificate_of_another_unit_or_of_tomorrow() -> None:
    other = certificates.judge("f", Certificate("u-other001", WALL - 1, WALL + 99 * DAY), "u-test0001", WALL)
    assert (other.verdict, "u-other001" in other.found.en) == (Verdict.FAIL, True)
    early = certificates.judge("f", Certificate("u-test0001", WALL + DAY, WALL + 99 * DAY), "u-test0001", WALL)
    assert (early.verdict, "is valid only in" in early.found.en) == (Verdict.FAIL, True)
