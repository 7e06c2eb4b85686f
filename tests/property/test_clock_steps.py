"""Whatever the wall clock does, the home lives the same life: only labels differ.

The same evening is lived twice: with a clock that is right, and with one that starts in 1970, 2038 or beyond, is
stepped by years at any moment, and is synchronised late, never, or now and then.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assessment import Verdict
from agent.effects import Publish
from tests.home_bench import HomeBench

YEAR = 365 * 86_400.0
WALLS = (0.0, -5e6, 1_000.0, 2**31 - 5.0, 2**31 + 1e6, 2**32 + 1e6, 1_780_000_000.0, 253_402_300_700.0, 1e15)

walls = st.sampled_from(WALLS) | st.floats(-1e9, 1e12)


@dataclass(frozen=True)
class Step:
    """The clock is set to `wall`, in the pause of this number."""

    pause: int
    wall: float
    synced: bool


steps = st.lists(st.builds(Step, st.integers(0, 40), walls, st.booleans()), max_size=6)


class Evening:
    """One evening, told as it was: everything that went out, with when (monotonic) and on which path."""

    def __init__(self, clock_steps: list[Step], *, right: bool) -> None:
        self.home = HomeBench(("primary", "secondary"), pre_alarm_s=5.0)
        self.told: list[tuple[Any, ...]] = []
        self._steps = [] if right else clock_steps
        self._pauses = 0
        self._seen = 0
        self._live()

    def _pause(self, seconds: float) -> None:
        for step in self._steps:
            if step.pause == self._pauses:
                self.home.clock.set_wall(step.wall, synced=step.synced)
        self._pauses += 1
        self.home.advance(seconds)
        self._note()

    def _note(self) -> None:
        for event in self.home.centre[self._seen :]:
            if event["data"].get("fault") != "clock.unsynced":
                delivery = event["data"]["delivery"]
                self.told.append(
                    (event["type"], event["data"]["uptime_ms"], event["subject"], delivery["path"],
                     delivery["attempt"], delivery["late"], delivery["age_ms"], event["data"].get("repeat"))
                )  # fmt: skip
        self._seen = len(self.home.centre)

    def _live(self) -> None:
        home = self.home
        self._pause(3.0)
        home.pull()  # escalates at 180 s, for nobody accepts it
        for _ in range(10):
            self._pause(40.0)
        home.trigger("t1")  # a pre-alarm that is cancelled
        home.assess("t1", Verdict.CONFIRMED)
        self._pause(2.0)
        home.pull("reset-button", held_s=0.1)
        self._pause(10.0)
        home.trigger("t2")  # and one that runs out
        home.assess("t2", Verdict.CONFIRMED)
        self._pause(6.0)
        home.acks = False  # the timetable of an event that nobody confirms
        home.pull("bedroom-button")
        for _ in range(8):
            self._pause(35.0)
        home.acks = True
        home.cut("primary")
        home.cut("secondary")
        home.pull()
        self._pause(400.0)
        home.connect("secondary")
        self._pause(5.0)
        for _ in range(4):  # over the 30 minutes after which a pull is a new call
            self._pause(500.0)
        home.pull()
        home.crash()
        home.levels()
        self._pause(200.0)
        home.pull()
        self._pause(1.0)


RIGHT = Evening([], right=True)


@settings(max_examples=6, deadline=None)
@given(steps, walls, st.booleans())
def test_every_timer_is_right_whatever_the_clock_says(clock_steps: list[Step], first: float, synced: bool) -> None:  # noqa: FBT001 - Hypothesis calls it
    wrong = Evening([Step(0, first, synced), *clock_steps], right=False)
    assert wrong.told == RIGHT.told
    assert [show.light for show in wrong.home.lights] == [show.light for show in RIGHT.home.lights]
    assert len(RIGHT.told) > 25
    assert {kind.rpartition(".")[2] for kind, *_ in RIGHT.told} >= {"raised", "escalated", "cancelled"}


def heartbeats(first: float) -> list[float]:
    """Return the monotonic seconds of the heartbeats of ten minutes in which the clock jumps each minute."""
    home = HomeBench()
    times: list[float] = []
    for number in range(600):
        if number % 60 == 30:
            home.clock.set_wall(first + (-YEAR if number % 120 < 60 else YEAR), synced=bool(number % 3))
        home.puback_code = None
        home.unanswered.clear()
        home.advance(1.0)
        beats = [p for p in home.unanswered if isinstance(p, Publish) and p.topic.endswith("heartbeat")]
        times += [json.loads(p.payload)["data"]["uptime_ms"] / 1000 for p in beats]
        home.puback_code = 0
        home.answer_broker()
    return times


def test_heartbeats_come_each_minute_while_the_clock_jumps_by_years() -> None:
    for first in (0.0, 2**31):
        times = heartbeats(first)
        assert len(times) >= 9
        assert all(59 <= later - earlier <= 61 for earlier, later in pairwise(times))
