"""The trial `guest-kill`: the agent is killed on the virtual Pi, and somebody pulls before it is there again.

Rules of this file: the hand holds on until the call is at the centre, as somebody does who sees no light. The path
exists again when the new process is armed; how long that takes is what this trial is for.
"""

from __future__ import annotations

import statistics
import threading
from typing import TYPE_CHECKING

from tests.vm.hands import BUTTON
from tests.vm.house import VirtualHouse
from tests.vm.package import provisioned
from tests.vm.rounds import Round

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.trials.ledger import Ledger


def run(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Kill the agent `times` times."""
    with VirtualHouse(provisioned(), work, two_paths=True) as house:
        for number in range(times):
            one_kill(house, ledger, f"kill {number + 1}", pulled_after_s=rng.uniform(0, 3))
    return f"armed again after {min(ledger.armed_s):.1f} s, {statistics.median(ledger.armed_s):.1f} s in the median"


def one_kill(house: VirtualHouse, ledger: Ledger, name: str, *, pulled_after_s: float) -> None:
    """Kill the agent, pull, and wait for the call."""
    trial = Round(house, ledger, name)
    pid = house.main_pid()
    house.machine.must(f"kill -9 {pid}")
    threading.Event().wait(pulled_after_s)
    pull = trial.pull(BUTTON)
    house.until_restarted(pid)
    ledger.armed_s.append(house.armed_after_s())
    pull.path_at = house.last_armed_at()
    trial.wait_for_pulls()
    house.hands.release(BUTTON)
    trial.end()
