"""`python -m training.words`: the model card in words, `docs/model/card.md`, made from the JSON card.

Rules of this file: what was measured comes from the card; what the training aims at is said here, as
`training/figures.py` and `training/calibrate.py` have it. A test fails where the document and the card differ.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from agent.inference.cards import Figures, ModelCard, Share, load_card
from training.evaluate.intervals import wilson

DOCUMENT = Path(__file__).parent.parent / "docs" / "model" / "card.md"
_DOCUMENT = """\
# Model card: {card.label}

Made by `python -m training.words` from the card beside the model file; do not edit. Every missed fall and false call,
and what was measured by age, person, activity and kind of fall, is in [report.md](report.md), by `make evaluate`.

## What it is not

{limits}

## What it is

Two small convolutional networks side by side, of which the mean counts. They are asked about each trigger: |a| at or
over {card.trigger_g} g on a grid of {card.rate_hz:g} Hz{soft}.
They look at {card.before_s} s before the impact to {card.after_s} s after it, in {channel_count} channels that do not
depend on how the sensor hangs ({channels}),
and answer with a score from 0 to 1. From {card.threshold} on it is a call; from {card.uncertain_above} to
{card.threshold} it is uncertain and draws on the budget; below, the trigger is a false alarm. The score is calibrated:
of the triggers of people not learnt from that score s, the share s were falls, were one trigger in four a fall. In a
home they are far fewer.

- For a sensor at the {positions}, and nowhere else.
- File: {card.name}.tflite, {card.bytes} bytes, int8 in and out, sha256 `{card.sha256}`.
- Learnt from {data.recordings} recordings ({data.falls} falls) of {data.subjects} people in {datasets},
  {data.windows} windows; seed {card.seed}. The shipped file has learnt from all of them; the figures below come from
  five files, each asked only about people that it had not seen.
- Threshold: frozen on those out-of-fold scores, in the middle of those that call in 99.5 % of SisFall's falls and in
  96 % of those with SmartFallMM's Meta sensor, lose 0.3 % of the falls that a plain sensor finds, and leave 99.5 % of
  the daily life of both without a call, 99.7 % of that of people of 60 and over; where that can't all be had, daily
  life gives way.

## What was measured

By recording, on people not learnt from, by int8 files; in brackets 95 % Wilson intervals, which take recordings as
independent (those of one person are not quite). `make model` prints these figures again.

| recordings | falls called | falls without trigger | daily life without a call | cut at the end |
|---|---|---|---|---|
{rows}

*Falls without trigger*: |a| stays below the trigger; they are among those not called. *Cut at the end*: further
daily-life recordings that end within 1 s of an impact (mostly while jogging). The unit calls `unverified` there, by
rule, whatever the model says; a fall recording that ends so counts as called.

Against a plain threshold of {versus.threshold_g} g on SisFall: of its false triggers the model suppresses
{suppressed}, and of the falls it fires at the model loses {lost}.
"""


def interval(share: Share) -> str:
    """Return the 95 % Wilson interval in percent (recordings taken as independent, which they are not quite)."""
    if not share.whole:
        return "-"
    found = wilson(share.part, share.whole)
    return f"{100 * found.low:.1f} to {100 * found.high:.1f}"


def share_in_words(share: Share) -> str:
    """Return a share with its count and interval."""
    return (
        f"{share.part} of {share.whole} = {share.percent:.2f} % ({interval(share)})" if share.whole else "none recorded"
    )


def _row(group: Figures) -> str:
    cells = [
        group.title,
        share_in_words(group.falls_called),
        str(group.falls_without_trigger),
        share_in_words(group.daily_life_without_call),
        str(group.daily_life_cut_at_end),
    ]
    return f"| {' | '.join(cells)} |"


def soft_in_words(card: ModelCard) -> str:
    """Return what else is a trigger, to follow the level of a trigger proper; nothing where there is nothing else."""
    soft = card.soft_trigger
    return f", or from {soft.level_g} g on where the posture changed by {soft.turned_deg:g} degrees" if soft else ""


def words(card: ModelCard) -> str:
    """Return the document."""
    data, versus = card.trained_on, card.comparison
    return _DOCUMENT.format(
        card=card,
        soft=soft_in_words(card),
        data=data,
        versus=versus,
        limits="\n".join(f"- {limit}" for limit in card.limits),
        channels=", ".join(card.channels),
        channel_count=len(card.channels),
        positions=" or ".join(card.body_positions),
        datasets=" and ".join(data.datasets),
        rows="\n".join(_row(group) for group in card.figures),
        suppressed=share_in_words(versus.false_triggers_suppressed),
        lost=share_in_words(versus.its_falls_lost),
    )


def main() -> None:
    """Write the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="fall-waist")
    args = parser.parse_args()
    DOCUMENT.parent.mkdir(parents=True, exist_ok=True)
    DOCUMENT.write_text(words(load_card(args.model)), encoding="utf-8")


if __name__ == "__main__":
    main()
