"""The figures of the report: counts of many recordings, never one recording's motion.

Rules of this file: it draws what was counted elsewhere. Axes carry units, bands and bars are the 95 % intervals.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from training.evaluate.calibration import BINS, Calibration
from training.evaluate.counts import Share, daily_life, falls
from training.evaluate.curve import Point
from training.evaluate.drawing import BLACK, BLUE, GREEN, GREY, ORANGE, RED, save, sheet
from training.evaluate.judged import Judged

_LEAST_RATE = 0.05  # where a rate of nothing is drawn, on a logarithmic axis
_SCORES = np.linspace(0.0, 1.0, 41)


def trade_off(path: Path, panels: Sequence[tuple[str, list[Point], list[Point], Point]]) -> None:
    """Draw sensitivity against false calls an hour: of each source the model, a plain sensor, and where we stand."""
    figure, axes = sheet(1, len(panels), 3.6 * len(panels), 3.6)
    for ax, (title, model, plain, frozen) in zip(axes, panels, strict=True):
        _line(ax, plain, RED, "--", "plain threshold, 1.6 to 8 g")
        _line(ax, model, BLUE, "-", "model, any threshold")
        at, rate = max(frozen.false_calls.hourly, _LEAST_RATE), frozen.false_calls.interval
        share = frozen.sensitivity
        ax.errorbar(
            [at],
            [100 * share.share],
            xerr=[[max(0.0, at - max(rate.low, _LEAST_RATE))], [max(0.0, rate.high - at)]],
            yerr=[
                [100 * max(0.0, share.share - share.interval.low)],
                [100 * max(0.0, share.interval.high - share.share)],
            ],
            fmt="o",
            color=BLACK,
            markersize=5,
            capsize=3,
            label="the frozen threshold",
        )
        ax.set_xscale("log")
        ax.set_xlim(_LEAST_RATE * 0.9, 1000)
        ax.set_ylim(min(80.0, 100 * share.interval.low - 5), 100.5)
        ax.set_title(title)
        ax.set_xlabel("false calls in an hour of this material")
        ax.set_ylabel("falls called, %")
    axes[0].legend(loc="lower right")
    save(figure, path)


def _line(ax: Axes, points: Sequence[Point], colour: str, style: str, label: str) -> None:
    at = [max(point.false_calls.hourly, _LEAST_RATE) for point in points]
    ax.plot(at, [100 * p.sensitivity.share for p in points], color=colour, linestyle=style, label=label)
    low, high = ([100 * getattr(p.sensitivity.interval, end) for p in points] for end in ("low", "high"))
    ax.fill_between(at, low, high, color=colour, alpha=0.18, linewidth=0)


def shares(path: Path, label: str, rows: Sequence[tuple[str, Share]]) -> None:
    """Draw a share in percent for each row, with its interval and its count; the axis begins at the lowest of them."""
    least = 10.0 * int(10 * min((share.interval.low for _, share in rows), default=0.0))
    figure, (ax,) = sheet(1, 1, 7.6, 0.6 + 0.21 * len(rows))
    for row, (_, share) in enumerate(rows):
        here, low, high = (100 * value for value in (share.share, share.interval.low, share.interval.high))
        ax.plot([low, high], [row, row], color=BLUE, linewidth=1.5)
        ax.plot([here], [row], "o", color=BLUE, markersize=5)
        ax.annotate(
            f"{share.hits} of {share.count}", (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=8
        )
    ax.set_yticks(range(len(rows)), [name for name, _ in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(least, 100 + 0.012 * (100 - least))  # so that a point at 100 % is whole
    ax.set_xlabel(label)
    save(figure, path)


def score_histogram(path: Path, chosen: Sequence[Judged], threshold: float, uncertain_above: float) -> None:
    """Draw how many recordings had which highest score."""
    figure, (ax,) = sheet(1, 1, 7.2, 3.2)
    for label, of, colour, style in (
        ("daily life", daily_life(chosen), GREEN, "-"),
        ("falls", falls(chosen), RED, "--"),
    ):
        highest = [max((t.score for t in one.triggers if t.score is not None), default=None) for one in of]
        counts, edges = np.histogram([score for score in highest if score is not None], _SCORES)
        ax.stairs(counts, edges, color=colour, linestyle=style, linewidth=1.5, label=label)
    ax.axvline(threshold, color=BLACK, linewidth=1.2, label=f"threshold {threshold:g}")
    ax.axvspan(uncertain_above, threshold, color=ORANGE, alpha=0.25, linewidth=0, label="uncertain")
    ax.set_yscale("symlog", linthresh=1)
    ax.set_ylim(0)
    ax.set_xlim(0, 1)
    ax.set_xlabel("highest score in the recording")
    ax.set_ylabel("recordings (logarithmic)")
    ax.legend(loc="upper center")
    save(figure, path)


def reliability(path: Path, found: Calibration, threshold: float) -> None:
    """Draw the share of falls among triggers by score, and how many triggers that is."""
    figure, (upper, lower) = sheet(2, 1, 4.8, 5.2)
    upper.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="a perfect probability")
    for label, colour, shape, points in (
        ("these triggers, in ten bins", ORANGE, "s", [(b.mean, b.falls.share, b.falls.interval) for b in found.bins]),
        ("were falls half of all", BLUE, "o", [(b.even_mean, b.even, b.even_interval) for b in found.bins]),
    ):
        below = [max(0.0, share - interval.low) for _, share, interval in points]
        above = [max(0.0, interval.high - share) for _, share, interval in points]
        means, shares_of = [mean for mean, _, _ in points], [share for _, share, _ in points]
        upper.errorbar(means, shares_of, yerr=[below, above], fmt=shape, color=colour, capsize=3, label=label)
    upper.set_ylabel("share of falls")
    upper.set_ylim(-0.02, 1.02)
    figure.legend(*upper.get_legend_handles_labels(), loc="outside upper center")
    lower.bar([b.low for b in found.bins], [b.falls.count for b in found.bins], 1 / BINS, align="edge", color=BLUE)
    lower.set_yscale("log")
    lower.set_ylabel("triggers (logarithmic)")
    lower.set_xlabel("score")
    for ax in (upper, lower):
        ax.set_xlim(0, 1)
        ax.axvline(threshold, color=BLACK, linewidth=1)
    save(figure, path)
