"""A sensor that fell alone is no call; whoever may be in it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.assessment import Advice, Assessed, TriggerSeen, Verdict
from agent.clock import Now
from agent.effects import Score
from agent.inference import detector, drop, layout
from agent.inference.motion_features import Second
from agent.readings import MotionBatch, Scored, Tick
from agent.simulator.handling import dropped
from tests.unit.inference.motions import Floats, wearable

RATE_HZ = 100


class Judged:
    """Fall detection of one sensor, whose model is always sure of a fall."""

    def __init__(self, *others: str, **policy: object) -> None:
        judged = {name: wearable(**policy) for name in ("wearable", *others)}
        self.state, _ = detector.start(judged, None, Now(1000.0, 0.0, synced=True), id_prefix="t.")
        self.seen: list[TriggerSeen] = []
        self.assessed: list[tuple[float, Assessed]] = []
        self.score = 0.99
        self.answers_late = False

    def take(self, item: Any, at: float) -> None:
        self.state, out = self.state.step(item, Now(at, 0.0, synced=True))
        for one in out:
            if isinstance(one, TriggerSeen):
                self.seen.append(one)
            elif isinstance(one, Assessed):
                self.assessed.append((at, one))
            elif isinstance(one, Score) and not self.answers_late:
                self.take(Scored(one.trigger_id, self.score, 0.0), at)

    def live(self, xyz: Floats, without: range = range(0)) -> None:
        for first in range(0, len(xyz), 50):
            t = 1000.0 + np.arange(first, min(first + 50, len(xyz))) / RATE_HZ
            if first in without:
                self.take(Tick(), float(t[-1]))
            else:
                self.take(MotionBatch("wearable", t, xyz[first : first + 50]), float(t[-1]))
        for tenths in range(20):
            self.take(Tick(), float(t[-1]) + tenths / 10)

    @property
    def last(self) -> Assessed:
        (only,) = [told for _, told in self.assessed]
        return only


def fell_alone(seed: int = 1) -> Floats:
    return np.array(dropped(RATE_HZ, seed))[:, 1:]


def flight_of(xyz: Floats) -> float:
    """When the hardest blow came, in seconds."""
    return int(np.argmax(np.linalg.norm(xyz, axis=1))) / RATE_HZ


@pytest.mark.parametrize("seed", range(4))
def test_a_dropped_sensor_is_no_call_and_says_why(seed: int) -> None:
    unit = Judged()
    unit.live(fell_alone(seed))
    told = unit.last
    assert (told.assessment.verdict, told.audited, told.dropped) == (Verdict.FALSE_ALARM, True, True)
    assert any("without weight" in str(reason) for reason in told.assessment.reasons)
    assert any("the sensor was dropped" in str(reason) for reason in told.assessment.reasons)
    assert told.assessment.evidence["flight_ms"] >= drop.FLIGHT_MS
    assert told.assessment.evidence["unmoved_s"] == 10
    assert told.assessment.score == 0.99, "the centre sees that the model thought otherwise"
    assert told.assessment.advice is Advice.PHONE_FIRST


@pytest.mark.parametrize("breath_g", [0.003, 0.01, 0.05])
def test_a_person_who_fell_from_a_ladder_and_only_breathes_is_a_call(breath_g: float) -> None:
    xyz = fell_alone()
    t = np.arange(len(xyz)) / RATE_HZ
    xyz += np.outer(breath_g * np.sin(2 * np.pi * 0.25 * t), (0.3, 0.9, 0.3))
    unit = Judged()
    unit.live(xyz)
    assert (unit.last.assessment.verdict, unit.last.dropped) == (Verdict.CONFIRMED, False)
    at, _ = unit.assessed[0]
    assert at <= unit.seen[-1].answer_by


def test_a_movement_ends_the_watch_at_once() -> None:
    xyz = fell_alone()
    moves = round((flight_of(xyz) + 5.0) * RATE_HZ)
    xyz[moves : moves + 50] += 0.2
    unit = Judged()
    unit.live(xyz)
    assert unit.last.assessment.verdict is Verdict.CONFIRMED
    at, _ = unit.assessed[0]
    assert at - 1000.0 - flight_of(xyz) < 7.5


@pytest.mark.parametrize("lasting_s", [3.0, 6.0, 9.0])
def test_where_samples_end_or_are_missing_nobody_knows_and_the_call_goes_out(lasting_s: float) -> None:
    xyz = fell_alone()
    end = round((flight_of(xyz) + lasting_s) * RATE_HZ)
    ended = Judged()
    ended.live(xyz[:end])
    assert ended.last.assessment.verdict is Verdict.CONFIRMED
    torn = Judged()
    torn.live(xyz, without=range(end, end + 2 * RATE_HZ))
    assert torn.last.assessment.verdict is Verdict.CONFIRMED


def test_the_core_is_told_by_when_it_must_call() -> None:
    unit = Judged()
    xyz = fell_alone()
    unit.live(xyz[: round((flight_of(xyz) + 4.0) * RATE_HZ)])
    first, again = unit.seen[0], unit.seen[-1]
    assert first.trigger_id == again.trigger_id
    impact = 1000.0 + flight_of(xyz)
    assert impact + 12.5 < again.answer_by < impact + 14.0


def test_a_sensor_too_coarse_for_a_breath_is_never_taken_for_a_dropped_one() -> None:
    unit = Judged()
    unit.live(np.round(fell_alone() / 0.125) * 0.125)
    assert [told.assessment.verdict for _, told in unit.assessed] == [Verdict.CONFIRMED]


def test_no_flight_no_watch() -> None:
    xyz = fell_alone()
    size = np.linalg.norm(xyz, axis=1)
    xyz[size < 0.3] = (0.0, 0.4, 0.0)  # the knees carried a part of the weight
    unit = Judged()
    unit.live(xyz)
    assert {told.assessment.verdict for _, told in unit.assessed} == {Verdict.CONFIRMED}
    assert all(at - 1000.0 - flight_of(xyz) < 5.0 for at, _ in unit.assessed)


def test_what_the_model_would_not_call_is_not_held() -> None:
    unit = Judged()
    unit.score = 0.1
    unit.live(fell_alone())
    assert (unit.last.assessment.verdict, unit.last.dropped) == (Verdict.FALSE_ALARM, False)


def test_flight_is_measured_before_the_impact_and_only_where_it_was_measured() -> None:
    xyz = np.tile((0.0, 1.0, 0.0), (layout.LENGTH, 1))
    xyz[layout.BEFORE - 20 : layout.BEFORE] = (0.0, 0.1, 0.1)
    assert drop.flight_ms(xyz, layout.BEFORE) == 400
    assert drop.flight_ms(xyz, 10) == 200
    assert drop.flight_ms(xyz, 0) == 0


def test_it_is_audited_whatever_its_peak() -> None:
    unit = Judged(reference_g=4.0)
    xyz = fell_alone()
    size = np.linalg.norm(xyz, axis=1)
    xyz[size > 3.0] *= (3.0 / size[size > 3.0])[:, None]
    unit.live(xyz)
    assert (unit.last.over_reference, unit.last.dropped, unit.last.audited) == (False, True, True)


@pytest.mark.parametrize(("ms", "held"), [(260.0, False), (280.0, True)])
def test_how_long_it_flew_decides_whether_it_is_watched(
    ms: float, monkeypatch: pytest.MonkeyPatch, *, held: bool
) -> None:
    monkeypatch.setattr(drop, "flight_ms", lambda *_: ms)
    unit = Judged()
    unit.live(fell_alone())
    assert unit.last.dropped == held


def test_a_movement_that_was_seen_before_the_answer_came_is_not_waited_for_again() -> None:
    xyz = fell_alone()
    lands = round(flight_of(xyz) * RATE_HZ)
    xyz[lands + 150 : lands + 400] += np.random.default_rng(1).normal(0, 0.3, (250, 3))
    unit = Judged()
    unit.answers_late = True
    unit.live(xyz[: lands + 390])
    told = len(unit.seen)
    unit.take(Scored(unit.seen[-1].trigger_id, 0.99, 0.0), 1000.0 + lands / RATE_HZ + 3.9)
    assert unit.last.assessment.verdict is Verdict.CONFIRMED
    assert len(unit.seen) == told


def test_an_answer_that_comes_after_the_watch_is_over_suppresses_nothing() -> None:
    unit = Judged()
    unit.answers_late = True
    unit.live(fell_alone())
    unit.take(Scored(unit.seen[-1].trigger_id, 0.99, 0.0), 1000.0 + len(fell_alone()) / RATE_HZ)
    assert (unit.last.assessment.verdict, unit.last.dropped) == (Verdict.UNVERIFIED, False)
    assert "unmoved_s" not in unit.last.assessment.evidence


def test_what_another_sensor_shows_says_nothing_of_the_one_that_fell() -> None:
    unit = Judged("other")
    xyz = fell_alone()
    loud = np.array([0.0, 1.0, 0.0]) + np.random.default_rng(1).normal(0, 0.05, xyz.shape)
    for first in range(0, len(xyz), 50):
        t = 1000.0 + np.arange(first, min(first + 50, len(xyz))) / RATE_HZ
        for name, motion in (("other", loud), ("wearable", xyz)):
            unit.take(MotionBatch(name, t, motion[first : first + 50]), float(t[-1]))
    assert unit.last.dropped


# ---------------------------------------------------------------- the watch by itself


@pytest.mark.parametrize(("g", "ms"), [(0.249, 400), (0.251, 0)])
def test_weightless_is_less_than_a_quarter_g(g: float, ms: float) -> None:
    xyz = np.tile((0.0, 1.0, 0.0), (layout.LENGTH, 1))
    xyz[layout.BEFORE - 20 : layout.BEFORE] = (0.0, 0.0, g)
    assert drop.flight_ms(xyz, layout.BEFORE) == ms


def watched(*gravity: tuple[float, float, float], noise_g: float = 0.004) -> drop.Watch:
    """Return the watch after seconds on end, from when the bounces are over."""
    watch = drop.Watch(0.0)
    for number, one in enumerate(gravity):
        watch = drop.saw(watch, Second(drop.SETTLE_S + 1.0 + number, one, noise_g, walking=False))
    return watch


def scattered(by_g: float) -> list[tuple[float, float, float]]:
    """Ten seconds of gravity, up and down by so much."""
    return [(0.0, by_g * (-1) ** number, 1.0) for number in range(drop.SECONDS)]


def test_it_takes_ten_seconds() -> None:
    assert watched(*scattered(0.0)[:-1]).found is None
    assert watched(*scattered(0.0)).found is drop.Found.DROPPED


@pytest.mark.parametrize(("by_g", "found"), [(0.0008, drop.Found.DROPPED), (0.001, drop.Found.MOVED)])
def test_how_little_gravity_may_scatter(by_g: float, found: drop.Found) -> None:
    assert watched(*scattered(by_g)).found is found  # eight degrees of freedom of ten: 0.001 becomes 0.0011


def test_a_sensor_that_cools_in_a_straight_line_does_not_move() -> None:
    assert watched(*[(0.0, 0.002 * number, 1.0) for number in range(drop.SECONDS)]).found is drop.Found.DROPPED


@pytest.mark.parametrize(("noise_g", "found"), [(0.0002, None), (0.00019, "moved"), (0.0225, None), (0.0226, "moved")])
def test_more_than_noise_and_none_at_all_is_no_drop(noise_g: float, found: str | None) -> None:
    ended = watched((0.0, 0.0, 1.0), noise_g=noise_g).found
    assert (ended and ended.value) == found


def test_bounces_are_not_looked_at_and_a_missing_second_is_movement() -> None:
    watch = drop.Watch(0.0)
    bounces = Second(drop.SETTLE_S + 0.9, (0.0, 0.0, 1.0), 1.0, walking=False)
    assert drop.saw(watch, bounces) is watch
    first = watched((0.0, 0.0, 1.0))
    after_a_hole = Second(drop.SETTLE_S + 3.0, (0.0, 0.0, 1.0), 0.004, walking=False)
    assert drop.saw(first, after_a_hole).found is drop.Found.MOVED


def test_what_was_found_stays() -> None:
    ended = watched(*scattered(0.0))
    assert drop.saw(ended, Second(60.0, (1.0, 0.0, 0.0), 1.0, walking=False)) is ended
    assert drop.interrupted(ended) is ended
    assert drop.interrupted(watched((0.0, 0.0, 1.0))).found is drop.Found.MOVED
