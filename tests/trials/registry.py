"""Every fault trial by its name, in the order of the table. One place to add a trial: one module, one line here.

Rules of this file: a trial's module is imported only when it is run, for some need a virtual Pi, root or a broker.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from tests.trials.ledger import Ledger

    Run = Callable[["Ledger", int, random.Random, Path], str]
    """Breaks things `times` times, writes what happened into the ledger, and returns a note for the table."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault: its words in the table, how often it must be survived, and the function that breaks things."""

    name: str
    fault: str
    at_least: int
    where: str
    """`module:function`, a `Run`."""

    @property
    def on_a_virtual_pi(self) -> bool:
        """Whether it needs the guest of `tests/vm`."""
        return self.where.startswith("tests.vm.")

    def load(self) -> Run:
        """Import the function."""
        module, _, function = self.where.partition(":")
        return cast("Run", getattr(import_module(module), function))


TRIALS = {
    trial.name: trial
    for trial in (
        Trial("kill", "kill -9 of the agent around pulls and deliveries", 1000, "tests.trials.kill:run"),
        Trial(
            "guest-kill", "kill -9 of the agent on the virtual Pi, pulled before it is back", 20, "tests.vm.killed:run"
        ),
        Trial("power-cut", "power cut of the guest around pulls", 50, "tests.vm.power_cut:run"),
        Trial("broker-killed", "broker killed, and started again", 20, "tests.trials.broker:killed"),
        Trial("broker-lasting", "broker restarted with persistence", 20, "tests.trials.broker:lasting"),
        Trial("broker-forgetful", "broker restarted without persistence", 20, "tests.trials.broker:forgetful"),
        Trial("broker-refusing", "broker refuses the unit's login", 20, "tests.trials.broker:refusing"),
        Trial(
            "broker-half-open",
            "broker half-open: it takes bytes and answers nothing",
            20,
            "tests.trials.broker:half_open",
        ),
        Trial("broker-slow", "broker slow: every answer 10 s late", 20, "tests.trials.broker:slow"),
        Trial("broker-limit", "broker's size limit under our events, and lifted", 20, "tests.trials.broker:limit"),
        Trial("broker-rights", "right to publish taken away, and given back", 20, "tests.trials.broker:rights"),
        Trial("carrier", "network carrier lost for minutes", 20, "tests.vm.network:carrier"),
        Trial("loss", "20 % packet loss and 2 s delay", 20, "tests.vm.network:loss"),
        Trial("usb-unplugged", "USB serial adapter unplugged, and back", 50, "tests.vm.usb:unplugged"),
        Trial("serial-garbage", "a minute of garbage on the serial port", 50, "tests.trials.serial:garbage"),
        Trial("serial-other", "another device on the serial port", 50, "tests.trials.serial:other_device"),
        Trial("hung-process", "the process stopped (SIGSTOP)", 10, "tests.vm.hung:process"),
        Trial("hung-pins", "core or pins hang: the watchdog's part", 20, "tests.trials.hung:pins"),
        Trial("hung-driver", "a serial driver hangs", 20, "tests.trials.hung:driver"),
        Trial("hung-model", "the model hangs", 20, "tests.trials.hung:model"),
        Trial("hung-disk", "the disk hangs", 20, "tests.trials.hung:disk"),
        Trial("hung-resolver", "the resolver hangs", 20, "tests.trials.hung:resolver"),
        Trial(
            "outage", "a day's outage: 500 calls, 100,000 technical events, limit 20 MB", 1, "tests.trials.outage:run"
        ),
        Trial("fuzz-framers", "10 million bytes of fuzz into each framer", 1, "tests.trials.fuzz:framers"),
        Trial("fuzz-downlink", "100,000 malformed and hostile downlink messages", 1, "tests.trials.fuzz:downlink"),
    )
}
