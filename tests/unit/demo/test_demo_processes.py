"""The demo's motions, and that nothing of it is left behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.errors import SimulatorError
from agent.recordings import read_recording, write_recording
from agent.simulator.demo_processes import AFTER_IMPACT_S, BEFORE_IMPACT_S, around_impact, write_motions


def peak_at(samples: list[tuple[float, float, float, float]]) -> float:
    return max(samples, key=lambda sample: sum(axis * axis for axis in sample[1:]))[0]


def test_motions_are_cut_around_their_impact(tmp_path: Path) -> None:
    for file in write_motions(tmp_path, None).values():
        samples = read_recording(file)
        assert samples[0][0] == 0
        assert peak_at(samples) == pytest.approx(BEFORE_IMPACT_S, abs=0.02)
        assert samples[-1][0] <= BEFORE_IMPACT_S + AFTER_IMPACT_S


def test_a_recording_that_ends_early_is_taken_as_it_is() -> None:
    samples = [(0.0, 0.0, 0.0, 1.0), (0.1, 0.0, 0.0, 3.0), (0.2, 0.0, 0.0, 1.0)]
    assert around_impact(samples) == samples


def test_recordings_are_taken_by_their_names(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name, peak in (("fall-2", 5.0), ("fall-1", 4.0), ("sit-down", 2.5)):
        write_recording(folder / f"{name}.csv", [(t / 50, 0.0, 0.0, peak if t == 150 else 1.0) for t in range(300)])
    made = write_motions(tmp_path, folder)
    assert max(z for _, _, _, z in read_recording(made["fall"])) == pytest.approx(4.0)
    assert max(z for _, _, _, z in read_recording(made["sit"])) == pytest.approx(2.5)


def test_a_folder_without_recordings_is_told(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="needs one sit"):
        write_motions(tmp_path, tmp_path)
