"""Which figures the report has, and of what.

Rules of this file: it counts, `plots` draws. The names are those that the report's text links to.
"""

from __future__ import annotations

from pathlib import Path

from training.evaluate import plots
from training.evaluate.activities import short_words
from training.evaluate.calibration import asked, calibration
from training.evaluate.counts import daily_life, falls
from training.evaluate.curve import at, of_a_plain_sensor, of_the_model, scored
from training.evaluate.evaluation import Evaluation, activity, by_source, groups


def draw_all(folder: Path, found: Evaluation) -> None:
    """Draw every figure of the report."""
    material, frozen = found.material, found.card.threshold
    plots.trade_off(
        folder / "sensitivity.svg",
        [
            (
                words,
                of_the_model(material, of),
                of_a_plain_sensor(material, of),
                at(material, of, frozen, scored(frozen)),
            )
            for words, of in by_source(material)
        ],
    )
    rows = [
        (f"{short_words(source)}: {name}", of)
        for source in material.sources
        for name, of in groups(material.from_source(source), activity)
    ]
    fallen = [(name, material.falls_called(of)) for name, of in rows if falls(of)]
    plots.shares(folder / "falls.svg", "falls called, % (and 95 % interval)", fallen)
    lived = [(name, material.daily_life_quiet(of)) for name, of in rows if daily_life(of)]
    plots.shares(folder / "daily-life.svg", "daily life without a call, % (and 95 % interval)", lived)
    plots.score_histogram(folder / "scores.svg", material.judged, frozen, found.uncertain_above)
    plots.reliability(folder / "reliability.svg", calibration(asked(material.judged)), frozen)
