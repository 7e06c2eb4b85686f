"""Windows for training and evaluation, made by the unit's own code (`agent.inference.stream`).

Rules of this file: a window exists only because the unit's trigger found it. A fall's window is the one around the
recording's largest |a|; other triggers of a fall recording are neither fall nor daily life and are not learnt from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent.inference import layout, resample, stream, window
from training.recordings import Recording

MARGIN = 15
"""Grid samples kept on both sides of a window, so that augmentation can shift it."""
FALL_WITHIN_S = 1.0
_FALL_WEIGHT = 2.0
_MOST_OF_ONE = 2
"""Daily-life windows that a recording lends to an epoch: other ones each time. Jogging has hundreds, all alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """All triggers of all recordings, in order. `wide` has the margin; `recording` indexes the list of recordings."""

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
    rows: list[tuple[NDArray[np.float64], int, stream.Ready, int]] = []
    for index, recording in enumerate(tqdm(recordings, desc="windows", unit="rec")):
        ready = triggers_of(recording)
        if not ready:
            continue
        stretches = _stretches(recording)
        labels = _labels(recording, ready)
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


def pick(
    windows: Windows, chosen: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return one epoch's windows in random order, and how much each counts.

    All falls, and a few windows of each recording of daily life, which counts as the square root of how many it has.
    """
    usable = chosen & (windows.label >= 0)
    falls, daily = np.flatnonzero(usable & (windows.label == 1)), np.flatnonzero(usable & (windows.label == 0))
    daily = daily[np.lexsort((rng.random(len(daily)), windows.recording[daily]))]
    of = windows.recording[daily]
    rank = np.arange(len(of)) - np.searchsorted(of, of)
    count = np.bincount(of, minlength=1)[of] if len(of) else of
    lent = rank < _MOST_OF_ONE
    share = np.sqrt(count[lent]) / np.minimum(count[lent], _MOST_OF_ONE)
    picked = np.concatenate((falls, daily[lent]))
    weight = np.concatenate((np.full(len(falls), _FALL_WEIGHT), share)).astype(np.float32)
    order = rng.permutation(len(picked))
    return picked[order], weight[order]


def triggers_of(recording: Recording) -> list[stream.Ready]:
    """Return the recording's windows as the unit would see them."""
    state, events = stream.push(stream.MotionStream(), recording.times, recording.xyz_g)
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
    nearest = min(ready, key=lambda event: abs(event.impact_at - recording.peak_s))
    is_it = abs(nearest.impact_at - recording.peak_s) <= FALL_WITHIN_S and not nearest.damaged
    return [1 if is_it and event is nearest else -1 for event in ready]
