"""What the figures, the threshold and the calibration are made of, on made-up scores."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agent.inference import layout
from training import calibrate, epochs, figures
from training.dataset import MARGIN, Windows
from training.recordings import Recording

AIMS = (figures.Aim(figures.SISFALL, 0.9, 0.9), figures.Aim(figures.META_HIP, 0.5, 0.9))


def recording(dataset: str, *, is_fall: bool) -> Recording:
    place = "waist" if dataset == "SisFall" else "hip_left"
    return Recording("made", dataset, "A", "young", place, "made", is_fall, 0, 50.0, 0.0, 0.0, np.zeros((2, 3)))


def windows_of(count: int, damaged: tuple[int, ...] = ()) -> Windows:
    """One window for each recording."""
    flags = np.zeros(count, dtype=np.bool_)
    flags[list(damaged)] = True
    return Windows(
        wide=np.zeros((count, layout.LENGTH + 2 * MARGIN, 3)),
        recording=np.arange(count),
        impact_s=np.zeros(count),
        peak_g=np.full(count, 3.0),
        damaged=flags,
        label=np.zeros(count, dtype=np.int8),
    )


def frozen(
    fall: list[float],
    daily: list[float],
    hip: list[float],
    damaged: tuple[int, ...] = (),
    most_lost: float = 1.0,
) -> float:
    recordings = [
        *(recording("SisFall", is_fall=True) for _ in fall),
        *(recording("SisFall", is_fall=False) for _ in daily),
        *(recording("SmartFallMM", is_fall=True) for _ in hip),
    ]
    scores = np.array([*fall, *daily, *hip])
    return figures.freeze_threshold(recordings, windows_of(len(recordings), damaged), scores, AIMS, most_lost)


QUIET = [0.0] * 8 + [0.2, 0.9]


def test_the_threshold_is_the_middle_of_those_that_reach_every_aim() -> None:
    assert frozen([0.1] + [0.8] * 9, QUIET, [0.9, 0.9]) == pytest.approx(0.5)  # 0.2 leaves nine in ten quiet
    assert frozen([0.1] + [0.8] * 9, QUIET, [0.1, 0.4]) == pytest.approx(0.3)  # the hip's falls need 0.4


def test_a_threshold_is_never_rounded_up_past_a_fall() -> None:
    assert frozen([0.1008] * 10, QUIET, [0.9, 0.9]) == 0.1


def test_few_falls_that_a_plain_sensor_finds_are_lost() -> None:
    falls = [0.3] * 9 + [0.8] * 991
    assert frozen(falls, QUIET, []) == pytest.approx(0.5)
    assert frozen(falls, QUIET, [], most_lost=0.003) == pytest.approx(0.25)


def test_the_daily_life_of_older_people_has_an_aim_of_its_own() -> None:
    older = replace(recording("SisFall", is_fall=False), age_group="older")
    recordings = [older, *(recording("SisFall", is_fall=False) for _ in range(9)), recording("SisFall", is_fall=True)]
    scores = np.array([0.6, *([0.2] * 9), 0.8])
    for aims, threshold in ((AIMS, 0.5), ((*AIMS, figures.Aim(figures.OLDER, 1.0, 1.0)), 0.7)):
        found = figures.freeze_threshold(recordings, windows_of(11), scores, aims, 1.0)
        assert found == pytest.approx(threshold)


def test_where_aims_collide_daily_life_gives_way() -> None:
    assert frozen([0.1] * 10, QUIET, [0.9, 0.9]) == pytest.approx(0.1)


def test_a_fall_whose_data_end_is_called_whatever_its_score() -> None:
    assert frozen([0.0] + [0.8] * 9 + [0.0], QUIET, [0.9, 0.9], damaged=(10,)) == pytest.approx(0.5)


def test_platts_numbers_undo_a_scale_and_a_shift() -> None:
    rng = np.random.default_rng(1)
    truth = rng.normal(0, 2, 20_000)
    label = (rng.random(len(truth)) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    slope, shift = calibrate.platt(truth * 2 - 1, label)
    assert slope == pytest.approx(0.5, abs=0.05)
    assert shift == pytest.approx(0.5 - np.log(3), abs=0.08)  # one in four, where it was one in two


def test_however_many_of_each_there_were_one_in_four_is_a_fall() -> None:
    label = np.array([1] * 10 + [0] * 1000, dtype=np.int8)
    slope, shift = calibrate.platt(np.zeros(len(label)), label)
    assert shift == pytest.approx(-np.log(3), abs=0.01)
    assert slope == pytest.approx(1.0, abs=1e-6)


def test_an_epoch_takes_every_fall_and_a_few_windows_of_each_recording() -> None:
    recording = np.array([0] * 9 + [1] + [2] * 4 + [3])
    label = np.array([0] * 9 + [0] + [0, 0, 0, -1] + [1], dtype=np.int8)
    windows = replace(windows_of(len(recording)), recording=recording, label=label)
    chosen = np.ones(len(recording), dtype=np.bool_)
    picked, weight = epochs.pick(windows, chosen, np.random.default_rng(1))
    assert sorted(recording[picked]) == [0, 0, 1, 2, 2, 3]
    assert len(set(picked)) == len(picked)
    for number, total in ((0, 3.0), (1, 1.0), (2, np.sqrt(3)), (3, 2.0)):
        assert weight[recording[picked] == number].sum() == pytest.approx(total)
    picked, _ = epochs.pick(windows, recording != 0, np.random.default_rng(1))
    assert 0 not in recording[picked]
