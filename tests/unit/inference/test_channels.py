"""Golden vectors: numbers worked out by hand, so that a change of the pipeline can't pass unseen."""

from __future__ import annotations

import numpy as np
import pytest

from agent.inference.channels import LIMIT, channels, gravity_before, smoothed
from agent.inference.layout import CHANNELS
from tests.unit.inference.motions import LYING, STANDING, fall, times


def test_standing_still_is_zero_but_for_the_tilt() -> None:
    out = channels(np.tile(STANDING, (200, 1)))
    assert out.shape == (200, len(CHANNELS))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, np.tile([0.0, 0.0, 0.0, 2.0], (200, 1)), atol=1e-7)


def test_lying_after_standing() -> None:
    xyz = np.concatenate((np.tile(STANDING, (75, 1)), np.tile(LYING, (125, 1))))
    out = channels(xyz)
    np.testing.assert_allclose(out[150], [0.0, -0.5, 0.5, 0.0], atol=1e-7)  # |a| 1, no part along gravity, all sideways
    np.testing.assert_allclose(out[70, 3], 2 * 17 / np.hypot(17, 8), rtol=1e-6)  # 17 samples of 25 stand, 8 lie: mean


def test_blow_and_free_fall() -> None:
    xyz = np.tile(STANDING, (200, 1))
    xyz[60:70] *= 0.2
    xyz[75] = [3.0, 5.0, 4.0]
    xyz[76] = [0.0, 40.0, 0.0]
    out = channels(xyz)
    np.testing.assert_allclose(out[65, :3], [-0.4, -0.4, 0.0], atol=1e-6)
    np.testing.assert_allclose(out[75, :3], [(np.sqrt(50) - 1) / 2, 2.0, 2.5], rtol=1e-6)
    np.testing.assert_allclose(out[76, :2], [LIMIT, LIMIT])


@pytest.mark.parametrize(("degrees", "cosine"), [(0, 1.0), (60, 0.5), (90, 0.0), (120, -0.5), (180, -1.0)])
def test_tilt_is_the_cosine_of_the_angle_to_standing_doubled(degrees: float, cosine: float) -> None:
    angle = np.radians(degrees)
    leaning = np.array([np.sin(angle), np.cos(angle), 0.0])
    out = channels(np.concatenate((np.tile(STANDING, (75, 1)), np.tile(leaning, (125, 1)))))
    expected = [0.0, (cosine - 1) / 2, abs(np.sin(angle)) / 2, 2 * cosine]
    np.testing.assert_allclose(out[150], expected, atol=1e-7)


def test_what_is_beyond_the_limit_is_clipped_and_never_the_tilt() -> None:
    xyz = np.tile(STANDING, (200, 1))
    xyz[100:150] = [0.0, -40.0, 30.0]
    out = channels(xyz)
    np.testing.assert_allclose(out[125, :3], [LIMIT, -LIMIT, LIMIT])
    np.testing.assert_allclose(out[125, 3], -2 * 0.8, rtol=1e-6)  # 40 of 50 g against gravity
    assert np.abs(out).max() == LIMIT


def test_no_gravity_before_means_no_direction() -> None:
    xyz = np.zeros((200, 3))
    xyz[100:] = LYING
    out = channels(xyz)
    assert np.isfinite(out).all()
    assert not gravity_before(xyz).any()
    np.testing.assert_allclose(out[150], [0.0, -0.5, 0.5, 0.0])


def test_many_windows_are_the_same_as_each_alone() -> None:
    many = np.random.default_rng(3).normal(0, 1, (7, 200, 3))
    assert channels(many).tobytes() == np.stack([channels(one) for one in many]).tobytes()  # training, and the unit


def test_smoothing_holds_the_ends() -> None:
    ramp = np.arange(200.0)[:, None] * np.ones(3)
    slow = smoothed(ramp)
    np.testing.assert_allclose(slow[100], ramp[100])
    assert slow[0, 0] == pytest.approx(np.arange(13).sum() / 25)


def test_golden_window() -> None:
    t = times(4, start=0.0)
    out = channels(fall(t, impact_at=1.5))
    golden = [
        [-0.4, -0.4, 0.0, 2.0],
        [1.3, -0.5, 1.8, 0.29851],
        [1.5, -0.5, 2.0, 0.26784],
        [0.0, -0.5, 0.5, 0.14666],
        [0.0, -0.5, 0.5, 0.0],
    ]
    np.testing.assert_allclose(out[[60, 74, 75, 80, 199]], golden, atol=2e-5)
    np.testing.assert_allclose(out.mean(axis=0), [-0.0095, -0.345, 0.3355, 0.6844], atol=2e-5)
