"""One recording's motion, drawn for whoever wants to see why a fall was missed or a false call made.

Rules of this file: what it draws is the recording itself, so it goes where git does not look, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from training.evaluate.activities import in_words, source_of, source_words
from training.evaluate.cases import trace_name
from training.evaluate.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, RED, save, sheet
from training.evaluate.judged import Judged

_SMOOTH_S = 0.5
_REST_S = 1.0  # gravity is taken from so much of the beginning


def draw_all(folder: Path, chosen: Sequence[Judged], trigger_g: float, reference_g: float) -> None:
    """Draw each recording into the folder, and remove what an earlier run drew there."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    for one in tqdm(chosen, desc="traces", unit="rec"):
        draw(folder / trace_name(one), one, trigger_g, reference_g)


def draw(path: Path, judged: Judged, trigger_g: float, reference_g: float) -> None:
    """Draw |a| with every trigger and its score, and below it the angle to where gravity was at the beginning."""
    recording = judged.recording
    times, xyz = recording.times, recording.xyz_g
    figure, (upper, lower) = sheet(2, 1, 9.0, 4.6)
    upper.plot(times, np.sqrt((xyz**2).sum(axis=1)), color=BLUE, linewidth=0.8)
    upper.axhline(trigger_g, color=GREY, linestyle=":", linewidth=1, label=f"trigger, {trigger_g:g} g")
    upper.axhline(reference_g, color=ORANGE, linestyle="--", linewidth=1, label=f"plain sensor, {reference_g:g} g")
    for trigger in judged.triggers:
        colour = RED if trigger.verdict.is_call else GREEN
        says = f"{trigger.verdict.value}" + ("" if trigger.score is None else f" {trigger.score:.2f}")
        upper.plot(
            [trigger.at_s], [trigger.peak_g], "v" if trigger.verdict.is_call else "o", color=colour, markersize=5
        )
        upper.annotate(says, (trigger.at_s, trigger.peak_g), (3, 4), textcoords="offset points", fontsize=7)
    upper.set_ylabel("|a|, g")
    upper.set_title(f"{recording.rec_id}: {in_words(recording)} ({source_words(source_of(recording))})")
    upper.legend(loc="upper left", fontsize=7)
    lower.plot(times, _tilt(xyz, recording.rate_hz), color=BLACK, linewidth=0.8)
    lower.set_ylabel("tilt from the beginning, °")
    lower.set_ylim(0, 180)
    lower.set_xlabel("time, s")
    save(figure, path)


def _tilt(xyz: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    width = max(1, min(len(xyz), round(_SMOOTH_S * rate_hz)))
    slow = np.stack([np.convolve(axis, np.full(width, 1 / width), mode="same") for axis in xyz.T], axis=1)
    up = xyz[: max(1, round(_REST_S * rate_hz))].mean(axis=0)
    length = np.sqrt((slow**2).sum(axis=1)) * np.sqrt((up**2).sum())
    angle: NDArray[np.float64] = np.degrees(np.arccos(np.clip(slow @ up / np.maximum(length, 1e-9), -1.0, 1.0)))
    return angle
