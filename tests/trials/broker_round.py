"""Rounds of a broker trial: pulls around a fault, and what became of them.

Rules of this file: a round begins with light *ready* and every path connected, and ends when the centre has every pull
and has closed every call. Pulls come up to 0.15 s before the fault, while it lasts, and up to 2 s after it, at random
moments. `path_at` of a pull that found no path is the later of two moments: the unit's side of the way serves again,
and the centre listens there again (its own way back is not the unit's delay). With a second, healthy way there is no
such moment: the delay counts from the pull. Nothing stops a trial: what is odd is counted, and printed.

A light lies if it says more of a call than the centre had said; or if a second after the last path was lost, by the
unit's own log or by what the fault leaves of any path, it shows anything but *line down*, or a pre-alarm that the
citizen must see.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

from agent.assessment import Verdict
from agent.effects import Light
from agent.events import CallData
from agent.simulator.motions import MOTIONS
from tests.home import HAND_S
from tests.trials.broker_site import SOON_S, Site, Way, call_of
from tests.trials.ledger import PROGRESS, Ledger, Pull, lies
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from agent.events import CloudEvent

    Breaks = Callable[[Way], AbstractContextManager[None]]
    """Breaks a way when it is entered, and mends it when it is left."""

CORDS = ("bathroom-cord", "bedroom-button")
ARRIVES_WITHIN_S = 150.0
DRAINED_WITHIN_S = 200.0
LIGHT_AT_ONCE_S = 1.0
"""How long the light may take to tell that the last path is gone, with everything that lies between."""
SAFE_WITHIN_S = 0.5
"""From a hand to a stored call: only then the light is about that call."""
SLACK_S = 0.02
CLOSED_AGAIN_S = 5.0
LIGHT_MARGIN_S = 0.1
"""The unit's log bears wall time, which a machine may be slewing against its monotonic one."""
NOTED_OVER_S = 5.0
AUDIT_OVER_S = 20.0
"""Between two hard sit-downs: the motion, and its assessment."""


@dataclass(frozen=True)
class Fault:
    """What is broken, and what that means for the unit's paths."""

    words: str
    breaks: Breaks
    cuts_centre: bool = False
    """The centre loses its connection, too, and must come back."""
    no_path_after_s: float | None = None
    """From the fault, or from the first pull that waits in it, until no path can be connected; None: one may be."""
    one_way_only: bool = False
    """With a second way it would only show the contract's 15 s for a missing `received`."""
    passes: bool = False
    """What is sent gets through all the time, if late."""


@dataclass
class Hands:
    """Who pulls: a thread with its moments, and the pulls that it made."""

    site: Site
    moments: list[tuple[float, str]]
    pulls: list[tuple[str, Pull]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._run, name="trial-hands", daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the last one was made."""
        self._thread.join()

    def pull(self, sensor: str) -> None:
        """Pull, hold, and let go."""
        self.pulls.append((sensor, Pull(time.monotonic())))
        self.site.home.ask(do="pull", sensor=sensor)
        threading.Event().wait(HAND_S)
        self.site.home.release(sensor)

    def _run(self) -> None:
        for at, sensor in sorted(self.moments):
            _wait_until(at)
            self.pull(sensor)


class Bench:
    """The rounds that one site lives through."""

    def __init__(self, name: str, site: Site, rng: Random) -> None:
        self.name = name
        self.ledger = Ledger()
        self._site = site
        self._rng = rng
        self._sat_at = 0.0
        self._known: frozenset[str] = frozenset()

    def run(self, faults: list[Fault], lasts_s: tuple[float, float]) -> None:
        """Live through each of `faults` once, each for a random time."""
        for number, fault in enumerate(faults, 1):
            began = time.monotonic()
            lasts = self._rng.uniform(*lasts_s)
            try:
                self._round(fault, lasts)
            except AssertionError as error:
                self._odd(f"{fault.words}: {error}")
            self.ledger.times += 1
            waited = [pull.delay_s for pull in self.ledger.pulls if pull.delay_s is not None]
            worst = f"{max(waited):.2f}" if waited else "-"
            print(
                f"{self.name} {number}/{len(faults)}: {fault.words}, {lasts:.1f} s; {len(self.ledger.pulls)} pulls, "
                f"worst delay {worst} s, {len(self.ledger.lies)} lies, {time.monotonic() - began:.0f} s",
                flush=True,
            )
        self._count_events()

    # ------------------------------------------------------------ one round

    def _round(self, fault: Fault, lasts: float) -> None:
        site, rng = self._site, self._rng
        self._settle()
        way = site.active() if len(site.ways) > 1 else site.ways[0]
        breaks_at = time.monotonic() + 0.3
        moments = [breaks_at + rng.uniform(0.0, lasts) for _ in range(rng.choice((1, 1, 2)))]
        moments += [breaks_at - rng.uniform(0.0, 0.15)] if rng.random() < 0.4 else []
        hands = Hands(site, [(at, rng.choice(CORDS)) for at in moments])
        if breaks_at - self._sat_at > AUDIT_OVER_S and lasts > 2.0:
            self._sat_at = breaks_at
            site.home.play(MOTIONS["sitting-down-hard"](100, rng.randrange(1, 6)))
        _wait_until(breaks_at)
        broke_at = time.monotonic()
        with fault.breaks(way):
            _wait_until(broke_at + lasts)
            ends_at = time.monotonic()
        path_at = way.served_again(broke_at, centre_was_cut=fault.cuts_centre)
        hands.join()
        if rng.random() < 0.4:
            threading.Event().wait(rng.uniform(0.0, 2.0))
            hands.pull(rng.choice(CORDS))
        self._deliver(hands)
        waited = [pull for _, pull in hands.pulls if pull.arrived_at is None or pull.arrived_at >= ends_at]
        if len(site.ways) == 1 and not fault.passes:
            for pull in waited:
                pull.path_at = path_at if pull.at < path_at else None
            self._check_dark(fault, broke_at, ends_at, min((p.at for p in waited), default=None))
        self._print_long_waits(hands, broke_at)
        self._close(hands, broke_at)

    def _settle(self) -> None:
        """Wait until the home is at rest, and note what has been there before."""
        lights = self._site.lights
        self._rest(time.monotonic() + CLOSED_AGAIN_S)  # a call that no hand made may have come after the round
        eventually(lambda: lights.now is Light.READY and self._site.all_up(), within=SOON_S, every=0.1)
        self._known = frozenset(event.id for event in self._site.raised())

    def _deliver(self, hands: Hands) -> None:
        """Wait until the centre has each pull, and note when it had it."""
        site = self._site
        with suppress(AssertionError):  # what never came is counted below
            eventually(lambda: len(self._by_hand()) >= len(hands.pulls), within=ARRIVES_WITHIN_S, every=0.05)
        raised = self._by_hand()
        for sensor in CORDS:
            pulls = [pull for pulled, pull in sorted(hands.pulls, key=lambda one: one[1].at) if pulled == sensor]
            events = [event for event in raised if event.subject == sensor]
            for pull, event in zip(pulls, events, strict=False):
                pull.arrived_at = site.arrived(event.id)
                pull.promised_at = site.lights.first(pull.at, *PROGRESS)
            self._note_surplus(sensor, len(pulls), len(events))
        self.ledger.pulls += [pull for _, pull in hands.pulls]

    def _print_long_waits(self, hands: Hands, broke_at: float) -> None:
        """Say what somebody needs who looks for the cause in the unit's log: seconds from the fault."""
        for sensor, pull in hands.pulls:
            if pull.delay_s is None or pull.delay_s > NOTED_OVER_S:
                moments = (pull.at, pull.path_at, pull.arrived_at)
                told = ", ".join("-" if at is None else f"{at - broke_at:.2f}" for at in moments)
                print(
                    f"{self.name}: {sensor} at, path at, arrived: {told} s after the fault; "
                    f"fault at {_wall(broke_at)}, {self._site.home.directory}",
                    flush=True,
                )

    def _by_hand(self) -> list[CloudEvent]:
        """Return the calls of this round that cords and buttons made."""
        return [event for event in self._site.raised(self._known) if event.subject in CORDS]

    def _note_surplus(self, sensor: str, pulls: int, events: int) -> None:
        if events > pulls:
            self.ledger.false_calls += events - pulls
        if events != pulls:
            print(f"{self.name}: {pulls} pulls of {sensor}, and {events} came", flush=True)

    def _close(self, hands: Hands, broke_at: float) -> None:
        """Have the centre close every call of the round, and hold the lights against what had been said of each."""
        site = self._site
        first: dict[str, float] = {}
        for event in self._by_hand():
            pulled = [pull.at for _, pull in hands.pulls if pull.arrived_at == site.arrived(event.id)]
            first.setdefault(call_of(event), min(pulled, default=broke_at))
        self._rest(time.monotonic())
        for call_id, at in first.items():
            begins = at + SAFE_WITHIN_S
            shown = [(max(when, begins), light) for when, light in site.lights.since(begins)]
            self.ledger.lies += [f"{self.name}: {lie}" for lie in lies(shown, site.said(call_id), SLACK_S)]
        for begin, end in site.unconnected(broke_at - 1.0, time.monotonic()):
            self._must_be_down(begin, end, "by its own log the unit had no path")

    def _rest(self, close_at: float) -> None:
        """Wait for light *ready*; have the centre close every call at `close_at`, and again: it may be forgotten."""
        site = self._site

        def rests() -> bool:
            nonlocal close_at
            if time.monotonic() < close_at:
                return site.lights.now is Light.READY
            close_at = time.monotonic() + CLOSED_AGAIN_S
            for call_id in {call_of(event) for event in site.raised()}:
                for way in site.ways:
                    way.centre.say("ack", {"call_id": call_id, "ack": "accepted", "by": "trial"})
                    way.centre.say("ack", {"call_id": call_id, "ack": "closed", "outcome": "helped"})
            return False

        eventually(rests, within=SOON_S, every=0.02)

    def _check_dark(self, fault: Fault, broke_at: float, ends_at: float, first_wait: float | None) -> None:
        after = fault.no_path_after_s
        if after is None or (after > 0 and first_wait is None):
            return
        begin = broke_at if after == 0 else max(broke_at, first_wait or broke_at) + after
        self._must_be_down(begin, ends_at, f"{fault.words}: no path could be had")

    def _must_be_down(self, begin: float, end: float, why: str) -> None:
        begin, end = begin + LIGHT_AT_ONCE_S, end - LIGHT_MARGIN_S
        if begin >= end:
            return
        shown = {light for at, light in self._site.lights.since(begin) if at < end}
        if shown - {Light.LINE_DOWN, Light.PRE_ALARM}:
            words = ", ".join(sorted(light.value for light in shown))
            self._odd(f"{words} between {begin:.3f} and {end:.3f} s: {why}")

    # ------------------------------------------------------------ in the end

    def _count_events(self) -> None:
        """Every event that the unit numbered must be at the centre: a hole, or what never left the outbox, is lost."""
        site = self._site
        with suppress(AssertionError):
            eventually(lambda: not site.home.stored(), within=DRAINED_WITHIN_S, every=0.5)
        for event in site.raised():
            assessment = event.data.assessment if isinstance(event.data, CallData) else None
            if assessment is not None and assessment.verdict is Verdict.UNVERIFIED:
                self.ledger.unverified += 1
            elif event.subject not in CORDS:
                self.ledger.false_calls += 1
                print(f"{self.name}: a call by {event.subject} that nobody made: {event.id}", flush=True)
        stuck = {sequence for _, sequence in site.home.stored()}
        came = {event.sequence or "" for event in site.events().values()}
        boots = {sequence[:8] for sequence in came | stuck}
        for boot in boots:
            last = max(int(sequence[8:]) for sequence in came | stuck if sequence.startswith(boot))
            missing = [number for number in range(1, last + 1) if f"{boot}{number:012}" not in came]
            if missing:
                self.ledger.lost_events += len(missing)
                print(f"{self.name}: of boot {boot} the centre never had {missing}; stuck: {stuck}", flush=True)

    def _odd(self, words: str) -> None:
        self.ledger.lies.append(f"{self.name}: {words}")
        print(f"{self.name}: ODD: {words}", flush=True)


def _wall(at: float) -> str:
    return datetime.fromtimestamp(at - time.monotonic() + time.time(), tz=UTC).time().isoformat("milliseconds")


def _wait_until(at: float) -> None:
    threading.Event().wait(max(0.0, at - time.monotonic()))
