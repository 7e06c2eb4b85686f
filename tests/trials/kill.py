"""Trial: kill -9 of the unit at random moments around a pull, a fall and their delivery.

Rules of this file: the hands of a simulated home are in the unit's process, so a kill lets go of every cord, unless the
round says that somebody holds on. What the light showed, or what is on the disk when the process has gone, is promised
and must come; so must every other event on that disk. The disk is read from a copy: the trial mends nothing.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import call_notes
from agent.effects import Light
from agent.events import EventType
from agent.simulator.motions import fall_forward
from tests.trials import holding_on
from tests.trials.house import TrialHouse, holes
from tests.trials.ledger import Pull, percentile
from tests.trials.side_by_side import side_by_side
from tests.waiting import eventually

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from tests.trials.heard import Arrival
    from tests.trials.ledger import Ledger

SENSORS = ("bathroom-cord", "bedroom-button")
DEBOUNCE_S = 0.05
FALL = [sample for sample in fall_forward(100, seed=3) if sample[0] >= 3.5]
FALL_TAKES_S = 7.0
"""From the play's begin, a second before the trip, to some time after the pre-alarm of a second."""
MOMENTS = {
    "before": 10,
    "debounce": 12,
    "storing": 25,
    "unacked": 10,
    "waiting": 12,
    "received": 8,
    "accepted": 7,
    "closed": 7,
    "away": 6,
    "fall": 3,
}
"""When the process is killed, and how often of a hundred."""
HOMES = 2
EACH = 50
KILLED_AGAIN = 0.15
HOLDS_ON = 0.2
PULLS_AGAIN = 0.25
SETTLED_S = 0.12
"""A hand that pulls anew has let go for longer than the debounce of a cord that is found at rest."""
SWEPT_WITHIN_S = 60.0


@dataclass(slots=True)
class Tally:
    """What the note for the table says."""

    moments: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    doubled: int = 0
    """A cord that was held through the kill called twice: sent and killed before it was stored, and found pulled."""
    forgot: int = 0
    """Lies in rounds in which the centre had a call that the disk had not yet when the process was killed."""
    missing: int = 0
    """Numbers missing within a boot."""

    def note(self, armed_s: Sequence[float]) -> str:
        """Sum up; `armed_s` are the times from each start to `armed`."""
        return (
            f"{self.kills} kills, armed again after {percentile(armed_s, 0.5)} s (median), "
            f"{percentile(armed_s, 0.99)} s (p99); {self.doubled} pulls called twice (sent, killed before they were "
            f"stored, and the cord still held at the start); lies of a unit that did not remember such a call: "
            f"{self.forgot}; numbers missing within a boot: {self.missing}"
        )


def run(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Kill it `times` times."""
    tally = Tally()

    def play(own: Ledger, rounds: Iterator[int], chance: random.Random, place: Path) -> None:
        with TrialHouse(place, chance) as house:
            home = _KilledHome(house, own, tally)
            home.start()
            for number in rounds:
                home.round(f"kill {number}")
            home.everything_came()

    side_by_side(ledger, times, rng, work, play, homes=HOMES, each=EACH)
    print(tally, flush=True)
    return tally.note(ledger.armed_s)


class _KilledHome:
    """The rounds of one home."""

    def __init__(self, house: TrialHouse, ledger: Ledger, tally: Tally) -> None:
        self._house, self._ledger, self._tally, self._rng = house, ledger, tally, house.rng
        self._must_come: dict[str, str] = {}
        self._killed_at = 0.0
        self._kept: set[str] = set()
        """The calls of which the disk had a note when the process was killed."""
        self._held: str | None = None
        """What was pulled when the process was killed."""
        self._holds_on = False
        self._name = ""
        house.home.prelude = f"from tests.trials.holding_on import install; install({str(house.directory)!r})"

    def start(self) -> None:
        """Start the unit for the first time."""
        self._house.home.start()
        self._all_well()

    def round(self, name: str) -> None:
        """Pull, kill, start again, and see what comes."""
        house, rng = self._house, self._rng
        moment = rng.choices(list(MOMENTS), list(MOMENTS.values()))[0]
        self._tally.moments[moment] = self._tally.moments.get(moment, 0) + 1
        self._name = f"{name} ({moment})"
        house.centres[0].longest_s = rng.choice((0.0, 0.02, 0.1, 0.1))
        house.begin()
        fall = self._until_killed(moment)
        self._holds_on = self._held is not None and moment not in ("closed", "fall") and rng.random() < HOLDS_ON
        sensor = house.pulls[0][0] if house.pulls else rng.choice(SENSORS)
        self._launch(hold=self._held if self._holds_on else None)
        if moment == "before":
            house.pull(sensor)
        if rng.random() < KILLED_AGAIN:
            threading.Event().wait(rng.uniform(0, 1.2))
            self._kill()
            self._launch(hold=self._held if self._holds_on else None)
        if moment == "away":
            threading.Event().wait(rng.uniform(0, 1.5))
            self._path_again()
        self._armed()
        if not self._holds_on and rng.random() < PULLS_AGAIN:
            threading.Event().wait(rng.uniform(SETTLED_S, 0.5))
            if house.held:
                house.let_go()
            house.pull(sensor)
        if not house.arrived():
            print(f"{self._name}: not every pull arrived: {house.pulls}", flush=True)
        self._end(fall)

    def everything_came(self) -> None:
        """See that the centre has every event that was on the disk at any kill, and no number twice or missing."""
        heard = self._house.heard
        with contextlib.suppress(AssertionError):
            eventually(lambda: all(heard.has(event_id) for event_id in self._must_come), SWEPT_WITHIN_S, every=0.2)
        for event_id, kind in self._must_come.items():
            if not heard.has(event_id):
                self._ledger.lost_events += 1
                print(f"{self._name}: LOST {kind} {event_id} in {self._house.directory}", flush=True)
        self._tally.missing += holes(heard.numbers())
        numbered = sorted(heard.order, key=lambda arrival: arrival.event.sequence or "")
        for earlier, later in pairwise(numbered):
            if later.made_at < earlier.made_at:
                self._ledger.lies.append(f"{self._name}: {later.event.sequence} was made before the number before it")

    # ------------------------------------------------------------ the moments

    def _until_killed(self, moment: str) -> Pull | None:
        house, rng = self._house, self._rng
        if moment == "before":
            threading.Event().wait(rng.uniform(0, 0.2))
            self._kill()
            return None
        if moment == "fall":
            return self._fall()
        if moment == "unacked":
            house.brokers[0].freeze()
        elif moment == "away":
            house.brokers[0].stop()
            eventually(lambda: house.lights.now is Light.LINE_DOWN)
        sensor = rng.choice(SENSORS)
        pull = house.pull(sensor)
        threading.Event().wait(self._until_moment(moment, sensor, pull))
        self._kill()
        if moment == "unacked":
            threading.Event().wait(rng.uniform(0, 0.3))
            house.brokers[0].thaw()
            pull.path_at = time.monotonic()
        return None

    def _until_moment(self, moment: str, sensor: str, pull: Pull) -> float:
        """Bring the call to where it is to be killed; return how long to wait there."""
        house, rng = self._house, self._rng
        match moment:
            case "debounce":
                return rng.uniform(0, DEBOUNCE_S)
            case "storing":
                return DEBOUNCE_S + rng.uniform(0, 0.015)
            case "unacked" | "away":
                return DEBOUNCE_S + rng.uniform(0, 0.3)
        raised = eventually(lambda: house.heard.since(pull.at, EventType.CALL_RAISED, sensor), every=0.001)[0]
        if moment == "waiting":
            return rng.uniform(0, house.centres[0].longest_s)
        if rng.random() < 0.5:
            house.let_go()
        eventually(lambda: any(light is Light.RECEIVED for _, light in list(house.heard.said)), every=0.001)
        if moment != "received":
            eventually(lambda: house.lights.now is Light.RECEIVED, every=0.001)
            closes = moment == "closed"
            word, light = ("closed", Light.READY) if closes else ("accepted", Light.COMING)
            house.centres[0].order(word, raised.call.call_id if raised.call else "", light)
        return rng.uniform(0, 0.05)

    def _fall(self) -> Pull:
        """Let somebody fall, and kill the unit while it assesses, in the pre-alarm, or after it."""
        house, rng = self._house, self._rng
        eventually(lambda: house.home.logged("model_ready"), 30)
        began = time.monotonic()
        house.home.play(FALL)
        threading.Event().wait(rng.uniform(0, FALL_TAKES_S))
        if rng.random() < 0.2:
            house.pull(rng.choice(SENSORS))
            threading.Event().wait(rng.uniform(0, 0.1))
        self._kill()
        cut = time.monotonic()
        fall = Pull(at=cut, cut_at=cut)
        if house.lights.first(began, Light.PRE_ALARM) or self._unfinished():
            fall.promised_at = cut
        return fall

    # ------------------------------------------------------------ kill, start, end

    def _kill(self) -> None:
        house = self._house
        assert house.home.process is not None
        self._held = next(iter(house.held), None)
        cut = time.monotonic()
        house.home.kill()
        house.held.clear()
        self._tally.kills += 1
        eventually(lambda: house.lights.now is None, every=0.001)
        house.look()
        events = self._on_disk("SELECT event_id, type, body FROM events")
        self._must_come.update({event_id: kind for event_id, kind, _ in events})
        notes = self._on_disk("SELECT key FROM notes")
        self._killed_at, self._kept = cut, {key.removeprefix(call_notes.PREFIX) for (key,) in notes}
        raised = [json.loads(body) for _, kind, body in events if kind == EventType.CALL_RAISED]
        for sensor, pull in house.pulls:
            if pull.cut_at is not None:
                continue
            kept = [e for e in raised if e["subject"] == sensor and e["data"]["uptime_ms"] / 1000 >= pull.at - 0.001]
            if kept and pull.promised_at is None:
                pull.promised_at = cut
            if pull.arrived_at is None:
                pull.cut_at = cut

    def _launch(self, hold: str | None) -> None:
        """Start the unit; what a hand has not let go of, and was not promised, must come after all."""
        house = self._house
        (house.directory / holding_on.FILE).write_text(hold or "")
        if hold is not None:
            house.held.add(hold)
            house.pulls[-1][1].cut_at = None
        self._launched = time.monotonic()
        house.home.launch()

    def _armed(self) -> None:
        eventually(lambda: '"armed"' in self._house.home.log, 20, every=0.005)
        self._ledger.armed_s.append(time.monotonic() - self._launched)

    def _path_again(self) -> None:
        self._house.brokers[0].start()
        for _, pull in self._house.pulls:
            pull.path_at = time.monotonic()

    def _all_well(self) -> None:
        eventually(lambda: self._house.lights.now is Light.READY, 30)

    def _end(self, fall: Pull | None) -> None:
        house = self._house
        if fall is not None:
            with contextlib.suppress(AssertionError):
                eventually(lambda: fall.promised_at is None or self._fallen(), 30)
            came = self._fallen()
            fall.arrived_at = came[0].at if came else None
            self._ledger.pulls.append(fall)
            if fall.lost:
                print(f"{self._name}: LOST fall {fall} in {house.directory}", flush=True)
        false = len(self._fallen()) - (fall is not None and bool(self._fallen()))
        if false:
            self._ledger.false_calls += false
            print(f"{self._name}: {false} falls too many: {self._fallen()}", flush=True)
        house.settle()
        twice = frozenset(a.event.id for a in house.extra() if self._holds_on and self._was_forgotten(a))
        self._tally.doubled += len(twice)
        before = len(self._ledger.lies)
        house.end(self._ledger, self._name, excused=twice)
        self._tally.forgot += (len(self._ledger.lies) - before) * bool(self._forgotten())

    def _forgotten(self) -> list[Arrival]:
        """Return the calls of this round that were sent, and of which nothing was on the disk at the kill."""
        raised = self._house.heard.since(self._house.began, EventType.CALL_RAISED)
        sent = [a for a in raised if a.made_at < self._killed_at and a.event.id not in self._must_come]
        return [a for a in sent if a.call is not None and a.call.call_id not in self._kept]

    def _was_forgotten(self, extra: Arrival) -> bool:
        """Whether the unit had called for the same pull before, and could not remember it."""
        earlier = [a for a in self._forgotten() if a.event.subject == extra.event.subject]
        return any(a.made_at < extra.made_at for a in earlier)

    def _fallen(self) -> list[Any]:
        return self._house.heard.since(self._house.began, EventType.CALL_RAISED, "wearable")

    # ------------------------------------------------------------ the disk

    def _unfinished(self) -> list[str]:
        notes = [json.loads(body) for key, body in self._on_disk("SELECT key, body FROM notes") if "call:" in key]
        return [note["call_id"] for note in notes if note["origin"][2] == "wearable"]

    def _on_disk(self, query: str) -> list[Any]:
        outbox = self._house.home.outbox
        with tempfile.TemporaryDirectory(dir=self._house.directory) as place:
            for file in outbox.parent.glob(f"{outbox.name}*"):
                if not file.name.endswith("-shm"):
                    shutil.copy(file, place)
            with contextlib.closing(sqlite3.connect(Path(place) / outbox.name)) as copy:
                return copy.execute(query).fetchall()
