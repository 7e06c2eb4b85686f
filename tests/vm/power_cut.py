"""The trial `power-cut`: the plug is pulled at random moments around a pull of the cord.

Rules of this file: cut between 0 and 1.6 s after the pull; every third time the hand holds on to the cord until
the unit is there again. What was promised must come; what came before the cut must not come as another call. The path
exists again once the guest has its address and the unit is armed.
"""

from __future__ import annotations

import statistics
import threading
from typing import TYPE_CHECKING

from tests.trials.ledger import Ledger, Pull
from tests.vm.hands import CORD
from tests.vm.house import VirtualHouse
from tests.vm.package import provisioned
from tests.vm.rounds import Round

if TYPE_CHECKING:
    import random
    from pathlib import Path

CUT_WITHIN_S = 1.6


def run(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Cut the power `times` times."""
    promises: list[float] = []
    with VirtualHouse(provisioned(), work) as house:
        for number in range(times):
            pull = one_cut(house, ledger, rng, f"cut {number + 1}", holds=number % 3 == 2)
            if pull.promised_at is not None and pull.promised_at < (pull.cut_at or 0):
                promises.append(pull.promised_at - pull.at)
    took = f"{statistics.median(promises):.2f} s" if promises else "not seen"
    return f"cut 0 to {CUT_WITHIN_S} s after the pull; from pull to *sending*, median of those cut after it: {took}"


def one_cut(house: VirtualHouse, ledger: Ledger, rng: random.Random, name: str, *, holds: bool) -> Pull:
    """Pull, cut, and switch on again; return the pull."""
    trial = Round(house, ledger, name)
    pull = trial.pull(CORD)
    threading.Event().wait(rng.uniform(0, CUT_WITHIN_S))
    pull.cut_at = house.cut()
    pull.promised_at = house.promised(pull.at, pull.cut_at)
    before = len(trial.raised())
    house.switch_on()
    if holds:
        house.hands.pull(CORD)
    house.machine.wait_booted()
    ledger.armed_s.append(house.armed_after_s())
    if not before:
        pull.path_at = max(
            house.moment_of("nodkald-agent", '"event": "armed"'), house.moment_of("systemd-networkd", "DHCPv4 address")
        )
    house.until_settled()
    if pull.promised_at is not None or holds:
        trial.wait_for_pulls()
    house.hands.release(CORD)
    # Held, it is the same call if that one was stored, and else a call of its own.
    trial.end(calls_expected=2 if holds else 1)
    return pull
