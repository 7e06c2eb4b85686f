"""Two homes live the same life, one of them with a model in the shadow: every event, light and note is the same.

A Hypothesis machine over the real core. Whatever a shadow posts, in whatever order and however often, only one of the
homes hears it; but for the counts in `audit.summary` nothing may tell the two apart.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from agent import core
from agent.assessment import Verdict
from agent.readings import ModelState, Scored, ScoringFailed, ShadowScored, ShadowState
from agent.statistics import Beside
from tests.home_bench import HomeBench

SAID = st.sampled_from([None, True, False])
SHADOW = st.one_of(
    st.builds(ShadowScored, SAID, SAID, st.none() | st.floats(0, 1)),
    st.builds(ShadowState, st.just("fall-waist/1.1.0"), st.none() | st.just("00" * 32), st.booleans(), st.text()),
)


class TwoHomes(RuleBasedStateMachine):
    """One life, twice."""

    @initialize()
    def move_in(self) -> None:
        self.plain, self.shadowed = (HomeBench(("primary", "secondary"), pre_alarm_s=5.0) for _ in range(2))
        self.triggers = 0
        self.compared = 0

    def both(self, what: str, *arguments: Any, **named: Any) -> None:
        for home in (self.plain, self.shadowed):
            getattr(home, what)(*arguments, **named)

    @rule(item=SHADOW, times=st.integers(1, 3))
    def the_shadow_says(self, item: ShadowScored | ShadowState, times: int) -> None:
        for _ in range(times):
            before = self.shadowed.state
            after, effects = core.step(before, item, self.shadowed.clock.now())
            assert effects == ()
            assert replace(after, shadow=before.shadow, statistics=before.statistics) == before
            self.shadowed.step(item)

    @rule(sensor=st.sampled_from(["bathroom-cord", "bedroom-button", "reset-button"]))
    def pull(self, sensor: str) -> None:
        self.both("pull", sensor)

    @rule(verdict=st.none() | st.sampled_from(list(Verdict)))
    def fall(self, verdict: Verdict | None) -> None:
        self.triggers += 1
        self.both("trigger", f"t{self.triggers}")
        if verdict is not None:
            self.both("assess", f"t{self.triggers}", verdict)

    @rule(item=st.sampled_from([
        ModelState("wearable", failing=True, detail="no", name="m"),
        ModelState("wearable", failing=False, detail="well", name="m/1", sha256="0"),
        Scored("t0", 0.5, 0.001), ScoringFailed("t0", "score_late", "late"),
    ]))  # fmt: skip
    def the_live_model_says(self, item: ModelState | Scored | ScoringFailed) -> None:
        self.both("step", item)

    @rule(act=st.sampled_from(["fail_disk", "mend_disk", "crash", "cut", "connect"]))
    def something_happens(self, act: str) -> None:
        self.both(act)

    @rule(seconds=st.sampled_from([0.5, 4.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.both("advance", seconds)

    @rule()
    def a_day_passes(self) -> None:
        for home in (self.plain, self.shadowed):
            home.clock.advance(24 * 3600.0)
        self.both("advance", 2.0)
        assert self.shadowed.state.statistics.beside == Beside()

    @invariant()
    def nothing_tells_them_apart(self) -> None:
        if not hasattr(self, "plain"):
            return
        assert self.shadowed.lights == self.plain.lights
        assert self.shadowed.logs == self.plain.logs
        assert self.shadowed.other == self.plain.other
        assert self.shadowed.disk.notes == self.plain.disk.notes
        told, wanted = self.shadowed.centre[self.compared :], self.plain.centre[self.compared :]
        assert [without_shadow(event) for event in told] == [without_shadow(event) for event in wanted]
        self.compared = len(self.plain.centre)


def without_shadow(event: dict[str, Any]) -> dict[str, Any]:
    return {**event, "data": {key: value for key, value in event["data"].items() if key != "shadow"}}


TestTwoHomes = TwoHomes.TestCase
TestTwoHomes.settings = settings(max_examples=8, stateful_step_count=20, deadline=None)
