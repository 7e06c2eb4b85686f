"""The trial `hung-process`: the agent is stopped with SIGSTOP, and systemd's watchdog has to find it.

Rules of this file: a pull comes up to 5 s before the stop or while it lasts. Before it, the call was stored and comes
by itself or after the restart; while it lasts the hand holds on, as somebody does who sees no light, and the new
process finds the cord pulled. The path exists again when the new process is armed.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tests.vm.hands import CORD
from tests.vm.house import VirtualHouse
from tests.vm.package import provisioned
from tests.vm.rounds import Round

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.trials.ledger import Ledger


def process(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Stop the process `times` times."""
    with VirtualHouse(provisioned(), work) as house:
        found = [_round(house, ledger, rng, f"hung {number + 1}", before=number % 2 == 0) for number in range(times)]
    return f"found and restarted after {min(found):.0f} to {max(found):.0f} s (WatchdogSec=30)"


def _round(house: VirtualHouse, ledger: Ledger, rng: random.Random, name: str, *, before: bool) -> float:
    trial = Round(house, ledger, name)
    pid = house.main_pid()
    if before:
        pull = trial.pull(CORD)
        threading.Event().wait(rng.uniform(0.1, 5))
    house.machine.must(f"kill -STOP {pid}")
    stopped_at = time.monotonic()
    if not before:
        threading.Event().wait(rng.uniform(0, 10))
        pull = trial.pull(CORD)
    found_s = house.until_restarted(pid) - stopped_at
    ledger.armed_s.append(house.armed_after_s())
    pull.path_at = house.last_armed_at()
    trial.wait_for_pulls()
    house.hands.release(CORD)
    # Held through the restart, a stored call is repeated by the level that the new process finds, at most once.
    trial.end()
    return found_s
