"""Motion recordings as CSV files: header `t_s,ax_g,ay_g,az_g`, one sample a line.

Time is in seconds and rises from line to line; it may begin anywhere and have gaps. Acceleration is in g (standing
still is about 1), in the sensor's own axes. Replay, the simulated home and technicians' own recordings all use it.

Rules of this file: plain text in, plain tuples out; whatever is wrong is a RecordingError that names file and line.
"""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from agent.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HEADER = "t_s,ax_g,ay_g,az_g"
LOWEST_RATE_HZ = 18
HIGHEST_RATE_HZ = 200

_RATE_MARGIN = 1.03  # a sensor set to 200 Hz may run a few percent fast, one set to 18 Hz slow

Sample = tuple[float, float, float, float]
"""Time in seconds, then x, y, z in g."""


def read_recording(path: Path) -> list[Sample]:
    """Return the samples of the file at `path`, oldest first: at least two, 18 to 200 Hz by their median distance.

    Raises RecordingError where the file can't be read or is no such recording.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path}: can't be read: {error}") from error
    if not lines or lines[0].replace(" ", "") != HEADER:
        found = lines[0][:60] if lines else "an empty file"
        raise RecordingError(f"{path}:1: the first line must be the header {HEADER!r}, not {found!r}")
    numbered = [(number, _sample(path, number, line)) for number, line in enumerate(lines[1:], 2) if line.strip()]
    if len(numbered) < 2:
        raise RecordingError(f"{path}: {len(numbered)} samples are no motion; a recording has at least two")
    for (_, before), (number, after) in pairwise(numbered):
        if after[0] <= before[0]:
            raise RecordingError(f"{path}:{number}: {after[0]} s is not after {before[0]} s; time must rise by line")
    samples = [sample for _, sample in numbered]
    rate = 1 / median(after[0] - before[0] for before, after in pairwise(samples))
    if not LOWEST_RATE_HZ / _RATE_MARGIN <= rate <= HIGHEST_RATE_HZ * _RATE_MARGIN:
        raise RecordingError(
            f"{path}: {rate:.1f} samples a second; {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} can be judged"
            " (is t_s in seconds?)"
        )
    return samples


def write_recording(path: Path, samples: Iterable[Sample]) -> None:
    """Write `samples` to the file at `path`, with microseconds and tenths of a milli-g. Raises RecordingError."""
    rows = (f"{t:.6f},{x:.4f},{y:.4f},{z:.4f}" for t, x, y, z in samples)
    try:
        path.write_text("\n".join((HEADER, *rows, "")), encoding="utf-8")
    except OSError as error:
        raise RecordingError(f"{path}: can't be written: {error}") from error


def _sample(path: Path, number: int, line: str) -> Sample:
    """Return the sample in line `number` of the file at `path`."""
    try:
        t, x, y, z = map(float, line.split(","))
    except ValueError as error:
        raise RecordingError(f"{path}:{number}: {line[:60]!r} is not four numbers separated by commas") from error
    if not all(map(math.isfinite, (t, x, y, z))):
        raise RecordingError(f"{path}:{number}: {line[:60]!r} holds a value that is no finite number")
    return t, x, y, z
