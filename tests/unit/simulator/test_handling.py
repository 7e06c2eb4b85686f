"""The motions of a sensor that leaves its wearer, and the hands that make them in a simulated home."""

from __future__ import annotations

import math

import numpy as np
import pytest

from agent.simulator.handling import dropped, lying_on_table, put_on, taken_off
from agent.simulator.motions import Motion


@pytest.mark.parametrize("rate_hz", [50, 100, 200])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_dropped_weighs_nothing_for_as_long_as_its_height_asks_and_then_lies(rate_hz: int, seed: int) -> None:
    samples = np.array(dropped(rate_hz, seed))
    size = np.linalg.norm(samples[:, 1:], axis=1)
    hit = int(np.argmax(size > 5))
    flight = int(np.argmax(size[:hit][::-1] > 0.1)) / rate_hz
    assert math.sqrt(2 * 0.7 / 9.81) - 0.03 < flight < math.sqrt(2 * 1.3 / 9.81) + 0.03
    assert np.abs(samples[:, 1:]).max() <= 16.0
    assert samples[-10 * rate_hz :, 1:].std(axis=0).max() < 0.006


@pytest.mark.parametrize("seed", range(5))
def test_what_is_handled_gently_is_no_blow(seed: int) -> None:
    for motion in (taken_off, put_on):
        size = np.linalg.norm(np.array(motion(50, seed))[:, 1:], axis=1)
        assert 0.5 < size.min() < size.max() < 1.6


def test_a_table_has_gravity_and_noise_and_nothing_else() -> None:
    samples = np.array(lying_on_table(50, 3, seconds=30))
    assert len(samples) == 1500
    assert np.linalg.norm(samples[:, 1:].mean(axis=0)) == pytest.approx(1, abs=0.001)


@pytest.mark.parametrize("motion", [taken_off, dropped, put_on, lying_on_table])
def test_the_same_seed_gives_the_same_motion(motion: Motion) -> None:
    made = motion(18, 3)
    assert made == motion(18, 3)
    assert made[:500] != motion(18, 4)[:500]
