from __future__ import annotations

import numpy as np
import pytest

from agent.inference import stream
from agent.inference.motion_features import Second
from agent.inference.stream import Began, Found, MotionStream, Ready
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


def sinking(t: Floats, peak_g: float, degrees: float) -> Floats:
    """Standing, a faint bump at 1005 s, then leaning by so many degrees."""
    angle = np.radians(degrees)
    xyz = np.where((t < 1005.0)[:, None], STANDING, [np.sin(angle), np.cos(angle), 0.0])
    xyz[np.abs(t - 1005.0) < 0.0301] *= peak_g
    return xyz


def test_a_faint_impact_is_a_trigger_where_the_posture_changed_with_it() -> None:
    t = times(10)
    began, ready = events_of(t, sinking(t, 1.5, 80.0))
    assert isinstance(began, Began)
    assert isinstance(ready, Ready)
    assert (began.number, ready.number) == (1, 1)
    assert began.peak_g == ready.peak_g == pytest.approx(1.5, abs=0.05)
    assert not began.over_reference


@pytest.mark.parametrize("chunk", [1, 5, 50, 500])
def test_where_gravity_was_before_a_faint_impact_is_still_known_when_it_is_told(chunk: int) -> None:
    t = times(10)
    xyz = sinking(t, 1.5, 80.0)
    state, events = MotionStream(), list[Found]()
    for start in range(0, len(t), chunk):
        state, news = stream.push(state, t[start : start + chunk], xyz[start : start + chunk])
        events += news
    (began,) = [event for event in events if isinstance(event, Began)]
    assert began.crossing_at < began.impact_at
    assert began.gravity_before == pytest.approx((0.0, 1.0, 0.0))


@pytest.mark.parametrize(("peak_g", "degrees"), [(1.5, 40.0), (1.35, 80.0)])
def test_a_faint_impact_alone_is_none(peak_g: float, degrees: float) -> None:
    t = times(10)
    assert events_of(t, sinking(t, peak_g, degrees)) == []


def test_an_impact_over_the_level_is_one_trigger_and_not_a_soft_one_as_well() -> None:
    t = times(10)
    assert [r.number for r in ready_of(t, sinking(t, 1.8, 80.0))] == [1]


def test_a_faint_impact_after_which_the_data_end_is_none() -> None:
    t = times(5.9)
    assert events_of(t, sinking(t, 1.5, 80.0)) == []


def test_numbers_follow_the_samples_whatever_the_kind() -> None:
    t = times(14)
    xyz = sinking(t, 1.5, 80.0)
    xyz[450] *= 3.0  # after the faint impact, and before its window is complete
    xyz[560] *= 3.0
    numbered = [(r.number, round(r.impact_at - 1000, 1)) for r in ready_of(t, xyz)]
    assert numbered == [(1, 5.0), (2, 9.0), (3, 11.2)]


def test_without_soft_triggers_there_are_none() -> None:
    t = times(10)
    _, events = stream.push(MotionStream(soft=None), t, sinking(t, 1.5, 80.0))
    assert [event for event in events if not isinstance(event, Second)] == []


@pytest.mark.parametrize(("hard_at", "numbers"), [(140, [1]), (310, [1]), (100, [1, 2]), (340, [1, 2])])
def test_what_the_window_of_a_trigger_proper_shows_is_no_soft_one(hard_at: int, numbers: list[int]) -> None:
    t = times(12)
    xyz = sinking(t, 1.5, 80.0)  # at sample 250
    xyz[hard_at] *= 3.0
    assert sorted(r.number for r in ready_of(t, xyz)) == numbers
