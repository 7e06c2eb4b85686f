"""The trials `carrier` and `loss`: the network cable is pulled for a minute or more; the line loses and delays packets.

Rules of this file: a path exists again from the moment at which the cable is back (the guest's own DHCP is in the
delay). Every fourth carrier round has a second path on a second cable, and then the delay runs from the pull. With loss
and delay a path exists all the time, and the delay runs from the pull as well.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.effects import Light
from tests.vm.hands import CORD
from tests.vm.house import VirtualHouse
from tests.vm.package import provisioned
from tests.vm.rounds import Round

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.trials.ledger import Ledger

GONE_S = (60.0, 90.0)
LOSS = "20%"
DELAY = "1s"
"""Each way: two seconds for the round trip."""
SHOWS_WITHIN_S = 75.0
"""From the lost carrier to *line down*: a keepalive and a half, and the half-open rule while a call waits."""


def carrier(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Take the carrier away `times` times, for `GONE_S` seconds."""
    with VirtualHouse(provisioned(), work, two_paths=True, wearable=False) as house:
        for number in range(times):
            _carrier_round(house, ledger, rng, f"carrier {number + 1}", one_of_two=number % 4 == 3)
    return f"away for {GONE_S[0]:.0f} to {GONE_S[1]:.0f} s; in every fourth round on one of two paths only"


def loss(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Pull `times` times over a line with loss and delay."""
    with VirtualHouse(provisioned(), work, wearable=False) as house, _bad_line(house):
        for number in range(times):
            trial = Round(house, ledger, f"loss {number + 1}")
            trial.pull(CORD)
            threading.Event().wait(rng.uniform(0.2, 3))
            house.hands.release(CORD)
            trial.wait_for_pulls()
            trial.end()
    return f"{LOSS} lost and {DELAY} more each way; a connection that breaks in it takes several round trips to be made"


def _carrier_round(house: VirtualHouse, ledger: Ledger, rng: random.Random, name: str, *, one_of_two: bool) -> None:
    trial = Round(house, ledger, name)
    gone_s = rng.uniform(*GONE_S)
    pulled_after_s = rng.uniform(0, gone_s - 1)
    cables = ("one",) if one_of_two else ("one", "two")
    for cable in cables:
        gone_at = house.machine.cable(cable, plugged=False)
    threading.Event().wait(pulled_after_s)
    pull = trial.pull(CORD)
    threading.Event().wait(0.5)
    house.hands.release(CORD)
    if not one_of_two:
        house.until_light(Light.LINE_DOWN, gone_at, SHOWS_WITHIN_S)
    threading.Event().wait(gone_s - pulled_after_s)
    for cable in cables:
        back_at = house.machine.cable(cable, plugged=True)
    pull.path_at = None if one_of_two else back_at
    trial.wait_for_pulls()
    trial.end()
    house.until_settled()


@contextmanager
def _bad_line(house: VirtualHouse) -> Iterator[None]:
    """Loss and delay on what leaves the guest, and on what reaches it (which goes through a device of its own)."""
    find = "IF=$(ip -o -4 addr | awk '/10.0.2./{print $2}')"
    bad = f"netem delay {DELAY} loss {LOSS}"
    house.machine.must(
        f"{find}; modprobe ifb; ip link add bad type ifb; ip link set bad up; tc qdisc add dev $IF root {bad}; "
        "tc qdisc add dev $IF ingress; "
        "tc filter add dev $IF parent ffff: matchall action mirred egress redirect dev bad; "
        f"tc qdisc add dev bad root {bad}"
    )
    try:
        yield
    finally:
        house.machine.must(f"{find}; tc qdisc del dev $IF root; tc qdisc del dev $IF ingress; ip link del bad")
