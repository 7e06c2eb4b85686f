"""The report, `docs/model/report.md`, from what was judged.

Rules of this file: it puts together. Words are in `document` and `readers`, what is counted in words in `passages`,
tables in `tables`. The same judgements give the same text, byte by byte.
"""

from __future__ import annotations

from training.evaluate import cases, passages
from training.evaluate.counts import people
from training.evaluate.document import DOCUMENT
from training.evaluate.evaluation import Evaluation, activity, age, by, by_source, subject
from training.evaluate.tables import daily_table, falls_table, whole_table
from training.evaluate.targets import target_table, targets


def report(found: Evaluation) -> str:
    """Return the document."""
    card, material = found.card, found.material
    of_activities = by(material, activity)
    return DOCUMENT.format(
        label=card.label,
        threshold=card.threshold,
        reference_g=found.reference_g,
        uncertain_above=found.uncertain_above,
        budget=found.budget,
        people=people(material.judged),
        not_these=passages.not_these(material),
        targets=target_table(targets(material, card, found.reference_g)),
        strict=passages.strict(material),
        rule=passages.rule(material),
        doctor=passages.doctor(found),
        privacy=passages.privacy(found),
        material=passages.material_table(material),
        curve=passages.curve(found),
        uncertain=passages.uncertain(material),
        sources=whole_table("source", material, by_source(material)),
        wrist=whole_table("source", found.wrist, by_source(found.wrist)),
        ages=whole_table("source and age", material, by(material, age)),
        older_falls=passages.older_falls(material),
        fall_types=falls_table("source and fall", material, of_activities),
        activities=daily_table("source and activity", material, of_activities),
        subjects=whole_table("source and person", material, by(material, subject)),
        versus=passages.versus_table(found),
        second_look=passages.second_look_table(material),
        lying_still_s=found.lying_still_s,
        calibration=passages.calibration_table(material),
        missed=cases.missed_table(cases.missed_falls(material.judged)),
        false=cases.false_table(cases.with_false_calls(material.judged)),
        engineer=passages.engineer(found),
    )
