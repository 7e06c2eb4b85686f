from __future__ import annotations

import numpy as np
import pytest

from agent.inference import stream
from agent.inference.motion_features import Second
from agent.inference.stream import Began, MotionStream, Ready
from tests.unit.inference.motions import LYING, STANDING, Floats, fall, times


def events_of(t: Floats, xyz: Floats) -> list[Began | Ready]:
    state, events = stream.push(MotionStream(), t, xyz)
    _, rest = stream.finish(state)
    return [event for event in [*events, *rest] if not isinstance(event, Second)]


def ready_of(t: Floats, xyz: Floats) -> list[Ready]:
    return [event for event in events_of(t, xyz) if isinstance(event, Ready)]


def test_a_window_lies_around_the_impact() -> None:
    t = times(10)
    (ready,) = ready_of(t, fall(t, impact_at=1005.0))
    assert ready.impact_at == pytest.approx(1005.0, abs=0.021)
    assert ready.peak_g == pytest.approx(4.0, abs=0.05)
    assert ready.xyz.shape == (200, 3)
    assert not ready.damaged
    magnitude = np.sqrt((ready.xyz**2).sum(axis=1))
    assert int(magnitude.argmax()) == 75
    np.testing.assert_allclose(ready.xyz[0], STANDING, atol=1e-6)
    np.testing.assert_allclose(ready.xyz[-1], LYING, atol=1e-6)


def test_the_impact_is_the_largest_within_a_second_of_the_crossing() -> None:
    t = times(10)
    xyz = np.tile(STANDING, (len(t), 1))
    for at, g in ((1004.0, 1.7), (1004.98, 3.0), (1005.5, 5.0)):
        xyz[np.argmin(np.abs(t - at))] *= g
    first, second = ready_of(t, xyz)
    assert first.impact_at == pytest.approx(1004.98)
    assert first.crossing_at == pytest.approx(1004.0)
    assert second.impact_at == pytest.approx(1005.5)


def test_several_windows_may_wait_at_once() -> None:
    t = times(12)
    xyz = np.tile(STANDING, (len(t), 1))
    xyz[[200, 260, 320]] *= 3.0
    ready = ready_of(t, xyz)
    assert [r.number for r in ready] == [1, 2, 3]
    assert [round((r.impact_at - 1000) * 50) for r in ready] == [200, 260, 320]


def test_below_the_level_nothing_is_a_trigger() -> None:
    t = times(6)
    xyz = np.tile(STANDING, (len(t), 1))
    xyz[150] *= 1.59
    assert events_of(t, xyz) == []


def test_growth_over_the_reference_is_told_once_and_before_the_window() -> None:
    t = times(8)
    xyz = np.tile(STANDING, (len(t), 1))
    for i, g in ((200, 1.8), (205, 2.0), (210, 2.5), (215, 4.0)):
        xyz[i] *= g
    began = [e for e in events_of(t, xyz) if isinstance(e, Began)]
    assert [(e.over_reference, round(e.peak_g, 1)) for e in began] == [(False, 1.8), (True, 2.5)]
    assert began[0].number == began[1].number == 1


@pytest.mark.parametrize(("after_s", "damaged"), [(0.0, True), (0.5, True), (0.98, True), (1.0, False), (2.0, False)])
@pytest.mark.parametrize("gap", [False, True])
def test_data_that_end_within_a_second_of_the_impact_are_a_damaged_window(
    after_s: float,
    *,
    damaged: bool,
    gap: bool,
) -> None:
    t = times(20)
    xyz = fall(t, impact_at=1005.0)
    kept = t <= 1005.0 + after_s + 1e-6
    if gap:
        kept |= t > 1005.0 + after_s + 2.0
    (ready,) = ready_of(t[kept], xyz[kept])
    assert ready.damaged is damaged
    assert ready.after == round(min(after_s, 2.48) * 50)
    np.testing.assert_array_equal(
        ready.xyz[75 + ready.after :], np.tile(ready.xyz[75 + ready.after], (125 - ready.after, 1))
    )


def test_missing_history_holds_the_first_sample_backwards() -> None:
    t = times(6)
    (ready,) = ready_of(t, fall(t, impact_at=1000.6))
    assert ready.before == 30
    np.testing.assert_array_equal(ready.xyz[:46], np.tile(ready.xyz[45], (46, 1)))


def test_a_trigger_waits_for_the_clock_only_while_it_needs_samples() -> None:
    t = times(5)
    xyz = fall(t, impact_at=1004.0)
    state, _ = stream.push(MotionStream(), t[:100], xyz[:100])
    assert not state.awaits
    state, _ = stream.push(state, t[100:], xyz[100:])
    assert state.awaits
    state, events = stream.finish(state)
    assert not state.awaits
    assert state.last_at is None
    assert [type(e) for e in events if not isinstance(e, Second)] == [Ready]
    assert stream.finish(state) == (state, [])
