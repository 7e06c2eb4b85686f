"""A power cut, a crash and a clean stop are told apart at the next start."""

from __future__ import annotations

import pytest

from agent import unclean_end
from agent.readings import Restored
from tests.home_bench import HomeBench


@pytest.mark.parametrize(
    ("machine_boot", "fault"), [("machine-boot-1", "watchdog.restart"), ("machine-boot-2", "power.restart")]
)
def test_an_unclean_end_is_told_and_ends_after_a_minute(machine_boot: str, fault: str) -> None:
    home = HomeBench()
    home.machine_boot = machine_boot
    home.crash()
    home.levels()
    assert home.faults("tech.fault", None) == [fault]
    home.advance(61.0)
    assert home.faults("tech.restored", None) == [fault]


@pytest.mark.parametrize("fault", ["watchdog.restart", "power.restart"])
def test_an_unclean_end_is_told_also_when_the_disk_answers_late(fault: str) -> None:
    home = HomeBench()
    machine_boot = home.machine_boot if fault == "watchdog.restart" else "the-boot-before"
    home.step(Restored(1_000_000, notes={unclean_end.NOTE: machine_boot}))
    assert home.faults("tech.fault", None) == [fault]
    assert home.disk.notes[unclean_end.NOTE] == home.machine_boot, "this boot's own note stays"
    home.advance(61.0)
    assert home.faults("tech.restored", None) == [fault]


def test_a_clean_stop_leaves_nothing_to_tell() -> None:
    home = HomeBench()
    del home.disk.notes["running"]
    home.crash()
    assert not home.faults("tech.fault", None)


def test_the_first_start_ever_is_clean() -> None:
    assert not HomeBench().faults("tech.fault", None)
