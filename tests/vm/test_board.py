"""What only a board can show: a kernel that panics under the hardware watchdog, and a clock that begins anywhere.

Part of `make vm-test`, and not of `make vm-fast`: each test switches a virtual Pi on of its own.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from agent.effects import Light
from agent.events import CallData
from tests.trials.ledger import Ledger
from tests.vm.channel import ChannelError
from tests.vm.hands import CORD
from tests.vm.house import VirtualHouse
from tests.vm.package import provisioned
from tests.vm.rounds import Round
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)

RESET_WITHIN_S = 60.0
"""14 s of the watchdog, and what the emulator adds."""


def test_the_hardware_watchdog_brings_back_a_kernel_that_panicked(tmp_path: Path) -> None:
    with VirtualHouse(provisioned(), tmp_path) as house:
        house.machine.must(
            "install -D -m 644 /usr/share/nodkald/pi-watchdog.conf /etc/systemd/system.conf.d/nodkald.conf"
        )
        house.machine.must("modprobe i6300esb; sysctl -q kernel.panic=0; systemctl daemon-reexec")
        assert house.machine.must("systemctl show -P RuntimeWatchdogUSec").strip() == "14s"
        boot = house.machine.must("cat /proc/sys/kernel/random/boot_id")
        with contextlib.suppress(ChannelError):  # nobody answers any more
            house.machine.sh("sync; echo c > /proc/sysrq-trigger", timeout_s=3)
        house.hands.dark()
        eventually(lambda: _boot(house) not in ("", boot), within=RESET_WITHIN_S + 120, every=1)
        house.hands.connect()
        house.machine.wait_booted()
        house.until_ready()
        trial = Round(house, Ledger(), "after the panic")
        trial.pull(CORD)
        trial.wait_for_pulls()
        house.hands.release(CORD)
        trial.end()


@pytest.mark.parametrize("begins", ["1970-01-01T00:00:30", "2038-01-19T03:13:00"])
def test_a_call_arrives_whatever_the_clock_says_at_boot(tmp_path: Path, begins: str) -> None:
    house = VirtualHouse(provisioned(), tmp_path, wearable=False)
    house.machine.clock_begins = begins
    with house:
        trial = Round(house, Ledger(), begins)
        trial.pull(CORD)
        trial.wait_for_pulls()
        house.until_light(Light.RECEIVED, trial.began)
        house.hands.release(CORD)
        event = trial.raised()[0]
        assert isinstance(event.data, CallData)
        assert not event.data.clock_synced
        trial.end()


def _boot(house: VirtualHouse) -> str:
    try:
        return house.machine.sh("cat /proc/sys/kernel/random/boot_id", timeout_s=5)[1]
    except ChannelError:
        return ""
