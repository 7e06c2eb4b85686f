"""A unit that systemd looks after, and one thing in it that hangs: what the trials of `hung` share.

Rules of this file: what the unit does not do as it should (find, mend, ping, go on without a restart) is a lie in the
ledger, for a unit that pings or shows `ready` says that all is well.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.deadlines import LIMITS
from agent.effects import Light
from agent.workers import PING_EVERY_S
from tests.trials.systemd import WATCHDOG_S, Systemd
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.trials.house import TrialHouse
    from tests.trials.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds: as in a home, or shorter in `make test`."""

    limits: Mapping[str, float]
    ping_every_s: float
    watchdog_s: float
    homes: int
    each: int
    """Rounds before a new home: fewer than a worker is mended in one run of the unit."""
    is_real: bool = True


REAL = Pace(LIMITS.seconds, PING_EVERY_S, WATCHDOG_S, homes=5, each=4)
SHORT = Pace(dict.fromkeys(LIMITS.seconds, 1.0), 0.2, 3.0, homes=1, each=2, is_real=False)

FINDS_LATE_S = 2.5
"""How much later than its limit a hang may be found: the core looks once a second, on a busy machine."""


@dataclass(slots=True)
class Findings:
    """What all rounds of a trial found, in seconds from the hang."""

    found: list[float] = field(default_factory=list)
    mended: list[float] = field(default_factory=list)
    silence: list[float] = field(default_factory=list)
    """The longest time between two pings, in each round."""

    def note(self, what: str) -> str:
        """Sum up for the table."""
        if not self.found:
            return "nothing was found"
        words = f"found {len(self.found)} times, after {min(self.found):.1f} to {max(self.found):.1f} s; {what}"
        if not self.mended:
            return words
        return (
            f"{words}; mended {len(self.mended)} times in place, after {max(self.mended):.1f} s at most; "
            f"longest time between two pings {max(self.silence):.1f} s of {WATCHDOG_S:.0f}"
        )


class HungUnit:
    """One unit under `Systemd`, with the gates of `hanging` in it."""

    def __init__(self, house: TrialHouse, systemd: Systemd, pace: Pace, findings: Findings, ledger: Ledger) -> None:
        self.house, self.systemd, self.pace, self.findings, self.ledger = house, systemd, pace, findings, ledger
        self.round = ""
        self._kills = 0

    def begin(self, name: str) -> None:
        """Begin a round, with everything well."""
        self.round = name
        eventually(lambda: self.house.lights.now is Light.READY, 60)
        self.house.begin()
        self._kills = len(self.systemd.killed)

    def hang(self, kind: str) -> None:
        """Let the next one hang."""
        (self.house.directory / f"hang-{kind}").touch()

    def release_the_rest(self, kind: str) -> None:
        """Let nobody else hang; whoever does stays."""
        (self.house.directory / f"hang-{kind}").unlink(missing_ok=True)

    def hangs_since(self, before: int, within: float = 90.0) -> float:
        """Return since when it hangs, as soon as there are more hangs than `before`."""
        return float(eventually(lambda: self._hangs()[before:], within)[0])

    def hangs(self) -> int:
        """Return how often something has hung in this home."""
        return len(self._hangs())

    def found(self, worker: str) -> int:
        """Return how often this run of the unit found the worker hanging."""
        return sum(line["worker"] == worker for line in self.house.home.logged("worker_hangs"))

    def wait_found(self, worker: str, before: int) -> None:
        """Wait until the unit found it, and hold the time that it took against its own limit."""
        limit = self.pace.limits[worker.partition(":")[0]]
        eventually(lambda: self.found(worker) > before, limit + 30, every=0.05)
        told = [line for line in self.house.home.logged("worker_hangs") if line["worker"] == worker]
        seconds = float(told[-1]["seconds"])
        self.findings.found.append(seconds)
        if seconds > limit + FINDS_LATE_S:
            self.complain(f"{worker} was found after {seconds:.1f} s, its limit is {limit:g} s")

    def mended(self, since: float) -> None:
        """Note that everything works again."""
        self.findings.mended.append(time.monotonic() - since)

    def pinged_all_the_while(self, since: float) -> None:
        """See that systemd had its pings, and did not have to restart anything."""
        silence = self.systemd.longest_silence(since)
        self.findings.silence.append(silence)
        if silence > self.pace.ping_every_s + FINDS_LATE_S:
            self.complain(f"systemd heard nothing for {silence:.1f} s")
        if len(self.systemd.killed) != self._kills or len(self.systemd.started) != 1 + len(self.systemd.killed):
            self.complain("the unit was restarted, although this is mended in place")

    def complain(self, what: str) -> None:
        """Count what is not as it should be."""
        self.ledger.lies.append(f"{self.round}: {what}")
        print(f"{self.round}: {what}; see {self.house.directory}", flush=True)

    def end(self) -> None:
        """Wait for every pull, close the calls, and write the round into the ledger."""
        if not self.house.arrived():
            print(f"{self.round}: not every pull arrived: {self.house.pulls}", flush=True)
        self.house.end(self.ledger, self.round)

    def _hangs(self) -> list[str]:
        try:
            return (self.house.directory / "hangs").read_text().split()
        except FileNotFoundError:
            return []


@contextlib.contextmanager
def looked_after(
    house: TrialHouse, kinds: tuple[str, ...], pace: Pace, findings: Findings, ledger: Ledger
) -> Iterator[HungUnit]:
    """Give a unit that is armed and connected, with these gates in it."""
    told = (str(house.directory), kinds, dict(pace.limits), pace.ping_every_s)
    house.home.prelude = (
        f"from tests.trials import hanging, holding_on; hanging.install(*{told!r}); holding_on.install({told[0]!r})"
    )
    with house, Systemd(house.home, pace.watchdog_s) as systemd:
        eventually(lambda: len(house.home.logged("path_up")) >= len(house.brokers), 30)
        yield HungUnit(house, systemd, pace, findings, ledger)
