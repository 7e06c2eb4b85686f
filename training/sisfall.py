"""SisFall's own files: `SA01/D01_SA01_R01.txt`, one recording each, of a sensor at the waist.

Rules of this file: only the ADXL345's three columns are taken, as its README converts them; the rate stays 200 Hz, and
the unit's own resampler brings it onto the grid.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.recordings import Recording, peak_s

RATE_HZ = 200.0
G_PER_BIT = 2 * 16 / 2**13
"""ADXL345: 13 bits over ±16 g."""
_COLUMNS = 9  # ADXL345 x y z, ITG3200 x y z, MMA8451Q x y z
_FILE = re.compile(r"([DF]\d\d)_(S[AE]\d\d)_R(\d\d)")
_PERSON = re.compile(r"S[AE]\d\d")
_LEAST_S = 2.0


def files(folder: Path) -> list[Path]:
    """Return the recordings below the folder, however deep it was unpacked."""
    return sorted(path for path in folder.rglob("*.txt") if _FILE.fullmatch(path.stem))


def read(path: Path) -> Recording | str:
    """Return the recording, or why it can't be used.

    The person is the folder's, where it names one: five files in SA15 bear the name of SE15.
    """
    named = _FILE.fullmatch(path.stem)
    if named is None:
        return "not a name of a recording"
    bits = _bits(path.read_text(encoding="utf-8", errors="replace"))
    if bits is None:
        return "not nine columns of whole numbers"
    if len(bits) < _LEAST_S * RATE_HZ:
        return "shorter than 2 s"
    activity, person, trial = named.groups()
    person = path.parent.name if _PERSON.fullmatch(path.parent.name) else person
    xyz = bits[:, :3] * G_PER_BIT
    return Recording(
        rec_id=f"SIS_{activity}_{person}_R{trial}",
        dataset="SisFall",
        subject=person,
        age_group="older" if person.startswith("SE") else "young",
        body_position="waist",
        activity=activity,
        is_fall=activity.startswith("F"),
        fold=0,
        rate_hz=RATE_HZ,
        peak_s=peak_s(xyz, RATE_HZ),
        duration_s=len(xyz) / RATE_HZ,
        xyz_g=xyz,
    )


def _bits(text: str) -> NDArray[np.int64] | None:
    """Return the rows; None where one is damaged. Words before the first row are a heading, which a copy may bear."""
    lines = [line.strip().rstrip(";") for line in text.splitlines()]
    rows = [line.split(",") for line in lines if line and not line[0].isalpha()]
    if not rows or any(len(row) != _COLUMNS for row in rows):
        return None
    try:
        return np.array(rows, dtype=np.str_).astype(np.int64)
    except ValueError:
        return None
