"""The two trials of the serial port, a round each, and shorter: the unit forgets garbage after 3 s, not 60."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from agent.sensors.wt901 import FRAME_BYTES, Wt901Framer
from tests.broker.mosquitto import program
from tests.trials import other_devices, serial
from tests.trials.ledger import Ledger
from tests.trials.other_devices import BYTES_PER_S, GARBAGE, OTHERS

FORGETFUL = "import agent.supervision; agent.supervision.GARBAGE_WINDOW_S = 3.0"
QUICK = serial.Pace((2.0, 2.0), (0.0, 0.1), (0.1, 0.2), restored_within_s=20.0, homes=1, each=1, prelude=FORGETFUL)


def test_a_round_of_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program()
    monkeypatch.setattr(serial, "OTHERS", {"boot console": OTHERS["boot console"]})  # one that is told at once

    def one(trial: serial.PacedRun, work: Path) -> tuple[Ledger, str]:
        ledger = Ledger()
        return ledger, trial(ledger, 1, random.Random(1), work, QUICK)  # noqa: S311 - garbage is no secret

    with ThreadPoolExecutor() as both:  # a fall takes its time, so they take it together
        rounds = list(both.map(one, (serial.garbage, serial.other_device), (tmp_path / "1", tmp_path / "2")))
    for ledger, note in rounds:
        row = ledger.row("serial", "", "")
        assert row.clean, ledger.lies
        assert (row.times, row.pulls) == (1, 1)
        assert row.longest_s is not None
        assert "1 of 1 found" in note


@pytest.mark.parametrize("kind", [*GARBAGE, *OTHERS])
def test_what_is_on_the_line_makes_few_frames_or_none(kind: str) -> None:
    rng = random.Random(1)  # noqa: S311 - garbage is no secret
    through = {**GARBAGE, **OTHERS}[kind](rng)
    framer = Wt901Framer()
    line = b"".join(through(0.04, b"") for _ in range(250))
    framer.feed(line)
    assert len(line) <= 10 * BYTES_PER_S
    assert framer.good_frames <= 10
    if kind in OTHERS:
        assert len(line) > 10 * 25  # it speaks
        assert framer.garbage_bytes > len(line) - 3 * FRAME_BYTES


def test_the_sums_of_other_devices_are_right() -> None:
    assert other_devices._nmea("GPGLL,5300.97914,N,00259.98174,E,125926,A").endswith(b"*28\r\n")
    assert other_devices._modbus_crc(bytes.fromhex("01 04 02 FF FF")) == 0x80B8
