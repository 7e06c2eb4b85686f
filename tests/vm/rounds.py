"""One round of a trial on the virtual Pi: from a light at *ready* to a light at *ready*, and what was counted between.

Rules of this file: a round's pulls are all of one cord, and each is one `call.raised` in the order of pulling; what
comes besides is a false call, or `unverified` if the unit says that it could not assess.
"""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from agent.assessment import Verdict
from agent.effects import Light
from agent.events import CallData, CloudEvent
from tests.trials.ledger import Ledger, Pull, lies
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.vm.house import VirtualHouse

ARRIVES_WITHIN_S = 150.0
CLOSED_WITHIN_S = 400.0
"""The centre's words go over the same bad line as the call."""
SLACK_S = 0.3
"""The light is looked at fifty times a second by an emulated processor."""

MISREAD_S = 3.0
"""How far the pin may be behind the unit's log."""


class Round:
    """Begin it with the light at *ready*; `end` closes its calls and waits for the light."""

    def __init__(self, house: VirtualHouse, ledger: Ledger, name: str) -> None:
        self.began = time.monotonic()
        self.pulls: list[Pull] = []
        self.falls = 0
        self._house = house
        self._ledger = ledger
        self._name = name
        self._before = {event.id for centre in house.centres for event in centre.raised()}

    def pull(self, line: int) -> Pull:
        """Pull the cord, and keep the pull in the ledger."""
        return self.pulled(self._house.hands.pull(line))

    def pulled(self, at: float) -> Pull:
        """Keep a pull that was made at `at`."""
        self.pulls.append(Pull(at))
        self._ledger.pulls.append(self.pulls[-1])
        return self.pulls[-1]

    def raised(self) -> list[CloudEvent]:
        """Return the round's `call.raised`, each once, in the order in which they were made."""
        found = {event.id: event for centre in self._house.centres for event in centre.raised()}
        return sorted((event for key, event in found.items() if key not in self._before), key=_sequence)

    def arrived_at(self, event: CloudEvent) -> float:
        """Return when a centre first had it."""
        return min(centre.arrived[event.id] for centre in self._house.centres if event.id in centre.arrived)

    def wait_for_pulls(self, within_s: float = ARRIVES_WITHIN_S) -> None:
        """Wait until each pull has its event; a pull that has none by then stays without."""
        try:
            eventually(lambda: len(self._manual()) >= len(self.pulls), within=within_s, every=0.05)
        except AssertionError:
            print(f"{self._name}: {len(self._manual())} of {len(self.pulls)} calls came in {within_s:.0f} s")

    def end(self, *, calls_expected: int | None = None) -> None:
        """Match pulls with calls, count lies and false calls, close everything, and wait for the light."""
        manual = self._manual()
        for pull, event in zip(self.pulls, manual, strict=False):
            pull.arrived_at = self.arrived_at(event)
        for pull in self.pulls:
            pull.promised_at = pull.promised_at or self._house.promised(pull.at, pull.cut_at)
        self._count_others(manual, len(self.pulls) if calls_expected is None else calls_expected)
        said = sorted(entry for centre in self._house.centres for entry in centre.said if entry[0] >= self.began)
        for lie in lies(self._seen(), said, SLACK_S):
            self._ledger.lies.append(f"{self._name}: {lie}")
            print(self._ledger.lies[-1])
        self._house.close(self.raised())
        self._house.until_ready(CLOSED_WITHIN_S)
        self._ledger.times += 1
        delays = [pull.delay_s for pull in self.pulls if pull.delay_s is not None]
        print(f"{self._name}: {len(self.pulls)} pulls, delays {[round(delay, 2) for delay in delays]}", flush=True)

    def _seen(self) -> list[tuple[float, Light]]:
        """Return what was read from the light's pin, without what a busy emulator stretched into another pattern.

        A pattern of this boot that the unit itself never set was misread; what was seen before the boot is believed.
        """
        meant = self._house.meant()
        seen = self._house.light(self.began, steady=True)[:-1]
        return [(at, light) for at, light in seen if not meant or at < meant[0][0] or light in _in_force(meant, at)]

    def _manual(self) -> list[CloudEvent]:
        return [event for event in self.raised() if _data(event).trigger.kind == "manual"]

    def _count_others(self, manual: list[CloudEvent], expected: int) -> None:
        for event in manual[expected:]:
            print(f"{self._name}: nobody pulled: {event}")
            self._ledger.false_calls += 1
        automatic = [event for event in self.raised() if event not in manual]
        for event in automatic[self.falls :]:
            assessment = _data(event).assessment
            if assessment is not None and assessment.verdict is Verdict.UNVERIFIED:
                self._ledger.unverified += 1
            else:
                print(f"{self._name}: nobody fell: {event}")
                self._ledger.false_calls += 1


def _in_force(meant: list[tuple[float, Light]], at: float) -> set[Light]:
    """Return every light that was set within `MISREAD_S` of a moment."""
    ends = [*(when for when, _ in meant[1:]), math.inf]
    return {
        light
        for (began, light), ended in zip(meant, ends, strict=True)
        if began <= at + MISREAD_S and ended >= at - MISREAD_S
    }


def _data(event: CloudEvent) -> CallData:
    assert isinstance(event.data, CallData)
    return event.data


def _sequence(event: CloudEvent) -> str:
    return event.sequence or ""
