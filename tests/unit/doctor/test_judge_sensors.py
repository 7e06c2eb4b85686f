"""What is said of pins and ports: seen by the kernel, heard by the doctor, told by the unit."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from agent.config_files import load_profile
from agent.doctor import contacts, serial_ports
from agent.doctor.finding import Verdict
from agent.doctor.gpio_lines import Line
from tests.home_bench import HomeBench
from tests.unit.status.seen import said

PROFILE = load_profile("simulated-home")
CORD, BUTTON = PROFILE.contacts["bathroom-cord"], PROFILE.contacts["bedroom-button"]
WEARABLE = PROFILE.wearables["wearable"]


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
    silent = contacts.judge_told("c", CORD, ({**rest, "link": "silent"}, {"up": True, "detail": ""}))
    assert (silent.verdict, silent.found.en) == (Verdict.FAIL, "can't be read")
    for link in ("starting", "silent"):
        lost = contacts.judge_told("c", CORD, ({**rest, "link": link}, {"up": False, "detail": "GPIO busy"}))
        assert (lost.verdict, lost.detail) == (Verdict.FAIL, "GPIO busy"), "told at once, not only after ten seconds"
        assert lost.found.en == "the unit can't get hold of the pin"
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


def test_a_sensor_that_nobody_wears_is_a_warning() -> None:
    told = ({"link": "alive", "worn": False}, {"detail": "", "up": True, "garbage_bytes": 0})
    found = serial_ports.judge_told("wearable", "/dev/serial0", told)
    assert (found.verdict, "nobody wears it" in found.found.en) == (Verdict.WARN, True), found
