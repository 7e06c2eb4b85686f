"""The recordings of `../shared/data`, as they were stored: raw samples at the sensor's own rate.

Rules of this file: reads, never changes. Rate, axes, length and position in the file stay here: nothing of them
reaches the model but through `agent.inference.stream`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TRAINED_ON = ("waist", "hip_left", "hip_right_phone")
"""Body positions in the manifest that the waist model learns from and is judged on. The wrist is not among them."""


class Unreadable(SystemExit):
    """A folder does not hold what it was named for. Whatever command wanted it ends with the sentence, exit code 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """One recording; `xyz_g` (n, 3) in the sensor's own axes, `peak_s` the time of its largest |a|."""

    rec_id: str
    dataset: str
    subject: str
    age_group: str
    body_position: str
    activity: str
    is_fall: bool
    fold: int
    rate_hz: float
    peak_s: float
    duration_s: float
    xyz_g: NDArray[np.float64]

    @property
    def times(self) -> NDArray[np.float64]:
        """Return the samples' times in seconds from the recording's start."""
        return np.arange(len(self.xyz_g)) / self.rate_hz


def peak_s(xyz_g: NDArray[np.float64], rate_hz: float) -> float:
    """Return the time of the largest |a|, in seconds from the start: in a fall recording it is taken for the impact."""
    return float(np.argmax((xyz_g * xyz_g).sum(axis=1)) / rate_hz)


def load(folder: Path, positions: tuple[str, ...] = TRAINED_ON) -> list[Recording]:
    """Read the recordings of these body positions. Raises Unreadable, with the path, if a file is not there."""
    try:
        with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["body_position"] in positions]
        samples = {name: np.load(folder / name)["acc_mg"] for name in sorted({row["file"] for row in rows})}
    except OSError as error:
        raise Unreadable(
            f"{error.filename} can't be read ({error.strerror}): --data takes a folder with manifest.csv and *.npz"
            " files; docs/model/data.md says how to learn from your own download of the originals"
        ) from error
    return [_recording(row, samples[row["file"]]) for row in rows if row["quality"] != "suspect_not_hip"]


def _recording(row: dict[str, str], acc_mg: NDArray[np.int16]) -> Recording:
    start, count = int(row["start"]), int(row["n"])
    return Recording(
        rec_id=row["rec_id"],
        dataset=row["dataset"],
        subject=row["subject"],
        age_group=row["age_group"],
        body_position=row["body_position"],
        activity=f"{row['activity_code']} {row['activity_name']}",
        is_fall=row["is_fall"] == "1",
        fold=int(row["cv_fold"]),
        rate_hz=float(row["rate_hz"]),
        peak_s=float(row["peak_s"]),
        duration_s=float(row["duration_s"]),
        xyz_g=acc_mg[start : start + count] / 1000.0,
    )
