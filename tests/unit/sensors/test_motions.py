"""The generator of motions obeys its physics and stays beside what real people did."""

from __future__ import annotations

import csv
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from agent.recordings import Sample, read_recording, write_recording
from agent.simulator.motions import MOTIONS, fall_forward, lying, standing
from agent.simulator.scene import GRAVITY, Scene

DATA = Path(__file__).parents[4] / "shared" / "data"
SEEDS = range(12)
Acceleration = NDArray[np.float64]


def at_50_hz(samples: list[Sample]) -> Acceleration:
    g = np.array([xyz for _, *xyz in samples])
    return g if round(1 / samples[1][0]) == 50 else g[: len(g) // 2 * 2].reshape(-1, 2, 3).mean(axis=1)


def features(g: Acceleration) -> dict[str, float]:
    """What tells a fall from a sit-down, at 50 Hz: around the sample with the largest |a|."""
    size = np.linalg.norm(g, axis=1)
    peak = int(size.argmax())
    before, after = g[max(0, peak - 100) : peak - 50].mean(axis=0), g[peak + 75 : peak + 125].mean(axis=0)
    cosine = float(before @ after / np.linalg.norm(before) / np.linalg.norm(after))
    return {
        "peak_g": float(size.max()),
        "lowest_before_g": float(size[max(0, peak - 50) : peak].min()),
        "below_0_7_g_s": float((size[max(0, peak - 50) : peak] < 0.7).sum()) / 50,
        "above_1_6_g_s": float((size[max(0, peak - 50) : peak + 100] > 1.6).sum()) / 50,
        "turned_deg": math.degrees(math.acos(max(-1.0, min(1.0, cosine)))),
    }


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("rate_hz", [50, 100])
def test_every_motion_is_seeded_at_its_rate_and_can_be_recorded(name: str, rate_hz: float, tmp_path: Path) -> None:
    samples = MOTIONS[name](rate_hz, 3)
    assert samples == MOTIONS[name](rate_hz, 3)
    assert samples != MOTIONS[name](rate_hz, 4)
    assert samples[0][0] == 0
    assert all(later[0] - sooner[0] == pytest.approx(1 / rate_hz) for sooner, later in pairwise(samples))
    write_recording(tmp_path / "motion.csv", samples)
    assert len(read_recording(tmp_path / "motion.csv")) == len(samples)


@pytest.mark.parametrize("rate_hz", [18, 25, 33, 50, 64, 100, 200])
def test_at_any_rate_the_first_sample_is_as_still_as_the_others(rate_hz: float) -> None:
    sizes = [math.hypot(*xyz) for _, *xyz in standing(rate_hz, 2)]
    assert 0.9 < min(sizes) <= max(sizes) < 1.1


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("seed", SEEDS)
def test_gravity_is_one_g_over_time_and_at_the_end(name: str, seed: int) -> None:
    """Speed is accounted for: what a motion gives up it gets back, so that the mean force is the weight."""
    size = np.linalg.norm([xyz for _, *xyz in MOTIONS[name](100, seed)], axis=1)
    assert size.mean() == pytest.approx(1, abs=0.08)
    assert size[-50:].mean() == pytest.approx(1, abs=0.02)


def test_standing_is_upright_and_lying_is_on_the_front() -> None:
    upright, flat = (np.array([xyz for _, *xyz in motion(100, 1)]).mean(axis=0) for motion in (standing, lying))
    assert upright[2] > 0.93
    assert flat[0] < -0.93


def test_a_drop_takes_the_time_and_ends_at_the_speed_of_its_height() -> None:
    scene = Scene(5, 1)
    scene.wait(1)
    scene.drop(0.5, 0.45)
    pull = 0.55 * GRAVITY
    assert scene.now - 1 == pytest.approx(math.sqrt(2 * 0.5 / pull), abs=0.002)
    assert scene.speed == pytest.approx(math.sqrt(2 * 0.5 * pull), rel=0.06)  # letting go takes some of it


def test_a_contact_takes_out_the_speed_that_its_force_amounts_to() -> None:
    scene = Scene(5, 1)
    scene.wait(1)
    scene.speed = 2.0
    scene.contact(0.08, 1.0, 0.15)
    assert scene.speed == pytest.approx(-0.3)
    assert float(np.sum(scene.up - 1)) / 1000 * GRAVITY == pytest.approx(2.3, rel=0.01)
    assert scene.up.max() - 1 == pytest.approx(math.pi * 2.3 / (2 * 0.08 * GRAVITY), rel=0.01)


@pytest.mark.parametrize("rate_hz", [50, 100])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_hard_sit_down_passes_a_plain_threshold_and_leaves_the_trunk_upright(rate_hz: float, seed: int) -> None:
    found = features(at_50_hz(MOTIONS["sitting-down-hard"](rate_hz, seed)))
    assert 2.2 < found["peak_g"] < 3.3  # over the profile's reference_g of 2.13
    assert found["turned_deg"] < 30


@pytest.mark.parametrize("rate_hz", [50, 100])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_fall_hits_hard_and_leaves_the_trunk_lying(rate_hz: float, seed: int) -> None:
    samples = fall_forward(rate_hz, seed)
    found = features(at_50_hz(samples))
    assert 3.5 < found["peak_g"] < 7.3
    assert 70 < found["turned_deg"] < 110
    sizes = [(t, math.hypot(*xyz)) for t, *xyz in samples]
    impact = max(sizes, key=lambda pair: pair[1])[0]
    assert samples[-1][0] - impact > 15, "long enough on the floor for the stillness to be seen"
    assert all(0.9 < size < 1.1 for t, size in sizes if t > impact + 2)


@pytest.mark.parametrize("name", ["standing", "lying", "walking", "sitting-down-softly"])
@pytest.mark.parametrize("seed", SEEDS)
def test_quiet_motions_stay_under_the_trigger(name: str, seed: int) -> None:
    assert np.linalg.norm(at_50_hz(MOTIONS[name](100, seed)), axis=1).max() < 1.6


@pytest.mark.data
@pytest.mark.skipif(not DATA.exists(), reason="the recordings in ../shared/data are not on this machine")
@pytest.mark.parametrize(("name", "code"), [("sitting-down-hard", "D08"), ("fall-forward", "F01")])
def test_the_median_of_each_feature_is_within_the_middle_80_percent_of_real_recordings(name: str, code: str) -> None:
    with (DATA / "manifest.csv").open(encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if row["dataset"] == "SisFall" and row["activity_code"] == code]
    with np.load(DATA / "sisfall_waist.npz") as stored:
        recordings = stored["acc_mg"]
        cuts = [recordings[int(row["start"]) : int(row["start"]) + int(row["n"])] / 1000 for row in rows]
    # Some recordings have their peak too near to an end to tell before from after.
    whole = [cut for cut in cuts if 100 < np.linalg.norm(cut, axis=1).argmax() < len(cut) - 125]
    real = [features(cut) for cut in whole]
    made = [features(at_50_hz(MOTIONS[name](50, seed))) for seed in SEEDS]
    assert len(real) > 80
    for feature in real[0]:
        low, high = np.percentile([found[feature] for found in real], [10, 90])
        assert low <= float(np.median([found[feature] for found in made])) <= high, feature
