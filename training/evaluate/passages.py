"""The report's passages and small tables that are made of counts.

Rules of this file: one function, one passage; what it says of numbers it takes from the evaluation at hand, so that no
sentence survives the figures it was written for.
"""

from __future__ import annotations

from collections import Counter

from agent.assessment import Verdict
from agent.contract_readme import EVIDENCE
from agent.second_look import LYING, Phase
from training.evaluate import cases, document, readers
from training.evaluate.activities import SISFALL, in_words, short_words, source_of
from training.evaluate.calibration import asked, calibration
from training.evaluate.counts import Material, daily_life, falls, hours, people
from training.evaluate.curve import at, scored
from training.evaluate.evaluation import Evaluation, by_source
from training.evaluate.judge import PROFILE, SENSOR
from training.evaluate.judged import Judged
from training.evaluate.tables import by_rule, rate_words, share_words, table, without_trigger
from training.evaluate.targets import older
from training.evaluate.versus import versus
from training.words import soft_in_words

STRICT_S = 2.5
_LYING = {phase.value for phase in LYING}
_THRESHOLDS = (0.1, 0.3, 0.5, 0.7, 0.9)
_MOST_NAMED = 5


def not_these(material: Material) -> str:
    """Return what the data are not."""
    acted, daily = falls(material.judged), daily_life(material.judged)
    old = [one for one in acted if one.recording.age_group != "young"]
    by_the_old = (
        f"{len(old)} of them by {people(old)} people of 40 and over" if old else "none by anybody of 40 and over"
    )
    triggers = sum(len(one.triggers) for one in daily)
    return document.NOT_THESE.format(
        falls=len(acted),
        fallers=people(acted),
        by_the_old=by_the_old,
        hours=hours(daily),
        triggers=triggers,
        hourly=triggers / hours(daily),
    )


def strict(material: Material) -> str:
    """Return how many falls are called at the fall itself."""
    share = share_words(material.share(falls(material.from_source(SISFALL)), _on_time))
    return document.STRICT.format(seconds=STRICT_S, share=share)


def _on_time(one: Judged) -> bool:
    calls = [trigger.at_s for trigger in one.triggers if trigger.verdict.is_call]
    return any(abs(at_s - one.recording.peak_s) <= STRICT_S for at_s in calls)


def rule(material: Material) -> str:
    """Return what becomes of recordings that are called by rule."""
    sisfall = daily_life(material.from_source(SISFALL))
    silent = sum(not one.called for one in sisfall)
    return document.RULE.format(by_rule=by_rule(material.judged), silent=silent, count=len(sisfall))


def material_table(material: Material) -> str:
    """Return people, recordings, hours and triggers."""
    return table(
        ("source", "people", "falls", "hours", "daily life", "hours", "triggers", "an hour"),
        (
            (
                words,
                str(people(of)),
                str(len(falls(of))),
                f"{hours(falls(of)):.2f}",
                str(len(daily_life(of))),
                f"{hours(daily_life(of)):.2f}",
                str(sum(len(one.triggers) for one in of)),
                f"{sum(len(one.triggers) for one in of) / hours(of):.0f}",
            )
            for words, of in by_source(material)
        ),
    )


def curve(found: Evaluation) -> str:
    """Return a few points of the curve, and the frozen one among them."""
    rows: list[tuple[str, str, str, str]] = []
    frozen = found.card.threshold
    for words, of in by_source(found.material):
        for threshold in sorted((*_THRESHOLDS, frozen)):
            point = at(found.material, of, threshold, scored(threshold))
            name = f"**{threshold:g}**" if threshold == frozen else f"{threshold:g}"
            rows.append((words, name, share_words(point.sensitivity), rate_words(point.false_calls)))
    return table(("source", "threshold", "falls called", "false calls an hour"), rows)


def uncertain(material: Material) -> str:
    """Return how many triggers of daily life are uncertain."""
    daily = daily_life(material.judged)
    count = sum(trigger.verdict is Verdict.UNCERTAIN for one in daily for trigger in one.triggers)
    return f"{count} triggers of daily life were uncertain, in {hours(daily):.1f} hours"


def older_falls(material: Material) -> str:
    """Return what can be said of falls of people of 60 and over."""
    fallen = falls(older(material.judged))
    if not fallen:
        return document.NO_OLDER_FALLS
    return document.OLDER_FALLS.format(share=share_words(material.falls_called(fallen)), people=people(fallen))


def versus_table(found: Evaluation) -> str:
    """Return the model beside a plain sensor, for each source."""
    frozen, level = found.card.threshold, f"falls called by {found.reference_g:g} g"
    rows: list[tuple[str, ...]] = []
    for words, of in by_source(found.material):
        both = versus(found.material, of, found.reference_g)
        model = at(found.material, of, frozen, scored(frozen))
        falls_of_both = share_words(both.plain.sensitivity), share_words(model.sensitivity)
        false_of_both = rate_words(both.plain.false_calls), rate_words(model.false_calls)
        rows.append((words, *falls_of_both, *false_of_both, share_words(both.suppressed), share_words(both.lost)))
    calls = ("its false calls an hour", "the model's", "its false triggers suppressed", "its falls lost")
    return table(("source", level, "by the model", *calls), rows)


def second_look_table(material: Material) -> str:
    """Return what second looks added, falls and daily life apart."""
    kinds = [
        (f"{words}, {kind}", chosen)
        for words, of in by_source(material)
        for kind, chosen in (("falls", falls(of)), ("daily life", daily_life(of)))
    ]
    head = ("source", "recordings", "called at first", "raised to a call", "lying still after a call", "up and walking")
    rows = (
        (
            words,
            str(len(chosen)),
            str(sum(one.called for one in chosen)),
            str(sum(one.raised and not one.called for one in chosen)),
            str(sum(one.called and any(phase in _LYING for phase in one.looks) for one in chosen)),
            str(sum(Phase.UP.value in one.looks for one in chosen)),
        )
        for words, chosen in kinds
    )
    return table(head, rows)


def calibration_table(material: Material) -> str:
    """Return how scores and falls go together."""
    found = calibration(asked(material.judged))
    words = document.CALIBRATION.format(count=found.count, falls=found.falls, own=found.errors, even=found.even)
    rows = (
        (
            f"{b.low:g} to {b.high:g}",
            f"{b.mean:.3f}",
            share_words(b.falls),
            f"{100 * b.even:.1f} % ({100 * b.even_interval.low:.1f} to {100 * b.even_interval.high:.1f})",
        )
        for b in found.bins
    )
    return f"{words}\n{table(('score', 'mean score', 'falls among the triggers', 'were falls half of all'), rows)}"


def doctor(found: Evaluation) -> str:
    """Return the section for a doctor."""
    card, material = found.card, found.material
    missed = Counter(_shortly(one) for one in cases.missed_falls(material.judged))
    false = Counter(_shortly(one) for one in cases.with_false_calls(material.judged) for _ in one.false_calls)
    unseen = without_trigger(material.judged)
    return readers.DOCTOR.format(
        trigger_g=card.trigger_g,
        soft=soft_in_words(card),
        before_s=card.before_s,
        after_s=card.after_s,
        threshold=card.threshold,
        no_trigger=f"{unseen} of {len(falls(material.judged))} falls here",
        missed=_most(missed),
        false=_most(false),
    )


def _shortly(one: Judged) -> str:
    return f"{short_words(source_of(one.recording))} {in_words(one.recording)}"


def _most(counted: Counter[str]) -> str:
    if not counted:
        return "nothing"
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{name} ({count})" for name, count in ordered[:_MOST_NAMED]]
    rest = sum(count for _, count in ordered[_MOST_NAMED:])
    return "; ".join([*named, *([f"others ({rest})"] if rest else [])])


def privacy(found: Evaluation) -> str:
    """Return the section for a data-protection officer."""
    return readers.PRIVACY.format(
        evidence=", ".join(f"`{name}`" for name in EVIDENCE),
        people=people((*found.material.judged, *found.wrist.judged)),
        size=found.card.bytes,
    )


def engineer(found: Evaluation) -> str:
    """Return the section for an engineer."""
    return readers.ENGINEER.format(
        label=found.card.label,
        sha256=found.card.sha256,
        threshold=found.card.threshold,
        seed=found.card.seed,
        profile=PROFILE,
        sensor=SENSOR,
        folds=", ".join(f"{name} `{sha256[:12]}…`" for name, sha256 in found.folds),
    )
