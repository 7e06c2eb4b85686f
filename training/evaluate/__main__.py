"""`python -m training.evaluate --data ../shared/data --folds build/model`: judge, count, write, draw.

Rules of this file: the order of the evaluation, nothing else. It runs unattended; where something is missing it ends
with a sentence about what to do.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from agent.config_files import load_profile
from agent.errors import ModelError
from agent.inference.cards import load_card
from training import folds
from training.evaluate import cases, figures, traces
from training.evaluate.activities import WRIST
from training.evaluate.counts import Material
from training.evaluate.evaluation import Evaluation
from training.evaluate.judge import PROFILE, SENSOR, judge
from training.evaluate.report import report
from training.recordings import TRAINED_ON, load

DOCS = Path(__file__).parents[2] / "docs" / "model"


def evaluate(data: Path, folder: Path) -> Evaluation:
    """Judge every recording; ModelError if the fold files are missing or of another training."""
    fall = load_profile(PROFILE).wearables[SENSOR].fall
    card = load_card(fall.model)
    index = folds.load(folder, card)
    cards = [folds.card_of(folder, fold.name) for fold in index.folds]
    return Evaluation(
        card=card,
        material=Material.of(judge(load(data, TRAINED_ON), folder, "waist and hip")),
        wrist=Material.of(judge(load(data, WRIST), folder, "wrist")),
        reference_g=fall.reference_g,
        uncertain_above=fall.uncertain_above,
        budget=fall.uncertain_budget,
        lying_still_s=fall.lying_still_s,
        folds=tuple((one.name, one.sha256) for one in cards),
    )


def write(found: Evaluation, docs: Path) -> None:
    """Write the report, its figures, and a trace of every missed fall and false call."""
    docs.mkdir(parents=True, exist_ok=True)
    figures.draw_all(docs / "figures", found)
    judged = found.material.judged
    shown = [*cases.missed_falls(judged), *cases.with_false_calls(judged)]
    traces.draw_all(docs / "traces", shown, found.card.trigger_g, found.reference_g)
    (docs / "report.md").write_text(report(found), encoding="utf-8")


def main() -> int:
    """Evaluate; return 0, or 1 with a sentence on standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with manifest.csv and the *.npz files")
    parser.add_argument("--folds", type=Path, required=True, help="where `make model` left the fold files")
    parser.add_argument("--docs", type=Path, default=DOCS, help="where report.md, figures/ and traces/ go")
    args = parser.parse_args()
    try:
        found = evaluate(args.data, args.folds)
    except (ModelError, FileNotFoundError) as error:
        sys.stderr.write(f"evaluate: {error}\n")
        return 1
    write(found, args.docs)
    sys.stdout.write(f"{args.docs / 'report.md'} is written, for {found.card.label}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
