"""A sensor that fell alone is no call; whoever may be in it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agent.assessment import Assessed, TriggerSeen, Verdict
from agent.clock import Now
from agent.inference import detector, drop, layout
from agent.inference.motion_features import Second
from agent.readings import MotionBatch, Scored, Tick
from agent.simulator.handling import dropped
from tests.unit.inference.motions import Floats, wearable

RATE_HZ = 100


class Judged:
    """Fall detection of one sensor, whose model is always sure of a fall."""

    def __init__(self) -> None:
        judged = {"wearable": wearable()}
        self.state, _ = detector.start(judged, None, Now(1000.0, 0.0, synced=True), id_prefix="t.")
        self.seen: list[TriggerSeen] = []
        self.assessed: list[tuple[float, Assessed]] = []
        self.score = 0.99

    def take(self, item: Any, at: float) -> None:
        self.state, out = self.state.step(item, Now(at, 0.0, synced=True))
        for one in out:
            if isinstance(one, TriggerSeen):
                self.seen.append(one)
            elif isinstance(one, Assessed):
                self.assessed.append((at, one))
            elif type(one).__name__ == "Score":
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


def test_a_second_of_no_noise_at_all_is_a_sensor_that_shows_nothing() -> None:
    watch = drop.saw(drop.Watch(0.0), Second(3.0, (0.0, 0.0, 1.0), 0.0, walking=False))
    assert watch.found is drop.Found.MOVED
