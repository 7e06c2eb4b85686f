"""The package on a virtual Pi: installed, provisioned, heard at the centre, and cut off its power.

What CI runs of the bench. One home for all tests of this file, in their order, from an empty disk on.
"""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from agent.doctor import broker, contacts, model, private_key, serial_ports
from agent.effects import Light
from agent.events import CallData
from tests.trials.ledger import Ledger
from tests.vm.hands import CORD
from tests.vm.house import SERVICE, VirtualHouse
from tests.vm.package import just_installed
from tests.vm.power_cut import one_cut
from tests.vm.rounds import Round
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(900)

CUTS = 3
SYNCHRONISED = """
import ctypes, struct
MAXERROR, ESTERROR, STATUS = 4, 8, 16  # linux/timex.h
timex = ctypes.create_string_buffer(struct.pack("@IlllLi", MAXERROR | ESTERROR | STATUS, 0, 0, 1000, 1000, 0), 400)
raise SystemExit(ctypes.CDLL(None).adjtimex(timex) < 0)
"""
"""What a time daemon tells the kernel once it has reached a server."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualHouse]:
    try:
        unit, machine = just_installed(tmp_path_factory.mktemp("unit"))
    except SystemExit as refused:
        if refused.code == 3:
            pytest.skip("no virtual Pi on this machine: it takes root on Debian 12; stderr says what is missing")
        raise
    with VirtualHouse(unit, tmp_path_factory.mktemp("house"), two_paths=True, running=machine) as home:
        yield home


def test_what_was_installed_runs(house: VirtualHouse) -> None:
    assert house.machine.must(f"systemctl is-active {SERVICE}").strip() == "active"
    assert house.machine.must("systemctl --failed --no-legend") == ""
    assert house.machine.must("dpkg --verify nodkald-agent") == ""
    assert not house.centre.of("call.raised"), "nobody pulled"
    assert "nodkald-tls-key" in house.machine.must("ls /etc/credstore.encrypted")
    assert house.machine.must("grep -rl PRIVATE /etc/nodkald /var/lib/nodkald; true") == "", "no key lies in the clear"
    house.machine.must("python3 -IS -", stdin=SYNCHRONISED)


def test_a_cord_is_heard_and_the_light_says_how_far_it_is(house: VirtualHouse) -> None:
    ledger = Ledger()
    trial = Round(house, ledger, "cord")
    trial.pull(CORD)
    trial.wait_for_pulls()
    house.until_light(Light.RECEIVED, trial.began)
    house.hands.release(CORD)
    raised = trial.raised()[0].data
    assert isinstance(raised, CallData)
    assert (raised.trigger.sensor, raised.trigger.room) == ("bathroom-cord", "bathroom")
    house.centre.say("ack", {"call_id": raised.call_id, "ack": "accepted", "by": "operator-12"})
    house.until_light(Light.COMING, trial.began)
    trial.end()
    assert ledger.row("cord", "", "").clean


def in_time(status: dict[str, Any]) -> dict[str, Any] | None:
    """Return the status once the agent, which may not ask the kernel, has been told that the clock is right."""
    return status if status["picture"]["clock_synced"] else None


def test_a_technician_sees_that_all_is_well(house: VirtualHouse) -> None:
    code, said = house.machine.sh("nodkald doctor --json")
    findings = json.loads(said)
    failing = [entry for entry in findings["findings"] if entry["verdict"] == "fail"]
    assert failing == [], said
    assert code in (0, 1), said  # 1: there are warnings
    well = {entry["check"] for entry in findings["findings"] if entry["verdict"] == "ok"}
    assert {contacts.NAME, serial_ports.NAME, model.NAME, broker.NAME, broker.CENTRE, private_key.NAME} <= well, said
    status = eventually(lambda: in_time(json.loads(house.machine.must("nodkald status --json"))), within=60, every=1)
    assert status["picture"]["paths"]["primary"]["up"]
    assert "bathroom-cord" in house.machine.must("nodkald log -n 20")


def test_what_the_light_promised_survives_a_power_cut(house: VirtualHouse) -> None:
    ledger, rng = Ledger(), random.Random(1)
    for number in range(CUTS):
        one_cut(house, ledger, rng, f"cut {number + 1}", holds=number == CUTS - 1)
    assert ledger.row("power-cut", "", "").clean, ledger
    assert sum(pull.arrived_at is not None for pull in ledger.pulls) >= 1
