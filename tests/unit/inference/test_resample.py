from __future__ import annotations

import numpy as np
import pytest

from agent.inference import resample
from agent.inference.resample import GAP_S, LATENCY_S, Resampler
from tests.unit.inference.motions import Floats, times


def resampled(t: Floats, xyz: Floats) -> list[Floats]:
    """Return the stretches."""
    state, pieces = resample.push(Resampler(), t, xyz)
    state, last = resample.finish(state)
    stretches, run = list[Floats](), list[Floats]()
    for piece in [*pieces, last]:
        run.append(piece.xyz)
        if piece.ends:
            stretches.append(np.concatenate(run))
            run = []
    assert not run
    return stretches


def wave(t: Floats) -> Floats:
    return np.stack((np.sin(2 * np.pi * 3 * t), 0.5 * np.cos(2 * np.pi * 2 * t), np.ones_like(t)), axis=1)


def test_fifty_hertz_passes_unchanged() -> None:
    t = times(10)
    xyz = np.random.default_rng(1).normal(0, 1, (len(t), 3))
    (grid,) = resampled(t, xyz)
    assert grid.shape == xyz.shape
    np.testing.assert_allclose(grid, xyz, atol=1e-6)


@pytest.mark.parametrize(
    ("rate", "tolerance"), [(18, 0.06), (25, 0.03), (33, 0.02), (64, 0.01), (100, 0.01), (200, 0.01)]
)
def test_a_slow_wave_is_kept_at_every_rate(rate: float, tolerance: float) -> None:
    t = times(20, rate)
    (grid,) = resampled(t, wave(t))
    at = 1000.0 + np.arange(len(grid)) / 50.0
    assert np.abs(grid - wave(at))[20:-20].max() < tolerance


def test_what_is_too_fast_for_the_grid_is_taken_out() -> None:
    t = times(10, 200)
    (grid,) = resampled(t, np.sin(2 * np.pi * 60 * t)[:, None] * np.ones(3))
    assert np.abs(grid[20:-20]).max() < 0.1


def test_jitter_and_bursts_leave_a_constant_constant() -> None:
    rng = np.random.default_rng(2)
    t = 1000.0 + np.cumsum(rng.choice([0.004, 0.036], 500))
    (grid,) = resampled(t, np.ones((500, 3)))
    np.testing.assert_allclose(grid, 1.0, atol=1e-9)


def test_a_gap_ends_the_grid_and_the_next_begins_at_its_first_sample() -> None:
    first, second = times(2), times(1, start=1002.0 + GAP_S + 0.011)
    t = np.concatenate((first, second))
    _, pieces = resample.push(Resampler(), t, np.ones((len(t), 3)))
    ended = [piece for piece in pieces if piece.ends]
    assert len(ended) == 1
    assert pieces[-1].origin == second[0]
    assert [len(s) for s in resampled(t, np.ones((len(t), 3)))] == [100, 50]


def test_a_hole_shorter_than_a_gap_is_bridged_by_a_straight_line() -> None:
    t = times(4)
    kept = (t < 1001.0) | (t >= 1001.4)
    xyz = np.where((t < 1001.2)[:, None], 0.0, 1.0) * np.ones(3)
    (grid,) = resampled(t[kept], xyz[kept])
    hole = grid[50:70, 0]
    assert len(grid) == 200
    assert (np.diff(hole) > 0).all()
    assert -0.01 <= hole.min() <= hole.max() <= 1.01


def test_what_is_no_measurement_is_left_out() -> None:
    t = times(4)
    xyz = np.ones((len(t), 3))
    broken, when = xyz.copy(), t.copy()
    broken[50, 1], broken[60, 0], broken[70, 2] = np.nan, np.inf, 1e30
    when[80] = when[79]  # a time that does not rise
    when[90] = np.nan
    (grid,) = resampled(when, broken)
    np.testing.assert_allclose(grid, 1.0, atol=1e-9)


def test_a_point_is_final_within_the_stated_latency() -> None:
    for rate in (18, 25, 50, 100, 200):
        t = times(5, rate)
        _, pieces = resample.push(Resampler(), t, np.ones((len(t), 3)))
        newest = 1000.0 + sum(len(piece.xyz) for piece in pieces) / 50.0
        assert t[-1] - newest <= LATENCY_S


def test_memory_stays_small_over_an_hour() -> None:
    state = Resampler()
    for start in range(3600):
        t = times(1, 100, start=float(start))
        state, _ = resample.push(state, t, np.ones((100, 3)))
    assert len(state.times) < 200


def test_one_sample_is_a_grid_of_one_and_none_is_no_grid() -> None:
    state, pieces = resample.push(Resampler(), [], [])
    assert not pieces
    state, pieces = resample.push(state, [5.0], [(0.0, 0.0, 1.0)])
    _, piece = resample.finish(state)
    assert piece.xyz.tolist() == [[0.0, 0.0, 1.0]]
