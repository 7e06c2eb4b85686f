"""Windows for training and evaluation, made by the unit's own code (`agent.inference.stream`).

Rules of this file: a window exists only because the unit's trigger found it, or, for training only, because a lower one
would have. A fall's window is the one around the recording's largest |a|. Who fell gets up again in many recordings,
some harder than they fell: a window that leads back to the posture in which the recording began is daily life, also
where |a| is largest. Other triggers of a fall recording are neither, and are not learnt from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent.directions import Vector, angle_deg
from agent.inference import layout, resample, stream, window
from agent.inference.layout import QUIET_BEFORE, SoftTrigger
from agent.inference.trigger import TRIGGER_G
from training.recordings import Recording

MARGIN = 15
"""Grid samples kept on both sides of a window, so that augmentation can shift it."""
FALL_WITHIN_S = 1.0
SAME_DEG, OTHER_DEG = 30.0, 45.0
"""A posture within the first is the one in which the recording began, from the second on it is another."""


FAINT = SoftTrigger(level_g=1.1, turned_deg=30.0)
"""From here on daily life is worth learning from although the unit would not ask: done more briskly, it would."""


class Way(Enum):
    """Where a window of a fall recording leads."""

    DOWN = "from the posture in which the recording began to another"
    UP = "back to it from another"
    STAYS = "from it to it"


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Triggers of recordings, in order. `wide` has the margin; `recording` indexes the list of recordings."""

    wide: NDArray[np.float64]
    recording: NDArray[np.int64]
    impact_s: NDArray[np.float64]
    peak_g: NDArray[np.float64]
    damaged: NDArray[np.bool_]
    label: NDArray[np.int8]  # 1 fall, 0 daily life, -1 not to be learnt from

    @property
    def exact(self) -> NDArray[np.float64]:
        """Return the windows that the unit itself would see, shape (n, 200, 3)."""
        return self.wide[:, MARGIN : MARGIN + layout.LENGTH]


def build(recordings: list[Recording]) -> Windows:
    """Run every recording through the unit's stream."""
    shown = tqdm(recordings, desc="windows", unit="rec")
    found = ((index, triggers_of(recording)) for index, recording in enumerate(shown))
    return _windows(recordings, found)


def build_faint(recordings: list[Recording]) -> Windows:
    """Return what daily life has below the unit's trigger: sitting down, getting up and turning over, softly."""
    return _windows(recordings, _faint(recordings))


def _faint(recordings: list[Recording]) -> Iterator[tuple[int, list[stream.Ready]]]:
    lower = stream.MotionStream(soft=FAINT)
    for index, recording in enumerate(tqdm(recordings, desc="faint windows", unit="rec")):
        if not recording.is_fall:
            faint = triggers_of(recording, lower)
            yield index, [event for event in faint if event.peak_g < TRIGGER_G and not event.damaged]


def _windows(recordings: list[Recording], found: Iterable[tuple[int, list[stream.Ready]]]) -> Windows:
    rows: list[tuple[NDArray[np.float64], int, stream.Ready, int]] = []
    for index, ready in found:
        if not ready:
            continue
        stretches = _stretches(recordings[index])
        labels = _labels(recordings[index], ready)
        for event, label in zip(ready, labels, strict=True):
            rows.append((_wide(stretches, event.impact_at), index, event, label))
    return Windows(
        wide=np.stack([row[0] for row in rows]),
        recording=np.array([row[1] for row in rows]),
        impact_s=np.array([row[2].impact_at for row in rows]),
        peak_g=np.array([row[2].peak_g for row in rows]),
        damaged=np.array([row[2].damaged for row in rows]),
        label=np.array([row[3] for row in rows], dtype=np.int8),
    )


def triggers_of(recording: Recording, sensor: stream.MotionStream | None = None) -> list[stream.Ready]:
    """Return the recording's windows as the unit would see them, or a unit with another stream."""
    state, events = stream.push(sensor or stream.MotionStream(), recording.times, recording.xyz_g)
    _, rest = stream.finish(state)
    return [event for event in [*events, *rest] if isinstance(event, stream.Ready)]


def _stretches(recording: Recording) -> list[tuple[float, window.History]]:
    """Return when each stretch between gaps begins, in seconds, and its grid."""
    state, pieces = resample.push(resample.Resampler(), recording.times, recording.xyz_g)
    grids: dict[float, window.History] = {}
    for piece in [*pieces, resample.finish(state)[1]]:
        grids[piece.origin] = grids.get(piece.origin, window.History()).extended(piece.xyz)
    return sorted(grids.items())


def _wide(stretches: list[tuple[float, window.History]], impact_at: float) -> NDArray[np.float64]:
    origin, grid = next(stretch for stretch in reversed(stretches) if stretch[0] <= impact_at)
    impact = round((impact_at - origin) * layout.RATE_HZ)
    early, late = window.cut(grid, impact - MARGIN), window.cut(grid, impact + MARGIN)
    return np.concatenate((early[: 2 * MARGIN], late))


def _labels(recording: Recording, ready: list[stream.Ready]) -> list[int]:
    if not recording.is_fall:
        return [-1 if event.damaged else 0 for event in ready]
    began = _mean(recording.xyz_g[: round(recording.rate_hz)])
    ways = [_way(event, began) for event in ready]
    fall = _fall(recording, ready, ways)
    return [1 if number == fall else 0 if way is Way.UP else -1 for number, way in enumerate(ways)]


def _fall(recording: Recording, ready: list[stream.Ready], ways: list[Way | None]) -> int | None:
    """Return which window shows the fall: around the largest |a|, or else the hardest way down."""
    nearest = min(range(len(ready)), key=lambda number: abs(ready[number].impact_at - recording.peak_s))
    down = [number for number, way in enumerate(ways) if way is Way.DOWN]
    if down and ways[nearest] in {Way.UP, Way.STAYS}:
        return max(down, key=lambda number: ready[number].peak_g)
    is_it = abs(ready[nearest].impact_at - recording.peak_s) <= FALL_WITHIN_S and not ready[nearest].damaged
    return nearest if is_it and ways[nearest] is not Way.UP else None


def _way(event: stream.Ready, began: Vector) -> Way | None:
    """Return where a window leads; None where it can't be told, or to another posture from one that was another."""
    before = angle_deg(began, _mean(event.xyz[:QUIET_BEFORE]))
    after = angle_deg(began, _mean(event.xyz[-QUIET_BEFORE:]))
    if event.damaged or before is None or after is None:
        return None
    if after <= SAME_DEG:
        return Way.UP if before >= OTHER_DEG else Way.STAYS
    return Way.DOWN if before <= SAME_DEG and after >= OTHER_DEG else None


def _mean(xyz: NDArray[np.float64]) -> Vector:
    x, y, z = xyz.mean(axis=0).tolist()
    return x, y, z
