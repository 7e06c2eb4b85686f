"""The trial `usb-unplugged`: the wearable's USB adapter is pulled out at a random moment, and plugged in again.

Rules of this file: the cords must work meanwhile, and the wearable must be heard again after it. In every tenth round
somebody falls after the adapter is back, and that call must come too.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from agent.simulator.motions import fall_forward
from tests.vm.hands import CORD
from tests.vm.house import SERVICE, VirtualHouse
from tests.vm.package import provisioned
from tests.vm.rounds import Round
from tests.vm.wearable import RATE_HZ
from tests.waiting import eventually

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.trials.ledger import Ledger

AWAY_S = (0.5, 15.0)
HEARD_WITHIN_S = 60.0
FALLS_EVERY = 10


def unplugged(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Unplug the adapter `times` times."""
    with VirtualHouse(provisioned(), work) as house:
        heard = [
            _round(house, ledger, rng, f"usb {number + 1}", falls=number % FALLS_EVERY == FALLS_EVERY - 1)
            for number in range(times)
        ]
    return f"away for {AWAY_S[0]} to {AWAY_S[1]:.0f} s; heard again at most {max(heard):.1f} s after it was back"


def _round(house: VirtualHouse, ledger: Ledger, rng: random.Random, name: str, *, falls: bool) -> float:
    assert house.wearable is not None
    trial = Round(house, ledger, name)
    links = _links_up(house)
    away_s = rng.uniform(*AWAY_S)
    pulled_after_s = rng.uniform(0, away_s)
    house.wearable.unplug()
    threading.Event().wait(pulled_after_s)
    trial.pull(CORD)
    threading.Event().wait(away_s - pulled_after_s)
    house.wearable.plug()
    back_at = time.monotonic()
    eventually(lambda: _links_up(house) > links, within=HEARD_WITHIN_S, every=0.5)
    heard_s = time.monotonic() - back_at
    house.hands.release(CORD)
    trial.wait_for_pulls()
    if falls:
        _fall(house, trial)
    trial.end()
    return heard_s


def _fall(house: VirtualHouse, trial: Round) -> None:
    assert house.wearable is not None
    threading.Event().wait(3)  # the window before a fall has to be there
    trial.falls = 1
    house.wearable.play(fall_forward(RATE_HZ, seed=1))
    eventually(lambda: len(trial.raised()) > len(trial.pulls), within=90, every=0.1)


def _links_up(house: VirtualHouse) -> int:
    return int(house.machine.must(f"journalctl -b -u {SERVICE} --no-pager | grep -c wearable_link_up"))
