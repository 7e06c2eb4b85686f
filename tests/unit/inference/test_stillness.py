"""What tells a table from a body that keeps still, whatever sensor measures it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.inference.stillness import STRETCH_S, Stillness
from agent.readings import MotionBatch
from agent.simulator import handling
from agent.simulator.motions import lying, standing
from agent.wearing import Sign

Floats = NDArray[np.float64]
NOISE_G = 0.0025
RATES = (25.0, 50.0, 100.0, 200.0)


def table(rate_hz: float, seconds: float = 65.0, seed: int = 1, noise_g: float = NOISE_G) -> Floats:
    """Gravity askew, and the sensor's own noise."""
    random = np.random.default_rng(seed)
    return np.array([0.3, -0.5, 0.81]) + random.normal(0, noise_g, (round(seconds * rate_hz), 3))


def breathing(rate_hz: float, breath_g: float = 0.004, seed: int = 1) -> Floats:
    """The same, with shallow breaths that tilt it by a quarter of a degree."""
    xyz = table(rate_hz, seed=seed)
    t = np.arange(len(xyz)) / rate_hz
    return xyz + np.outer(breath_g * np.sin(2 * np.pi * 0.25 * t), (0.9, 0.4, -0.1))


def signs(xyz: Floats, rate_hz: float, *, batch: int = 10_000, at: float = 1000.0) -> list[Sign]:
    watch, found = Stillness(), list[Sign]()
    t = at + np.arange(len(xyz)) / rate_hz
    for first in range(0, len(xyz), batch):
        watch, stretches = watch.step(MotionBatch("wearable", t[first : first + batch], xyz[first : first + batch]))
        found += [stretch.sign for stretch in stretches]
    return found


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_table_rests_and_a_shallow_breath_does_not_at_any_rate(rate_hz: float) -> None:
    assert signs(table(rate_hz), rate_hz) == [Sign.RESTED] * 3
    assert signs(breathing(rate_hz), rate_hz) == [Sign.MOVED] * 3


@pytest.mark.parametrize("step_g", [0.0005, 0.0039])
def test_the_steps_of_usual_sensors_change_nothing(step_g: float) -> None:
    assert signs(np.round(table(100) / step_g) * step_g, 100) == [Sign.RESTED] * 3
    assert signs(np.round(breathing(100) / step_g) * step_g, 100) == [Sign.MOVED] * 3


def test_a_sensor_too_coarse_for_a_breath_never_says_that_it_rests() -> None:
    motion = np.concatenate((breathing(50, 0.2), table(50), breathing(50), table(50)))
    motion[:, 2] += 0.04  # so that noise alone never makes a step of 8 bit over ±16 g
    coarse = np.round(motion / 0.125) * 0.125
    assert signs(coarse, 50) == [Sign.HANDLED] * 4  # and nothing once it shows nothing


@given(st.integers(0, 2**32 - 1), st.sampled_from(RATES))
@settings(max_examples=15, deadline=None)
def test_the_axes_change_nothing(seed: int, rate_hz: float) -> None:
    random = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(random.normal(0, 1, (3, 3)))
    for xyz in (table(rate_hz, 45), breathing(rate_hz, random.uniform(0.003, 0.02))):
        assert signs(xyz @ axes, rate_hz) == signs(xyz, rate_hz)


@given(st.integers(1, 3000), st.sampled_from([0.0, 86_400.0, 1e7]))
@settings(max_examples=15, deadline=None)
def test_batches_and_uptime_change_nothing(batch: int, at: float) -> None:
    xyz = np.concatenate((table(50, 40), breathing(50), table(50, 45, seed=2)))
    assert signs(xyz, 50, batch=batch, at=at) == signs(xyz, 50)


def test_a_sensor_that_cools_on_its_table_rests() -> None:
    xyz = table(100)
    xyz[:, 0] += np.linspace(0, 0.03, len(xyz))  # thirty milli-g in a minute
    assert signs(xyz, 100) == [Sign.RESTED] * 3


def test_a_hand_is_told_from_a_breath_and_so_is_a_sensor_that_was_turned_between_two_stretches() -> None:
    turned = np.concatenate((table(100, 40), table(100, 40) @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])))
    assert signs(turned, 100)[:3] == [Sign.RESTED, Sign.RESTED, Sign.HANDLED]
    assert signs(np.array(handling.put_on(100, 1) * 3)[:, 1:], 100) == [Sign.HANDLED]


@pytest.mark.parametrize(("sway_g", "sign"), [(0.038, Sign.MOVED), (0.048, Sign.HANDLED)])
def test_a_hand_begins_at_thirty_milli_g(sway_g: float, sign: Sign) -> None:
    assert signs(breathing(100, sway_g), 100) == [sign] * 3  # of a sine 0.7 is its rms


def test_a_rest_is_held_against_the_one_just_before_it_and_not_against_one_before_a_movement() -> None:
    turned = table(100, 40) @ np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])
    moved = np.concatenate((table(100, 40), breathing(100)[:2000], turned))
    assert signs(moved, 100) == [Sign.RESTED, Sign.RESTED, Sign.MOVED, Sign.RESTED]


def test_a_sensor_that_is_louder_than_any_noise_is_not_at_rest() -> None:
    assert signs(table(100, noise_g=0.02), 100) == [Sign.MOVED] * 3


def test_too_few_samples_to_tell_say_nothing() -> None:
    assert signs(table(18), 18) == [Sign.RESTED] * 3
    assert signs(table(8), 8) == []


@pytest.mark.parametrize("seed", range(3))
def test_people_of_the_simulator_are_worn_and_its_tables_are_not(seed: int) -> None:
    for person in (standing, lying):
        xyz = np.array(person(100, seed, seconds=45))[:, 1:]
        assert Sign.RESTED not in signs(xyz, 100)
    xyz = np.array(handling.lying_on_table(100, seed, seconds=61))[:, 1:]
    assert signs(xyz, 100) == [Sign.RESTED] * 3


def test_missing_and_impossible_samples_are_no_rest_and_no_movement() -> None:
    xyz = table(50, 61)
    t = np.arange(len(xyz)) / 50
    kept = (t % 10) < 7
    assert not Stillness().step(MotionBatch("wearable", t[kept], xyz[kept]))[1]
    xyz[::7] = np.nan
    assert [s.sign for s in Stillness().step(MotionBatch("wearable", t, xyz))[1]] == [Sign.RESTED] * 3
    breathes = breathing(50)
    breathes[::7] = np.nan
    assert signs(breathes, 50) == [Sign.MOVED] * 3
    again = np.concatenate((t, t))
    assert len(Stillness().step(MotionBatch("wearable", again, np.concatenate((xyz, xyz))))[1]) == 3


def test_what_is_remembered_is_one_stretch_and_each_sensor_has_its_own() -> None:
    watch = Stillness()
    for minute in range(10):
        for name in ("one", "two"):
            t = 60.0 * minute + np.arange(3000) / 50
            watch, found = watch.step(MotionBatch(name, t, table(50, 60)))
            assert found
    for sensor in watch.sensors.values():
        assert sum(len(times) for times, _ in sensor.pieces) <= STRETCH_S * 50
