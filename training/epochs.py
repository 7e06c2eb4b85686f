"""What an epoch of a training is made of, and how much each window counts.

Rules of this file: everything random comes from the generator that is handed in; people who are not chosen lend
nothing. Beside the triggers an epoch has changes of posture that stayed below the trigger, made brisker, and such
changes played backwards: a getting up is a lying down backwards, and few in the data are hard enough to be asked about.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.inference import channels
from training.augment import augment, backwards, brisker, slowed
from training.dataset import Windows, build, build_faint
from training.recordings import Recording

Epoch = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]

_FALL_WEIGHT = 2.0
_SMALLER_SET_WEIGHT = 3.0
"""Of a fall outside SisFall: SisFall has five for each, all of one sensor, and a home has another."""
_OLDER_WEIGHT = 1.5
"""Of an older person's motion: they are whom the model is for, and fewer of them are in the data."""
_SLOWED = 0.4
"""Of an epoch's falls, the share that is done more slowly and softly."""
_TURNED_DEG = 30.0
"""From here on the posture has changed, and a motion is worth playing backwards."""
_BACKWARDS = 0.5
"""Of an epoch's changes of posture in daily life, the share that is also played backwards."""
_MOST_OF_ONE = 2
"""Daily-life windows that a recording lends to an epoch: other ones each time. Jogging has hundreds, all alike."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What there is to learn from: triggers, daily life below the trigger, and how much each recording counts."""

    windows: Windows
    turns: NDArray[np.bool_]  # which of the windows are daily life with a change of posture
    faint: Windows
    weight: NDArray[np.float64]


def gather(recordings: list[Recording]) -> Material:
    """Make the windows of all recordings."""
    windows = build(recordings)
    daily = np.array([not r.is_fall for r in recordings])[windows.recording]
    turns = daily & (windows.label == 0) & (turned_deg(windows.exact) >= _TURNED_DEG)
    return Material(windows, turns, build_faint(recordings), np.array([_weight(r) for r in recordings]))


def turned_deg(exact: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how many degrees the posture at the end differs from the first second, of windows (n, 200, 3) in g."""
    cosine = channels.cosine_of_tilt(exact, channels.gravity_before(exact)[:, None, :])[:, -1]
    turned: NDArray[np.float64] = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
    return turned


def _weight(recording: Recording) -> float:
    weight = _SMALLER_SET_WEIGHT if recording.is_fall and recording.dataset != "SisFall" else 1.0
    return weight * (_OLDER_WEIGHT if recording.age_group == "older" else 1.0)


def epoch(material: Material, chosen: NDArray[np.bool_], rng: np.random.Generator) -> Epoch:
    """Return one epoch in random order, channels (n, 200, 1, 5), labels and weights; `chosen` says which recordings."""
    windows, faint = material.windows, material.faint
    picked, weight = pick(windows, chosen[windows.recording], rng)
    weight = weight * material.weight[windows.recording[picked]].astype(np.float32)
    soft = np.flatnonzero(chosen[faint.recording])
    turns = np.concatenate((windows.wide[picked[material.turns[picked]]], faint.wide[soft]))
    again = backwards(turns[rng.random(len(turns)) < _BACKWARDS])
    beside = brisker(np.concatenate((faint.wide[soft], again)), rng)
    wide = np.concatenate((windows.wide[picked], beside))
    falls = np.flatnonzero(windows.label[picked] == 1)
    falls = falls[rng.random(len(falls)) < _SLOWED]
    wide[falls] = slowed(wide[falls], rng)
    label = np.concatenate((windows.label[picked], np.zeros(len(beside)))).astype(np.float32)
    weight = np.concatenate((weight, np.ones(len(beside)))).astype(np.float32)
    order = rng.permutation(len(wide))
    x = channels.channels(augment(wide[order], rng))[:, :, None, :]
    return x, label[order], weight[order]


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
