"""Every check's judgement, for each verdict that it has; and what a technician is told to do."""

from __future__ import annotations

import errno
import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.clock import Now
from agent.config import BrokerPath
from agent.config_files import load_profile
from agent.doctor import (
    broker,
    certificates,
    clock,
    configuration,
    contacts,
    disk,
    model,
    names,
    outbox,
    power,
    process,
    serial_ports,
    temperature,
    watchdog,
)
from agent.doctor.broker_visit import Stage, Visit
from agent.doctor.der import Certificate
from agent.doctor.finding import Finding, Verdict, worst
from agent.doctor.gpio_lines import Line
from agent.doctor.watchdog import Watchdog
from agent.errors import ConfigError
from agent.status.client import Closed, Seen
from agent.texts import Text
from tests.home_bench import HomeBench
from tests.unit.status.seen import said

DAY = 86_400.0
WALL = 1_780_000_000.0
PROFILE = load_profile("simulated-home")
CORD, BUTTON = PROFILE.contacts["bathroom-cord"], PROFILE.contacts["bedroom-button"]
WEARABLE = PROFILE.wearables["wearable"]
PATH = BrokerPath(name="primary", host="127.0.0.1", port=1883)


def only(findings: list[Finding]) -> Finding:
    [finding] = findings
    return finding


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


# ---------------------------------------------------------------- files and process


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


# ---------------------------------------------------------------- sensors


@pytest.mark.parametrize(
    ("contact", "high", "verdict"),
    [
        (CORD, False, Verdict.OK),  # normally closed against ground
        (CORD, True, Verdict.WARN),
        (BUTTON, True, Verdict.OK),
        (BUTTON, False, Verdict.WARN),
        (BUTTON.model_copy(update={"bias": "down"}), True, Verdict.WARN),
    ],
)
def test_the_level_of_a_free_pin(contact: Any, *, high: bool, verdict: Verdict) -> None:
    assert contacts.judge_line("c", contact, Line(high=high)).verdict is verdict


def test_a_pin_that_is_held_or_broken() -> None:
    held = contacts.judge_line("c", CORD, Line(held_by="gpiomon"))
    assert (held.verdict, "gpiomon" in held.found.en) == (Verdict.FAIL, True)
    assert contacts.judge_line("c", CORD, Line(error="I/O error")).detail == "I/O error"
    assert contacts.judge_output("light", 24, Line()).verdict is Verdict.OK
    assert contacts.judge_output("light", 24, Line(held_by="x")).verdict is Verdict.FAIL
    assert contacts.judge_output("light", 99, Line(error="no such line")).verdict is Verdict.FAIL


def test_a_machine_without_gpio_and_a_user_without_the_right() -> None:
    assert contacts.no_chip(OSError(errno.ENOENT, "none")).verdict is Verdict.FAIL
    assert contacts.no_chip(OSError(errno.EACCES, "no")).verdict is Verdict.WARN


def test_what_the_unit_says_about_contacts() -> None:
    bench = HomeBench()
    picture = said(bench)["picture"]["sensors"]
    rest = picture["bathroom-cord"]
    assert contacts.judge_told("c", CORD, (rest, {})).verdict is Verdict.OK
    assert contacts.judge_told("c", CORD, ({**rest, "active": True}, {})).verdict is Verdict.WARN
    silent = contacts.judge_told("c", CORD, ({**rest, "link": "silent"}, {"detail": "pin lost"}))
    assert (silent.verdict, silent.detail) == (Verdict.FAIL, "pin lost")
    assert contacts.judge_told("c", CORD, None).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("samples", "good", "garbage", "port", "verdict", "words"),
    [
        (150, 450, 9, "/dev/serial/by-id/usb-x", Verdict.OK, "100 samples"),
        (150, 450, 0, "/dev/ttyUSB0", Verdict.WARN, "may change"),
        (300, 900, 0, "/dev/serial0", Verdict.WARN, "200 samples a second instead of 100"),
        (0, 0, 4000, "/dev/serial0", Verdict.FAIL, "4000 bytes"),
        (0, 300, 0, "/dev/serial0", Verdict.FAIL, "not WT901"),
        (0, 0, 0, "/dev/serial0", Verdict.FAIL, "nothing comes"),
    ],
)
def test_what_was_heard_on_a_port(
    samples: int, good: int, garbage: int, port: str, verdict: Verdict, words: str
) -> None:
    heard = serial_ports.Heard(1.5, samples, good, garbage)
    found = serial_ports.judge_heard("wearable", WEARABLE, port, heard)
    assert (found.verdict, words in found.found.en) == (verdict, True), found


@pytest.mark.parametrize(
    ("link", "detail", "up", "verdict", "words"),
    [
        ("alive", "", True, Verdict.OK, "hears it"),
        ("starting", "", False, Verdict.WARN, "not heard it yet"),
        ("starting", "no such device", False, Verdict.FAIL, "does not hear it"),
        ("silent", "", True, Verdict.FAIL, "does not hear it"),
        ("silent", "unplugged", False, Verdict.FAIL, "does not hear it"),
        ("garbled", "", True, Verdict.FAIL, "7 bytes come that are not WT901"),
        ("garbled", "unplugged", False, Verdict.FAIL, "does not hear it"),
    ],
)
def test_what_the_unit_says_about_a_port(link: str, detail: str, *, up: bool, verdict: Verdict, words: str) -> None:
    told = ({"link": link}, {"detail": detail, "up": up, "garbage_bytes": 7})
    found = serial_ports.judge_told("wearable", "/dev/serial0", told)
    assert (found.verdict, words in found.found.en) == (verdict, True), found


# ---------------------------------------------------------------- model, outbox, disk


def test_model() -> None:
    assert model.judge("m/1", 0.01, 2.0).verdict is Verdict.OK
    assert model.judge("m/1", 2.5, 2.0).verdict is Verdict.FAIL
    assert model.broken("m", "wrong hash").verdict is Verdict.FAIL
    assert only(model.examine({})).verdict is Verdict.SKIPPED


CONTENTS = outbox.Contents(version=1, answer="ok", calls=0, technical=3, size_bytes=9000)


@pytest.mark.parametrize(
    ("contents", "running", "verdict", "words"),
    [
        (CONTENTS, False, Verdict.OK, "whole"),
        (replace(CONTENTS, calls=2), True, Verdict.OK, "2 about calls"),
        (replace(CONTENTS, calls=2), False, Verdict.WARN, "wait: 2"),
        (replace(CONTENTS, answer=""), False, Verdict.WARN, "too large"),
        (replace(CONTENTS, version=2), False, Verdict.FAIL, "newer"),
        (replace(CONTENTS, answer="page 3 is odd"), True, Verdict.FAIL, "damaged"),
    ],
)
def test_outbox(contents: outbox.Contents, *, running: bool, verdict: Verdict, words: str) -> None:
    found = outbox.judge(Path("/x/outbox.db"), contents, 1, running=running)
    assert (found.verdict, words in found.found.en) == (verdict, True), found


def test_an_outbox_that_can_not_be_read() -> None:
    error = sqlite3.DatabaseError("file is not a database")
    error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    damaged = outbox.unreadable(Path("/x/outbox.db"), error)
    assert damaged.next_step is not None
    assert "/x/outbox.db" in damaged.next_step.en
    assert outbox.unreadable(Path("/x"), OSError(errno.EIO, "I/O error")).found.en == "can't be read"


def test_what_the_unit_says_about_storage_and_waiting_calls() -> None:
    bench = HomeBench()
    bench.acks = False
    assert outbox.judge_told(said(bench)) == []
    bench.pull("bathroom-cord")
    bench.advance(30)
    assert outbox.judge_told(said(bench)) == []
    bench.advance(35)
    assert "has waited for the centre for 1 min" in only(outbox.judge_told(said(bench))).found.en
    told = said(HomeBench())
    told["picture"]["queue"]["storage"] = "disk full"
    assert only(outbox.judge_told(told)).detail == "disk full"


@pytest.mark.parametrize(
    ("space", "verdict"),
    [
        (disk.Space(900_000_000, 10_000, read_only=False), Verdict.OK),
        (disk.Space(900_000_000, None, read_only=False), Verdict.OK),
        (disk.Space(199_000_000, 10_000, read_only=False), Verdict.WARN),
        (disk.Space(19_000_000, 10_000, read_only=False), Verdict.FAIL),
        (disk.Space(900_000_000, 499, read_only=False), Verdict.WARN),
        (disk.Space(900_000_000, 49, read_only=False), Verdict.FAIL),
        (disk.Space(900_000_000, 10_000, read_only=True), Verdict.FAIL),
    ],
)
def test_disk(space: disk.Space, verdict: Verdict) -> None:
    assert disk.judge(space).verdict is verdict


@pytest.mark.parametrize(
    ("health", "verdict"),
    [
        (disk.Health(), Verdict.SKIPPED),
        (disk.Health(errors=0), Verdict.OK),
        (disk.Health(errors=1), Verdict.FAIL),
        (disk.Health(errors=0, life_step=9, pre_eol=1), Verdict.OK),
        (disk.Health(errors=0, life_step=0x0A), Verdict.WARN),
        (disk.Health(life_step=0x0B), Verdict.FAIL),
        (disk.Health(pre_eol=2), Verdict.WARN),
        (disk.Health(pre_eol=3), Verdict.FAIL),
    ],
)
def test_health_of_the_card(health: disk.Health, verdict: Verdict) -> None:
    assert disk.judge_health(health).verdict is verdict


# ---------------------------------------------------------------- network


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


# ---------------------------------------------------------------- the machine


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (Now(1, WALL, synced=True), Verdict.OK),
        (Now(1, WALL, synced=False), Verdict.WARN),
        (Now(1, 0.0, synced=False), Verdict.FAIL),
        (Now(1, 1e30, synced=False), Verdict.FAIL),
    ],
)
def test_clock(now: Now, verdict: Verdict) -> None:
    assert only(clock.judge(now)).verdict is verdict


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [(None, Verdict.SKIPPED), (0, Verdict.OK), (0x50005, Verdict.FAIL), (0x10000, Verdict.WARN), (0x4, Verdict.WARN)]
    + [(1 << bit, Verdict.WARN) for bit in (1, 2, 3, 17, 18, 19)],
)
def test_power(flags: int | None, verdict: Verdict) -> None:
    assert only(power.judge(flags)).verdict is verdict


@pytest.mark.parametrize(
    ("found", "simulated", "verdict"),
    [
        (Watchdog("bcm", armed=True), False, Verdict.OK),
        (Watchdog("bcm", armed=False), False, Verdict.WARN),
        (None, False, Verdict.WARN),
        (None, True, Verdict.SKIPPED),
        (Watchdog("bcm", armed=False), True, Verdict.SKIPPED),
    ],
)
def test_watchdog(found: Watchdog | None, *, simulated: bool, verdict: Verdict) -> None:
    assert only(watchdog.judge(found, simulated=simulated)).verdict is verdict


@pytest.mark.parametrize(
    ("degrees", "verdict"),
    [(None, Verdict.SKIPPED), (69.9, Verdict.OK), (70.0, Verdict.WARN), (80.0, Verdict.FAIL)],
)
def test_temperature(degrees: float | None, verdict: Verdict) -> None:
    assert only(temperature.judge(degrees)).verdict is verdict


def test_a_finding_as_json_can_be_read_by_a_machine() -> None:
    found = json.loads(json.dumps(only(clock.judge(Now(1, 0.0, synced=False))).as_json()))
    assert found["verdict"] == "fail"
    assert set(found) == {"check", "subject", "verdict", "found", "next_step", "detail"}
    assert set(found["next_step"]) == {"da", "en"}
