"""A second look is walked at random: it keeps to its table, withdraws nothing, and says only what was seen.

What was seen is judged by a memory of the test's own: the list of seconds since the last impact.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.assessment import Advice, Verdict
from agent.call_table import Call
from agent.second_look import ENDED, TRANSITIONS, Phase, weigh
from tests.home_bench import HomeBench
from tests.person import Person

LYING_STILL_S = 15
SETTLED = 3
"""The first second that ends over 6 s after an impact: the person is assessed after 2.5 s, and seen from then on."""
WAYS = {(before, after) for (before, _), after in TRANSITIONS.items()}


@dataclass
class Watched:
    """What the test saw since the first impact of a fall; one letter a second: still, toss, walk, upright, blind."""

    seconds: str = ""
    uncertain: bool = False


class SecondLook(RuleBasedStateMachine):
    """A home with one person in it."""

    def __init__(self) -> None:
        super().__init__()
        self.home = HomeBench(pre_alarm_s=0.0)
        self.person = Person(self.home)
        self.watched = Watched()
        self.phase: Phase | None = None
        self.open: frozenset[str] = frozenset()
        self.doubted = False

    # ---------------------------------------------------------------- what happens

    @initialize(verdict=st.sampled_from([Verdict.UNCERTAIN, Verdict.CONFIRMED]))
    def begins_with_an_impact(self, verdict: Verdict) -> None:
        self._hit(verdict, 0.6 if verdict is Verdict.UNCERTAIN else 0.9)

    @rule(score=st.sampled_from([0.5, 0.6, 0.69]))
    def hits_something_and_the_model_is_not_sure(self, score: float) -> None:
        self._hit(Verdict.UNCERTAIN, score)

    @rule(verdict=st.sampled_from([Verdict.CONFIRMED, Verdict.FALSE_ALARM]))
    def hits_something(self, verdict: Verdict) -> None:
        self._hit(verdict, 0.9 if verdict is Verdict.CONFIRMED else 0.1)

    def _hit(self, verdict: Verdict, score: float) -> None:
        look = self.home.state.looks.get("wearable")
        since = self.home.clock.now().mono - look.impact_at if look else 1e9
        same = look is not None and look.phase not in (*ENDED, Phase.UP) and (look.called or since <= 5.0)
        self.watched = Watched(uncertain=same and self.watched.uncertain)
        self.watched.uncertain |= verdict is Verdict.UNCERTAIN
        self.phase = None  # another look, or the same one that an impact disturbs
        self.person.impact(verdict, score)
        self._look(None)

    @rule(seconds=st.sampled_from([1, 15, 20]))
    def lies_still(self, seconds: int) -> None:
        self._do("s", seconds)

    @rule(seconds=st.sampled_from([1, 3, 8]))
    def tosses(self, seconds: int) -> None:
        self._do("t", seconds)

    @rule(seconds=st.integers(1, 10))
    def walks(self, seconds: int) -> None:
        self._do("w", seconds)

    @rule(seconds=st.integers(1, 20))
    def sits(self, seconds: int) -> None:
        self._do("u", seconds)

    def _do(self, what: str, seconds: int) -> None:
        act = {"s": self.person.lie_still, "t": self.person.toss, "w": self.person.walk, "u": self.person.sit_still}
        if what == "w":
            act[what](seconds)
            self.watched.seconds += what * seconds
            self._look(self.phase)
            return
        for _ in range(seconds):
            act[what](1)
            self.watched.seconds += what
            self._look(self.phase)

    @rule()
    def goes_out_of_sight(self) -> None:
        self.person.be_out_of_sight(8.0)
        self.watched.seconds += "b"
        self._look(self.phase)

    @precondition(lambda self: self.open)
    @rule()
    def the_centre_closes_its_calls(self) -> None:
        for call_id in self.open:
            self.home.ack("closed", call_id=call_id)
        self.open = frozenset()

    # ---------------------------------------------------------------- what must hold

    def _look(self, before: Phase | None) -> None:
        look = self.home.state.looks["wearable"]
        if before is not None and look.phase is not before:
            steps = {before}  # a walk of several seconds may take two steps of the table
            for _ in range(2):
                steps |= {after for origin, after in WAYS if origin in steps}
            assert look.phase in steps, f"the table has no way from {before} to {look.phase}"
        if before in ENDED:
            assert look.phase is before
        self.phase = look.phase
        if "b" in self.watched.seconds:
            assert look.phase in ENDED, "who was out of sight is not seen again"
        raised = [call for call in self._calls() if (call.trigger_id or "").endswith(".look")]
        for call in raised:
            if call.call_id not in self.open:
                assert self.watched.uncertain
                assert self.watched.seconds.endswith("s" * LYING_STILL_S)
                assert "ttt" not in self.watched.seconds[SETTLED:]
                assert set(self.watched.seconds) <= {"s", "t", "u", "w"}

    def _calls(self) -> list[Call]:
        return [call for call in self.home.state.calls.under_way() if call.is_open]

    @invariant()
    def nothing_is_withdrawn(self) -> None:
        now = frozenset(call.call_id for call in self._calls())
        assert self.open <= now
        self.open = now
        assert not self.home.seen("call.cancelled")

    @invariant()
    def the_centre_is_told_when_the_advice_changes_and_only_then_by_a_look(self) -> None:
        for call in self._calls():
            told = [
                event["data"]["assessment"]
                for event in self.home.seen("call.raised", "call.updated")
                if event["data"]["call_id"] == call.call_id
            ]
            judged = call.judged
            assert judged is not None
            assert told[-1]["advice"] == judged.advice.value
            assert told[-1]["score"] == judged.score
            for first, second in pairwise(told):
                looked = "model_score" in first["evidence"] and "model_score" in second["evidence"]
                assert not looked or first["advice"] != second["advice"], "the same was told twice"

    @invariant()
    def score_and_advice_go_with_what_was_seen(self) -> None:
        for call in self._calls():
            given, judged, seen = call.assessment, call.judged, call.seen
            assert given is not None
            assert judged is not None
            assert judged.verdict.is_call
            if seen is None or given.score is None:
                continue
            assert judged == weigh(given, seen)
            model = judged.evidence["model_score"]
            assert judged.score is not None
            assert (judged.score > model) if seen.lies else (judged.score < model)
            assert judged.advice is (Advice.DISPATCH if seen.lies else Advice.PHONE_FIRST)
            assert str(seen.seconds) in judged.reasons[-1].en
            assert str(seen.seconds) in judged.reasons[-1].da
            assert float(seen.seconds) in (judged.evidence.get("look_still_s"), judged.evidence.get("look_walking_s"))

    @invariant()
    def memory_stays_flat(self) -> None:
        assert set(self.home.state.looks) <= {"wearable"}


SecondLook.TestCase.settings = settings(max_examples=10, stateful_step_count=8, deadline=None)
test_a_second_look = SecondLook.TestCase


def test_a_look_never_touches_a_call_of_another_sensor() -> None:
    home = HomeBench(pre_alarm_s=0.0)
    person = Person(home)
    home.pull()
    person.impact(Verdict.CONFIRMED, 0.9)
    person.walk(8)
    by_hand = [call for call in home.state.calls.under_way() if call.origin.kind == "manual"]
    assert [call.seen for call in by_hand] == [None]
