"""One home of a trial with everything around it: brokers of its own, a centre on each, the unit, and the light.

Rules of this file: a round begins and ends with the light on `ready` (`settle`), so that a light in between means the
pull of that round. A pull is given its `call.raised` by the unit's own uptime: the first one made after it, and before
the next pull of that sensor. What comes beyond that is a call that no hand made.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Self

from agent import call_notes
from agent.effects import Light
from agent.events import EventType
from tests.broker.mosquitto import Mosquitto
from tests.home import Home
from tests.trials.heard import Heard, TrialCentre
from tests.trials.ledger import PROGRESS, Ledger, Pull, lies
from tests.trials.lights import Lights
from tests.waiting import eventually

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.trials.heard import Arrival

SLACK_S = 0.25
"""How far the clocks of two listeners in one process may be apart: a thread that waits for its turn on busy cores."""
SAY_AGAIN_S = 0.5
DIGITS_OF_BOOT = 8


class TrialHouse:
    """Use it in a `with`. The unit is not started; each broker is, unless it is stopped in between."""

    def __init__(
        self, directory: Path, rng: random.Random, *paths: Mapping[str, Any], answers_within_s: float = 0.1
    ) -> None:
        self.rng = rng
        self.directory = directory / "home"
        self.directory.mkdir(parents=True)
        self.heard = Heard()
        self.brokers: list[Mosquitto] = []
        for number in range(max(1, len(paths))):
            place = directory / f"broker-{number}"
            self.brokers.append(Mosquitto(place, "persistence true", f"persistence_location {place}/"))
        wanted = paths or ({},)
        ports = [broker.port for broker in self.brokers]
        tables = [{**table, "port": port} for table, port in zip(wanted, ports, strict=True)]
        self.home = Home(self.directory, *tables, pre_alarm_s=1)
        self.lights = Lights(self.directory)
        self._answers_within_s = answers_within_s
        self._open = contextlib.ExitStack()
        self.centres: list[TrialCentre] = []
        self.pulls: list[tuple[str, Pull]] = []
        self.held: set[str] = set()
        """Cords that are pulled and buttons that are pressed. A unit that ends lets go, for the hands are in it."""
        self.began = 0.0

    def __enter__(self) -> Self:
        for broker in self.brokers:
            broker.start()
            self._open.callback(broker.kill)
            centre = TrialCentre(broker.port, self.heard, self.rng, self._answers_within_s, "centre")
            self.centres.append(self._open.enter_context(centre))
        self._open.enter_context(self.lights)
        return self

    def __exit__(self, *_: object) -> None:
        if self.home.process is not None:
            self.home.kill()
        self._open.close()

    # ------------------------------------------------------------ a round

    def begin(self) -> None:
        """Begin a round."""
        self.began = time.monotonic()
        self.pulls = []
        self.heard.said.clear()

    def pull(self, sensor: str, *, reaches: bool = True) -> Pull:
        """Pull a cord or hold a button; not `reaches` where the unit is too far gone to be asked."""
        pull = Pull(at=time.monotonic())
        self.pulls.append((sensor, pull))
        if reaches:
            self.hold(sensor)
        return pull

    def hold(self, sensor: str) -> None:
        """Pull, or go on pulling in a home that has just begun."""
        self.home.ask(do="pull", sensor=sensor)
        self.held.add(sensor)

    def let_go(self) -> None:
        """Let go of everything, for as long as a hand does before it pulls again."""
        for sensor in sorted(self.held):
            self.home.release(sensor)
        self.held.clear()

    def look(self) -> None:
        """Note what has become of every pull of this round by now."""
        for number, (sensor, pull) in enumerate(self.pulls):
            if pull.promised_at is None and pull.cut_at is None:
                pull.promised_at = self.lights.first(pull.at, *PROGRESS)
            if pull.arrived_at is None:
                came = self._raised_for(number, sensor, pull)
                pull.arrived_at = came[0].at if came else None

    def arrived(self, within: float = 30.0) -> bool:
        """Wait until every pull of this round is at the centre, or was cut before it was promised."""

        def all_here() -> bool:
            self.look()
            return all(pull.arrived_at is not None or pull.beaten for _, pull in self.pulls)

        with contextlib.suppress(AssertionError):
            return eventually(all_here, within)
        return False

    def extra(self) -> list[Arrival]:
        """Return the calls of cords and buttons in this round beyond one for each pull."""
        raised = self.heard.since(self.began, EventType.CALL_RAISED)
        manual = [a for a in raised if a.call is not None and a.call.trigger.kind == "manual"]
        explained = [came[0] for n, (s, p) in enumerate(self.pulls) if (came := self._raised_for(n, s, p))]
        return [arrival for arrival in manual if arrival not in explained]

    def settle(self, within: float = 60.0) -> None:
        """Close every call that is open, until the unit has nothing left of any and shows `ready`.

        A centre closes what the unit still has open, also where it had heard that it was closed before a kill.
        """
        self.let_go()
        said_at = 0.0

        def is_over() -> bool:
            nonlocal said_at
            self.look()
            kept = self._kept()
            if self.lights.now is Light.READY and not kept and not self.home.stored("call.%"):
                return True
            if time.monotonic() - said_at >= SAY_AGAIN_S:
                said_at = time.monotonic()
                for call_id in self.heard.open_calls | kept:
                    self.centres[-1].order("closed", call_id, Light.READY)
            return False

        eventually(is_over, within, every=0.02)
        self.heard.open_calls.clear()  # what the unit has forgotten is closed by nobody else

    def lies(self) -> list[str]:
        """Return what the light said too much in this round."""
        return lies(self.lights.since(self.began), list(self.heard.said), SLACK_S)

    def unverified(self) -> int:
        """Return how many calls of this round went out because nothing could be assessed."""
        raised = [arrival.call for arrival in self.heard.since(self.began, EventType.CALL_RAISED)]
        return sum(c is not None and c.assessment is not None and c.assessment.verdict == "unverified" for c in raised)

    def end(self, ledger: Ledger, name: str, excused: frozenset[str] = frozenset()) -> None:
        """End a round: close its calls, and write everything into the ledger. Prints what somebody should look at.

        `excused` are the ids of calls beyond one for each pull that the trial counts elsewhere.
        """
        self.settle()
        ledger.pulls += [pull for _, pull in self.pulls]
        ledger.unverified += self.unverified()
        for arrival in self.extra():
            if arrival.event.id in excused:
                continue
            ledger.false_calls += 1
            print(f"{name}: a call that no hand made: {arrival.event.model_dump_json()}", flush=True)
        for lie in self.lies():
            ledger.lies.append(f"{name}: {lie}")
            print(f"{name}: {lie}; lights {self.lights.since(self.began)}", flush=True)
        for _, pull in self.pulls:
            if pull.lost:
                print(f"{name}: LOST {pull} in {self.directory}", flush=True)
        for oddity in self.heard.oddities:
            ledger.lies.append(f"{name}: {oddity}")
            print(f"{name}: {oddity}", flush=True)
        self.heard.oddities.clear()

    # ------------------------------------------------------------ inside

    def _raised_for(self, number: int, sensor: str, pull: Pull) -> list[Arrival]:
        following = [later.at for other, later in self.pulls[number + 1 :] if other == sensor]
        until = min(following, default=float("inf"))
        raised = self.heard.since(pull.at - 0.001, EventType.CALL_RAISED, sensor)  # uptime is in whole milliseconds
        return [arrival for arrival in raised if arrival.made_at < until]

    def _kept(self) -> set[str]:
        """Return the calls that the unit keeps for its next start."""
        return {key.partition(":")[2] for key in self.home.notes() if key.startswith(call_notes.PREFIX)}


def holes(numbers: Sequence[str]) -> int:
    """Return how many numbers are missing within a boot."""
    boots: dict[str, list[int]] = {}
    for number in numbers:
        boots.setdefault(number[:DIGITS_OF_BOOT], []).append(int(number[DIGITS_OF_BOOT:]))
    return sum(max(found) - len(set(found)) for found in boots.values())
