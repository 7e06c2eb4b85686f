from __future__ import annotations

import numpy as np
import pytest

from agent.directions import angle_deg
from agent.inference import stream
from agent.inference.motion_features import Second
from agent.inference.stream import MotionStream
from agent.simulator.motions import MOTIONS
from tests.unit.inference.motions import Floats, jolts, times

UPRIGHT = (0.0, 0.0, 1.0)


def seconds_of(t: Floats, xyz: Floats) -> list[Second]:
    state, events = stream.push(MotionStream(), t, xyz)
    events += stream.finish(state)[1]
    return [event for event in events if isinstance(event, Second)]


def seconds_of_motion(name: str, seed: int = 1, rate_hz: float = 100.0) -> list[Second]:
    made = np.array(MOTIONS[name](rate_hz, seed))
    return seconds_of(made[:, 0], made[:, 1:])


def test_a_second_says_when_it_ended_where_gravity_is_and_how_much_moved() -> None:
    t = times(3.5)
    xyz = np.tile([0.0, 0.6, 0.8], (len(t), 1))
    xyz[50:100:2] += [0.1, 0.0, 0.0]
    xyz[51:100:2] -= [0.1, 0.0, 0.0]
    found = seconds_of(t, xyz)
    assert [second.at for second in found] == pytest.approx([1001.0, 1002.0, 1003.0])
    assert [second.moving_g for second in found] == pytest.approx([0.0, 0.1, 0.0], abs=1e-9)
    for second in found:
        assert second.gravity == pytest.approx((0.0, 0.6, 0.8))


def test_turning_on_the_spot_is_movement() -> None:
    t = times(1.0)
    lean = np.radians(np.linspace(0, 20, len(t)))
    xyz = np.stack([np.sin(lean), np.zeros(len(t)), np.cos(lean)], axis=1)
    assert np.ptp(np.sqrt((xyz * xyz).sum(axis=1))) < 1e-9
    assert seconds_of(t, xyz)[0].moving_g > 0.09


def test_a_gap_takes_its_unfinished_second_with_it() -> None:
    t = np.concatenate((times(1.7), times(1.3, start=1005.0)))
    found = seconds_of(t, np.tile([0.0, 1.0, 0.0], (len(t), 1)))
    assert [second.at for second in found] == pytest.approx([1001.0, 1006.0])


@pytest.mark.parametrize("name", ["walking", "jogging"])
def test_steps_are_seen_once_there_are_four_seconds_of_them(name: str) -> None:
    for seed in range(4):
        walking = [second.walking for second in seconds_of_motion(name, seed)]
        assert not any(walking[:3])
        assert sum(walking) >= 4


@pytest.mark.parametrize("name", ["standing", "lying", "sitting-down-softly", "sitting-down-hard"])
def test_what_is_no_walk_has_no_steps(name: str) -> None:
    assert not any(second.walking for seed in range(4) for second in seconds_of_motion(name, seed))


def test_steps_that_are_too_quick_are_a_tremor() -> None:
    t = times(10)
    assert any(second.walking for second in seconds_of(t, jolts(t, every_s=0.6, peak_g=1.5)))
    shaking = np.tile([0.0, 1.0, 0.0], (len(t), 1))
    shaking[:, 1] += 0.2 * np.sin(2 * np.pi * 0.3 * t)  # slower than any walk
    assert not any(second.walking for second in seconds_of(t, shaking))


def test_the_angle_between_two_directions() -> None:
    assert angle_deg(UPRIGHT, (1.0, 0.0, 0.0)) == pytest.approx(90)
    assert angle_deg(UPRIGHT, (0.0, 0.0, -2.0)) == pytest.approx(180)
    assert angle_deg(UPRIGHT, UPRIGHT) == 0.0
    assert angle_deg(UPRIGHT, (0.0, 0.1, 0.0)) is None
