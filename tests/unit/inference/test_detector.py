from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from agent import second_look
from agent.assessment import Advice, Assessed, FallDetection, Observation, TriggerSeen, Verdict
from agent.clock import Now
from agent.effects import Log, SaveNote, Score
from agent.inference import detector, policy
from agent.inference.detector import ANSWER_S, FallDetector, Out, Wearable
from agent.inference.layout import CHANNELS
from agent.inference.policy import Unasked
from agent.inference.trigger import SOFT
from agent.profiles import FallPolicy
from agent.readings import Item, ModelState, MotionBatch, Scored, ScoringFailed, Tick
from tests.unit.inference.motions import batch, fall, jolts, times, wearable
from tests.unit.inference.test_stream import sinking

LOADED = ModelState("wearable", failing=False, detail="", name="fall-test", sha256="0" * 64)
BROKEN = ModelState("wearable", failing=True, detail="gone")


@dataclass
class Unit:
    """Feeds a detector and keeps what came out; answers `Score` with `answer` (None: leaves it unanswered)."""

    state: FallDetection
    answer: float | str | None = 0.9
    mono: float = 1000.0

    def __post_init__(self) -> None:
        self.out: list[Out] = []

    def feed(self, item: Item, mono: float | None = None) -> None:
        self.mono = self.mono if mono is None else mono
        self.state, out = self.state.step(item, Now(self.mono, 0.0))
        self.out += out
        for effect in out:
            if isinstance(effect, Score) and self.answer is not None:
                trigger = effect.trigger_id
                failed = isinstance(self.answer, str)
                self.feed(
                    ScoringFailed(trigger, self.answer, "") if failed else Scored(trigger, float(self.answer), 0.0)
                )

    def play(self, motion: MotionBatch) -> None:
        for i in range(0, len(motion.times), 5):
            piece = MotionBatch(motion.sensor, motion.times[i : i + 5], motion.xyz_g[i : i + 5])
            self.feed(piece, float(piece.times[-1]))

    @property
    def assessed(self) -> list[Assessed]:
        return [o for o in self.out if isinstance(o, Assessed)]

    @property
    def seen(self) -> list[TriggerSeen]:
        return [o for o in self.out if isinstance(o, TriggerSeen)]


def unit(
    answer: float | str | None = 0.9, *, note: str | None = None, setup: Wearable | None = None, budget: bool = True
) -> Unit:
    state, out = detector.start(
        {"wearable": setup or wearable()}, note, Now(900.0, 0.0), id_prefix="b1.", budget=budget
    )
    made = Unit(state, answer)
    made.out += out
    return made


def one_fall(seconds: float = 10.0, peak_g: float = 4.0) -> MotionBatch:
    t = times(seconds)
    return batch(t, fall(t, 1005.0, peak_g))


def ready(answer: float | str | None = 0.9, **options: object) -> Unit:
    made = unit(answer, **options)  # type: ignore[arg-type]  # because the options are those of unit()
    made.feed(LOADED)
    return made


def test_a_fall_is_seen_scored_and_confirmed() -> None:
    u = ready(0.97)
    u.play(one_fall())
    assert [s.trigger_id for s in u.seen] == ["b1.wearable.1"] * len(u.seen)
    assert u.seen[-1].over_reference
    assert u.seen[0].answer_by == pytest.approx(u.seen[0].impact_at + ANSWER_S + 2.0)
    (score,) = [o for o in u.out if isinstance(o, Score)]
    assert score.window.shape == (200, len(CHANNELS))
    (told,) = u.assessed
    assert told.trigger_id == "b1.wearable.1"
    assert told.impact_at == pytest.approx(1005.0, abs=0.021)
    assert told.assessment.verdict is Verdict.CONFIRMED
    assert told.assessment.advice is Advice.DISPATCH
    assert told.assessment.model == "fall-test/1.0.0"
    assert told.assessment.threshold == 0.6
    assert told.assessment.score == 0.97
    assert not told.audited


def test_the_answer_is_there_before_the_deadline_of_the_model_begins() -> None:
    u = ready(None)
    u.play(one_fall())
    (waiting,) = u.state.waiting.values()  # type: ignore[attr-defined]  # because it is a FallDetector
    scored_at = next(i for i, o in enumerate(u.out) if isinstance(o, Score))
    assert scored_at
    assert waiting.answer_by - 2.0 - ANSWER_S < 1005.0 + 0.1


def test_a_suppression_over_the_reference_is_audited_and_one_below_is_not() -> None:
    for peak, audited in ((4.0, True), (2.0, False)):
        u = ready(0.1)
        u.play(one_fall(peak_g=peak))
        (told,) = u.assessed
        assert told.assessment.verdict is Verdict.FALSE_ALARM
        assert told.over_reference is audited
        assert told.audited is audited


def test_an_uncertain_one_is_audited_at_any_peak_and_draws_on_the_budget() -> None:
    u = ready(0.55)
    u.play(one_fall(peak_g=2.0))
    (told,) = u.assessed
    assert told.assessment.verdict is Verdict.UNCERTAIN
    assert told.audited
    assert told.budget_left == 4
    (note,) = [o for o in u.out if isinstance(o, SaveNote)]
    assert note.key == policy.BUDGET_NOTE
    again = ready(0.55, note=note.body)
    again.play(one_fall(peak_g=2.0))
    assert again.assessed[0].budget_left == 3


def test_a_spent_budget_calls_and_no_budget_never_does() -> None:
    t = times(40)
    motion = batch(t, jolts(t))
    spent = ready(0.55)
    spent.play(motion)
    verdicts = [a.assessment.verdict for a in spent.assessed if "ended" not in a.assessment.reasons[0].en]
    assert verdicts[:5] == [Verdict.UNCERTAIN] * 5
    assert set(verdicts[5:]) == {Verdict.UNVERIFIED}
    assert spent.assessed[5].assessment.reasons[0].en == "uncertain, and the budget for uncertain triggers is spent"
    free = ready(0.55, budget=False)
    free.play(motion)
    assert {a.assessment.verdict for a in free.assessed} == {Verdict.UNCERTAIN}
    assert not [o for o in free.out if isinstance(o, SaveNote)]


@pytest.mark.parametrize("code", [c.value for c in Unasked] + ["something unheard of"])
def test_whatever_makes_scoring_fail_is_a_call(code: str) -> None:
    u = ready(code)
    u.play(one_fall(peak_g=2.0))
    (told,) = u.assessed
    assert told.assessment.verdict is Verdict.UNVERIFIED
    assert told.assessment.score is None


def test_no_number_is_a_call() -> None:
    u = ready(math.nan)
    u.play(one_fall())
    (told,) = u.assessed
    assert told.assessment.verdict is Verdict.UNVERIFIED
    assert told.assessment.score is None


@pytest.mark.parametrize("states", [[BROKEN], [LOADED, BROKEN]])
def test_a_model_that_is_known_to_fail_is_not_waited_for(states: list[ModelState]) -> None:
    u = unit()
    for state in states:
        u.feed(state)
    u.play(one_fall(peak_g=2.0))
    assert not [o for o in u.out if isinstance(o, Score)]
    (told,) = u.assessed
    assert told.assessment.verdict is Verdict.UNVERIFIED


def test_a_model_that_was_not_heard_of_yet_is_asked_and_its_deadline_runs() -> None:
    u = unit(0.1)
    u.play(one_fall())
    assert u.assessed[0].assessment.verdict is Verdict.FALSE_ALARM


def test_a_model_that_recovers_is_asked_again() -> None:
    u = unit(0.1)
    for state in (BROKEN, LOADED):
        u.feed(state)
    u.play(one_fall())
    assert u.assessed[0].assessment.verdict is Verdict.FALSE_ALARM


def test_without_a_card_every_trigger_is_a_call() -> None:
    u = unit(setup=Wearable(FallPolicy(), None))
    u.feed(LOADED)
    u.play(one_fall(peak_g=1.8))
    (told,) = u.assessed
    assert told.assessment.verdict is Verdict.UNVERIFIED
    assert told.assessment.model is None


def test_a_late_answer_can_not_suppress() -> None:
    u = ready(None)
    u.play(one_fall())
    deadline = u.seen[0].answer_by
    u.feed(Scored("b1.wearable.1", 0.01, 9.0), deadline + 0.01)
    (told,) = u.assessed
    assert told.assessment.verdict is Verdict.UNVERIFIED
    assert told.assessment.reasons[0].en == "the model answered too late"


def test_answers_to_nothing_are_ignored() -> None:
    u = ready(None)
    u.play(one_fall())
    for item in (
        Scored("b0.wearable.1", 0.1, 0.0),
        ScoringFailed("x", "y", "z"),
        batch(times(1), np.ones((50, 3)), "other"),
    ):
        u.feed(item)
    assert not u.assessed


def test_when_the_data_stop_the_clock_notices() -> None:
    u = ready(0.1)
    motion = one_fall()
    until = motion.times <= 1005.5
    u.play(MotionBatch("wearable", motion.times[until], motion.xyz_g[until]))
    due = u.state.next_deadline()
    assert due is not None
    assert 1006.0 < due < 1007.0
    u.feed(Tick(), due - 0.01)
    assert not u.assessed
    u.feed(Tick(), due)
    (told,) = u.assessed
    assert told.assessment.verdict is Verdict.UNVERIFIED
    assert "ended within a second" in told.assessment.reasons[0].en
    assert u.state.next_deadline() is None


def test_a_sensor_that_sticks_at_its_full_scale_is_a_call_whatever_the_model_would_say() -> None:
    u = ready(0.01)
    t = times(10)
    xyz = np.tile([0.0, 1.0, 0.0], (len(t), 1))
    xyz[250:258] = [16.0, 0.0, 0.0]
    u.play(batch(t, xyz))
    assert u.assessed[0].assessment.verdict is Verdict.UNVERIFIED
    assert u.assessed[0].assessment.reasons[0].en == "the sensor reported a harder shock than a body can have had"
    assert not [o for o in u.out if isinstance(o, Score)]


def test_quiet_wearing_needs_no_clock() -> None:
    u = ready()
    t = times(5)
    u.play(batch(t, np.tile([0.0, 1.0, 0.0], (len(t), 1))))
    assert u.state.next_deadline() is None
    assert not u.seen


def test_a_reference_below_the_trigger_lowers_it_so_that_nothing_is_silent() -> None:
    u = ready(0.1, setup=wearable(reference_g=1.3))
    u.play(one_fall(peak_g=1.5))
    assert u.assessed[0].over_reference
    assert u.assessed[0].audited


def test_two_wearables_do_not_meet() -> None:
    state, _ = detector.start({"left": wearable(), "right": wearable()}, None, Now(900.0, 0.0), id_prefix="")
    u = Unit(state, 0.9)
    for name in ("left", "right"):
        u.feed(replace(LOADED, sensor=name))
    motion = one_fall()
    for i in range(0, len(motion.times), 10):
        for name, delay in (("left", 0.0), ("right", 0.3)):
            u.feed(
                MotionBatch(name, motion.times[i : i + 10] + delay, motion.xyz_g[i : i + 10]), float(motion.times[i])
            )
    assert sorted(a.sensor for a in u.assessed) == ["left", "right"]
    assert u.assessed[1].impact_at - u.assessed[0].impact_at == pytest.approx(0.3, abs=0.021)


def test_a_score_that_never_comes_is_forgotten_in_the_end() -> None:
    u = ready(None)
    for hour in range(3):
        t = times(10, start=1000.0 + 3600 * hour)
        u.play(batch(t, fall(t, t[0] + 5.0)))
    assert isinstance(u.state, FallDetector)
    assert len(u.state.waiting) == 1


def test_an_unreadable_budget_note_is_told() -> None:
    assert [o for o in unit(note="{").out if isinstance(o, Log)]


def test_each_second_is_told_until_the_look_is_over_and_none_before_a_trigger() -> None:
    judged = {"wearable": wearable(second_look_s=20, lying_still_s=10)}
    told = Unit(detector.start(judged, None, Now(1000.0, 0.0), id_prefix="b.")[0])
    t = times(40)
    told.play(batch(t, fall(t, 1005.0)))
    seconds = [o.at for o in told.out if isinstance(o, Observation)]
    began_at, impact_at = told.seen[0].impact_at, told.seen[-1].impact_at
    assert began_at <= seconds[0] <= began_at + 1.0
    assert impact_at + 20.0 <= seconds[-1] <= impact_at + 21.0
    assert np.allclose(np.diff(seconds), 1.0)


@pytest.mark.parametrize("impact_at", [1004.48, 1004.5, 1004.52])
def test_what_becomes_of_a_soft_trigger_is_looked_at_although_it_is_told_so_late(impact_at: float) -> None:
    t = times(25)
    judged = wearable()
    assert judged.card is not None
    soft = replace(judged, card=judged.card.model_copy(update={"soft_trigger": SOFT}))
    told = Unit(detector.start({"wearable": soft}, None, Now(1000.0, 0.0), id_prefix="b.")[0], answer=0.55)
    told.play(batch(t, sinking(t + 1005.0 - impact_at, 1.5, 80.0)))
    look = second_look.triggered(None, told.seen[0])
    for second in (o for o in told.out if isinstance(o, Observation)):
        look = second_look.observe(look, second, second_look.Limits(look_s=120.0, lying_still_s=15.0))
    assert look.phase is second_look.Phase.LYING_SINCE
