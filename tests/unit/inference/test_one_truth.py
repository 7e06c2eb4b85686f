"""Training, replay and the running unit cut the same windows to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.clock import Now
from agent.effects import Score
from agent.inference import detector
from agent.inference.channels import channels
from agent.readings import MotionBatch
from tests.unit.inference.motions import wearable

pytest.importorskip("tqdm", reason="needs the training extra (tqdm)")

from training import dataset, recordings

DATA = Path(__file__).parents[4] / "shared" / "data"


@pytest.mark.data
def test_training_and_the_unit_see_the_same_windows() -> None:
    if not (DATA / "manifest.csv").exists():
        pytest.skip(f"no recordings in {DATA}")
    chosen = recordings.load(DATA)[::160]
    windows = dataset.build(chosen)
    trained_on = channels(windows.exact)
    seen = [window for recording in chosen for window in as_the_unit_sees(recording)]
    whole = np.flatnonzero(~windows.damaged)
    assert len(seen) == len(whole) > 50
    for index, window in zip(whole, seen, strict=True):
        assert window.tobytes() == trained_on[index].tobytes()


def as_the_unit_sees(recording: recordings.Recording) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    state, _ = detector.start({"wearable": wearable()}, None, Now(0.0, 0.0), id_prefix="")
    windows = []
    times, xyz = recording.times, recording.xyz_g
    for start in range(0, len(times), 37):
        now = Now(float(times[start]), 0.0)
        state, out = state.step(MotionBatch("wearable", times[start : start + 37], xyz[start : start + 37]), now)
        windows += [effect for effect in out if isinstance(effect, Score)]
    _, out = state.step(
        MotionBatch("wearable", [times[-1] + 60.0], [(0.0, 0.0, 1.0)]), Now(float(times[-1]) + 60.0, 0.0)
    )
    windows += [effect for effect in out if isinstance(effect, Score)]
    return [effect.window for effect in windows]
