"""Golden vectors: numbers worked out by hand, so that a change of the pipeline can't pass unseen."""

from __future__ import annotations

import numpy as np
import pytest

from agent.inference.channels import LIMIT, channels, compressed, gravity_before, smoothed
from agent.inference.layout import CHANNELS
from tests.unit.inference.motions import LYING, STANDING, fall, times


def test_standing_still_is_zero_but_for_the_tilt() -> None:
    out = channels(np.tile(STANDING, (200, 1)))
    assert out.shape == (200, len(CHANNELS))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, np.tile([0.0, 0.0, 0.0, 2.0, 0.0], (200, 1)), atol=1e-7)


def test_lying_after_standing() -> None:
    xyz = np.concatenate((np.tile(STANDING, (75, 1)), np.tile(LYING, (125, 1))))
    out = channels(xyz)
    np.testing.assert_allclose(
        out[150], [0.0, -4 / 3, 4 / 3, 0.0, 0.0], atol=1e-6
    )  # |a| 1, nothing along gravity, all sideways
    np.testing.assert_allclose(out[70, 3], 2 * 17 / np.hypot(17, 8), rtol=1e-6)  # 17 samples of 25 stand, 8 lie: mean


def test_blow_and_free_fall() -> None:
    xyz = np.tile(STANDING, (200, 1))
    xyz[60:70] *= 0.2
    xyz[75] = [3.0, 5.0, 4.0]
    xyz[76] = [0.0, 40.0, 0.0]
    out = channels(xyz)
    np.testing.assert_allclose(out[65, :3], [-3.2 / 2.8, -3.2 / 2.8, 0.0], atol=1e-6)
    hard = np.sqrt(50) - 1
    np.testing.assert_allclose(out[75, :3], [4 * hard / (hard + 2), 16 / 6, 20 / 7], rtol=1e-6)
    np.testing.assert_allclose(out[76, :2], [156 / 41, 156 / 41], rtol=1e-6)


@pytest.mark.parametrize(("degrees", "cosine"), [(0, 1.0), (60, 0.5), (90, 0.0), (120, -0.5), (180, -1.0)])
def test_tilt_is_the_cosine_of_the_angle_to_standing_doubled(degrees: float, cosine: float) -> None:
    angle = np.radians(degrees)
    leaning = np.array([np.sin(angle), np.cos(angle), 0.0])
    out = channels(np.concatenate((np.tile(STANDING, (75, 1)), np.tile(leaning, (125, 1)))))
    sideways = abs(np.sin(angle))
    expected = [0.0, 4 * (cosine - 1) / (3 - cosine), 4 * sideways / (sideways + 2), 2 * cosine, 0.0]
    np.testing.assert_allclose(out[150], expected, atol=1e-6)


def test_no_shock_is_beyond_the_limit_nor_is_the_tilt() -> None:
    xyz = np.tile(STANDING, (200, 1))
    xyz[100:150] = [0.0, -40.0, 30.0]
    out = channels(xyz)
    np.testing.assert_allclose(out[125, :3], [196 / 51, -164 / 43, 120 / 32], rtol=1e-6)
    np.testing.assert_allclose(out[125, 3], -2 * 0.8, rtol=1e-6)  # 40 of 50 g against gravity
    np.testing.assert_allclose(out[125, 4], LIMIT)
    assert np.abs(out).max() <= LIMIT


def test_the_harder_the_shock_the_less_a_difference_counts() -> None:
    shocks = np.array([-1.0, 0.0, 0.1, 1.0, 2.0, 6.0, 1000.0])
    out = compressed(shocks)
    np.testing.assert_allclose(out[:-1], [-4 / 3, 0.0, 4 / 21, 4 / 3, 2.0, 3.0])
    assert (np.diff(out) > 0).all()
    assert out[-1] < LIMIT
    np.testing.assert_array_equal(compressed(-shocks), -out)


def test_no_gravity_before_means_no_direction() -> None:
    xyz = np.zeros((200, 3))
    xyz[100:] = LYING
    out = channels(xyz)
    assert np.isfinite(out).all()
    assert not gravity_before(xyz).any()
    np.testing.assert_allclose(out[150], [0.0, -4 / 3, 4 / 3, 0.0, 0.0], rtol=1e-6)


def test_many_windows_are_the_same_as_each_alone() -> None:
    many = np.random.default_rng(3).normal(0, 1, (7, 200, 3))
    assert channels(many).tobytes() == np.stack([channels(one) for one in many]).tobytes()  # training, and the unit


def test_smoothing_holds_the_ends() -> None:
    ramp = np.arange(200.0)[:, None] * np.ones(3)
    slow = smoothed(ramp)
    np.testing.assert_allclose(slow[100], ramp[100])
    assert slow[0, 0] == pytest.approx(np.arange(13).sum() / 25)
    assert slow[199, 0] == pytest.approx(199 - np.arange(13).sum() / 25)


def test_gravity_is_the_direction_of_the_first_second_and_of_no_sample_after_it() -> None:
    xyz = np.tile([0.0, 30.0, -40.0], (200, 1))
    xyz[:25], xyz[25:50] = [0.0, 1.6, 0.0], [1.6, 0.0, 0.0]
    np.testing.assert_allclose(gravity_before(xyz), [np.sqrt(0.5), np.sqrt(0.5), 0.0], atol=1e-12)


@pytest.mark.parametrize(("length", "is_one"), [(0.199, 0.0), (0.201, 1.0)])
def test_a_mean_under_a_fifth_of_gravity_is_no_direction(length: float, is_one: float) -> None:
    assert gravity_before(np.tile([0.0, 0.0, -length], (200, 1)))[2] == pytest.approx(-is_one)


def test_what_a_sensor_adds_to_gravity_turns_it_but_makes_it_no_longer() -> None:
    out = channels(np.tile([0.0, 1.1, 0.0], (200, 1)))
    np.testing.assert_allclose(out[100], [0.4 / 2.1, 0.4 / 2.1, 0.0, 2.0, 0.2], atol=1e-6)


def test_the_change_of_speed_is_below_zero_in_free_fall_and_above_where_a_body_is_pushed_up() -> None:
    xyz = np.tile(STANDING, (200, 1))
    xyz[50:75] *= 0.2
    xyz[100:125] *= 1.5
    out = channels(xyz)
    np.testing.assert_allclose(out[[20, 62, 112, 170], 4], [0.0, -1.6, 1.0, 0.0], atol=1e-6)
    np.testing.assert_allclose(out[75, 4], -1.6 * 12 / 25, atol=1e-6)  # 12 of the 25 samples around it still fall


def test_golden_window() -> None:
    t = times(4, start=0.0)
    out = channels(fall(t, impact_at=1.5))
    golden = [
        [-1.14286, -1.14286, 0.0, 2.0, -0.96],
        [2.26087, -1.33333, 2.57143, 0.29851, -0.048],
        [2.4, -1.33333, 2.66667, 0.26784, 0.016],
        [0.0, -1.33333, 1.33333, 0.14666, 0.336],
        [0.0, -1.33333, 1.33333, 0.0, 0.0],
    ]
    np.testing.assert_allclose(out[[60, 74, 75, 80, 199]], golden, atol=2e-5)
    np.testing.assert_allclose(out.mean(axis=0), [-0.05111, -0.92571, 0.85905, 0.6844, -0.038], atol=2e-5)
