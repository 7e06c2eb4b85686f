"""The package on a virtual Pi in use: a fall through a real USB serial port, and an agent that is killed.

Part of `make vm-test`, and not of `make vm-fast`. One home for all tests of this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.assessment import Verdict
from agent.effects import Light
from agent.events import CallData
from agent.simulator.motions import fall_forward
from tests.trials.ledger import Ledger
from tests.vm.house import VirtualHouse
from tests.vm.killed import one_kill
from tests.vm.package import provisioned
from tests.vm.rounds import Round
from tests.vm.wearable import RATE_HZ
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualHouse]:
    with VirtualHouse(provisioned(), tmp_path_factory.mktemp("house"), two_paths=True) as home:
        yield home


def test_a_fall_is_heard_through_a_real_usb_serial_port(house: VirtualHouse) -> None:
    assert house.wearable is not None
    trial = Round(house, Ledger(), "fall")
    trial.falls = 1
    house.wearable.play(fall_forward(RATE_HZ, seed=1))
    eventually(trial.raised, within=60, every=0.1)
    data = trial.raised()[0].data
    assert isinstance(data, CallData)
    assert data.assessment is not None
    assert data.assessment.verdict is Verdict.CONFIRMED
    assert Light.PRE_ALARM in [light for _, light in house.light(trial.began)]
    trial.end()


def test_a_killed_agent_comes_back_and_hears(house: VirtualHouse) -> None:
    ledger = Ledger()
    one_kill(house, ledger, "killed", pulled_after_s=0.5)
    assert ledger.row("killed", "", "").clean, ledger
