"""From scores of windows to what matters: which recordings call, counted.

Rules of this file: a recording calls if any of its windows does; every share carries its count. A recording of daily
life that ends within a second of an impact calls `unverified` on the unit, whatever the model says: it is counted
apart, because it says something of where the recording was cut and nothing of the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from agent.inference.cards import Comparison, Figures, Share
from training.dataset import Windows
from training.recordings import Recording

REFERENCE_G = 2.13
_ROUNDING = 1e-9  # 0.1 * 10 is not 1
Chosen = Callable[[Recording], bool]

SISFALL, META_HIP = "SisFall, waist", "SmartFallMM, Meta sensor on the hip"
OLDER = "SisFall, waist, people of 60 and over"
GROUPS: tuple[tuple[str, Chosen], ...] = (
    (SISFALL, lambda r: r.dataset == "SisFall"),
    (OLDER, lambda r: r.dataset == "SisFall" and r.age_group == "older"),
    (META_HIP, lambda r: r.body_position == "hip_left"),
    ("SmartFallMM, phone on the hip", lambda r: r.body_position == "hip_right_phone"),
)


def recording_scores(recordings: list[Recording], windows: Windows, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the highest score of each recording's whole windows; -1 where no window was scored."""
    best = np.full(len(recordings), -1.0)
    whole = ~windows.damaged
    np.maximum.at(best, windows.recording[whole], scores[whole])
    return best


def _flag(count: int, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
    flags = np.zeros(count, dtype=np.bool_)
    flags[indices] = True
    return flags


@dataclass(frozen=True, slots=True)
class Aim:
    """What the threshold has to reach on one kind of recording: the shares of falls called and of quiet daily life."""

    title: str
    falls: float
    quiet: float


AIMS = (Aim(SISFALL, 0.995, 0.995), Aim(OLDER, 0.995, 0.997), Aim(META_HIP, 0.96, 0.995))
MOST_LOST = 0.003
"""Of the falls in SisFall that a plain threshold sensor fires at, the share that may get no call."""


def freeze_threshold(
    recordings: list[Recording],
    windows: Windows,
    scores: NDArray[np.float64],
    aims: tuple[Aim, ...] = AIMS,
    most_lost: float = MOST_LOST,
) -> float:
    """Return a threshold: the middle of those that reach every aim, and lose few falls that a plain sensor finds.

    Where they can't all be had, daily life gives way: a fall counts for more.
    """
    best = recording_scores(recordings, windows, scores)
    is_fall = np.array([r.is_fall for r in recordings])
    cut = _flag(len(recordings), windows.recording[windows.damaged])
    best = np.where(is_fall & cut, 1.0, best)  # a call, whatever the model says
    least, greatest = 0.0, _reached_by(best[reference_falls(recordings, windows)], 1 - most_lost)
    for aim in aims:
        chosen = dict(GROUPS)[aim.title]
        within = np.array([chosen(r) for r in recordings])
        daily = np.sort(best[within & ~is_fall])
        if len(daily):
            least = max(least, float(daily[math.ceil(aim.quiet * len(daily) - _ROUNDING) - 1]))
        greatest = min(greatest, _reached_by(best[within & is_fall], aim.falls))
    middle = (min(least, greatest) + greatest) / 2
    return math.floor(1000 * middle + _ROUNDING) / 1000  # not up: a fall may score just that


def _reached_by(scores: NDArray[np.float64], share: float) -> float:
    """Return the highest threshold that so large a share of the scores reaches; 1 where any does."""
    may_miss = math.floor((1 - share) * len(scores) + _ROUNDING)
    return float(np.sort(scores)[may_miss]) if may_miss < len(scores) else 1.0


def reference_triggers(windows: Windows) -> NDArray[np.bool_]:
    """Return which windows a plain threshold of `REFERENCE_G` would have fired at, too."""
    fires: NDArray[np.bool_] = (windows.peak_g > REFERENCE_G) & ~windows.damaged
    return fires


def reference_falls(recordings: list[Recording], windows: Windows) -> NDArray[np.bool_]:
    """Return which recordings are falls in SisFall at which that threshold fires."""
    of_sisfall = np.array([r.is_fall and r.dataset == "SisFall" for r in recordings], dtype=np.bool_)
    return of_sisfall & _flag(len(recordings), windows.recording[reference_triggers(windows)])


def figures(
    recordings: list[Recording], windows: Windows, scores: NDArray[np.float64], threshold: float
) -> tuple[Figures, ...]:
    """Return the figures of every group."""
    calls = recording_scores(recordings, windows, scores) >= threshold
    cut = _flag(len(recordings), windows.recording[windows.damaged])
    triggered = _flag(len(recordings), windows.recording)
    out: list[Figures] = []
    for title, chosen in GROUPS:
        within = np.array([chosen(r) for r in recordings])
        is_fall = np.array([r.is_fall for r in recordings])
        fall, daily = within & is_fall, within & ~is_fall
        out.append(
            Figures(
                title=title,
                falls_called=Share(part=int((fall & (calls | cut)).sum()), whole=int(fall.sum())),
                daily_life_without_call=Share(part=int((daily & ~calls).sum()), whole=int(daily.sum())),
                daily_life_cut_at_end=int((daily & cut & ~calls).sum()),
                falls_without_trigger=int((fall & ~triggered).sum()),
            )
        )
    return tuple(out)


def comparison(
    recordings: list[Recording], windows: Windows, scores: NDArray[np.float64], threshold: float
) -> Comparison:
    """Return how the model fares on what a plain threshold of 2.13 g fires at, in SisFall."""
    daily = np.array([r.dataset == "SisFall" and not r.is_fall for r in recordings])
    false = reference_triggers(windows) & daily[windows.recording]
    called = recording_scores(recordings, windows, scores) >= threshold
    its_falls = reference_falls(recordings, windows)
    return Comparison(
        threshold_g=REFERENCE_G,
        false_triggers_suppressed=Share(part=int((false & (scores < threshold)).sum()), whole=int(false.sum())),
        its_falls_lost=Share(part=int((its_falls & ~called).sum()), whole=int(its_falls.sum())),
    )
