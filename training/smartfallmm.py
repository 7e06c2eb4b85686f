"""SmartFallMM's own files: `young/accelerometer/meta_hip/S30A10T01.csv`, one trial of one sensor each.

Rules of this file: only the two sensors on the hip are read. Stamps are checked, then the samples count as regular at
their mean rate, as in `../shared/data`; the model never sees that rate.
"""

from __future__ import annotations

import csv
import re
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.recordings import Recording, peak_s

POSITIONS = {"meta_hip": "hip_left", "phone": "hip_right_phone"}
"""By the folder that bears the sensor's name."""
STANDARD_GRAVITY = 9.80665
_FALLS = {"A10", "A11", "A12", "A13", "A14"}
_FILE = re.compile(r"(S\d\d)(A\d\d)T\d\d")
_LARGEST_GAP_S = 0.25
_LEAST_S = 1.0
_RATES_HZ = (20.0, 60.0)
_AROUND_1_G = (0.8, 1.2)
_REPEATED = 0.1
_MS = 1000.0


def files(folder: Path) -> list[Path]:
    """Return the hip sensors' recordings below the folder, however deep it was unpacked."""
    return sorted(path for path in folder.rglob("accelerometer/*/*.csv") if path.parent.name in POSITIONS)


def read(path: Path) -> Recording | str:
    """Return the recording, or why it can't be used."""
    named = _FILE.fullmatch(path.stem)
    if named is None:
        return "not a name of a recording"
    person, activity = named.groups()
    group, sensor = path.parent.parent.parent.name, path.parent.name
    if (group, person) == ("young", "S21"):
        return "S21 stands among the young and among the old"
    if (group, sensor, person) == ("young", "meta_hip", "S35") and activity in {"A06", "A07"}:
        return "looks like another place on the body"
    try:
        seconds, xyz = _samples(path, metres=sensor == "phone")
    except (ValueError, IndexError):
        return "a line that is no sample"
    fault = _fault(seconds, xyz)
    if fault:
        return fault
    rate_hz = (len(seconds) - 1) / float(seconds[-1] - seconds[0])
    return Recording(
        rec_id=f"SMM_{group}_{sensor}_{path.stem}",
        dataset="SmartFallMM",
        subject=f"{'O' if group == 'old' else 'Y'}{person[1:]}",
        age_group="older" if group == "old" else "young",
        body_position=POSITIONS[sensor],
        activity=activity,
        is_fall=activity in _FALLS,
        fold=0,
        rate_hz=rate_hz,
        peak_s=peak_s(xyz, rate_hz),
        duration_s=len(xyz) / rate_hz,
        xyz_g=xyz,
    )


def _samples(path: Path, *, metres: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return stamps in seconds and samples in g. Meta: epoch in ms, time, elapsed, x, y, z; phone: time, x, y, z.

    A first line of words is a heading: the README says that there is none, and some of the Meta sensors have one.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if row]
    if rows and rows[0][0][:1].isalpha():
        del rows[0]
    xyz = np.array([row[-3:] for row in rows], dtype=np.str_).astype(np.float64).reshape(-1, 3)
    if metres:
        stamps = [datetime.fromisoformat(row[-4].strip()) for row in rows]
        return np.array([(stamp - stamps[0]).total_seconds() for stamp in stamps]), xyz / STANDARD_GRAVITY
    return np.array([float(row[-6]) / _MS for row in rows]), xyz


def _fault(seconds: NDArray[np.float64], xyz: NDArray[np.float64]) -> str:
    if len(seconds) < 2 or seconds[-1] - seconds[0] < _LEAST_S:
        return "shorter than 1 s"
    steps = np.diff(seconds)
    rate_hz = len(steps) / (seconds[-1] - seconds[0])
    at_rest_g = float(np.median(np.sqrt((xyz * xyz).sum(axis=1))))
    repeated = float((np.diff(xyz, axis=0) == 0).all(axis=1).mean())
    faults = {
        "its stamps go back": steps.min() < 0,
        "a gap of over 0.25 s": steps.max() > _LARGEST_GAP_S,
        "over a tenth of its samples repeat the one before": repeated > _REPEATED,
        "a rate that the sensor can't have": not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1],
        "a line that is no sample": not np.isfinite(xyz).all(),
        "it does not measure 1 g at rest": not _AROUND_1_G[0] <= at_rest_g <= _AROUND_1_G[1],
    }
    return next((reason for reason, is_so in faults.items() if is_so), "")
