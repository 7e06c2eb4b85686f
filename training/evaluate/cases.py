"""Every missed fall and every false call, one row each, with the unit's own reasons and a trace to look at.

Rules of this file: none is left out, none explained away. A row holds what was derived from a recording, never samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from training.evaluate.activities import in_words, source_of, source_words
from training.evaluate.counts import daily_life, falls
from training.evaluate.judged import Judged, Trigger
from training.evaluate.tables import NOTHING, table

_UNITS = {
    "peak_g": ("peak", "g"),
    "free_fall_ms": ("free fall", "ms"),
    "posture_deg": ("posture", "°"),
    "moving_g": ("moving", "g"),
    "still_s": ("still", "s"),
    "flight_ms": ("flight", "ms"),
    "unmoved_s": ("unmoved", "s"),
}
HEAD = ("recording", "source", "subject", "activity", "at", "score", "evidence", "reasons")


def missed_falls(chosen: Iterable[Judged]) -> list[Judged]:
    """Return the falls in which the unit did not call."""
    return [one for one in falls(chosen) if not one.called]


def with_false_calls(chosen: Iterable[Judged]) -> list[Judged]:
    """Return the recordings of daily life in which the model called."""
    return [one for one in daily_life(chosen) if one.false_calls]


def missed_table(missed: Sequence[Judged]) -> str:
    """Return a row for each missed fall: its trigger with the highest score."""
    return table(HEAD, [_row(one, best(one)) for one in missed])


def false_table(chosen: Sequence[Judged]) -> str:
    """Return a row for each trigger that was called falsely."""
    return table(HEAD, [_row(one, trigger) for one in chosen for trigger in one.false_calls])


def best(judged: Judged) -> Trigger | None:
    """Return the trigger with the highest score; None without a trigger."""
    return max(judged.triggers, key=lambda trigger: trigger.score or 0.0, default=None)


def evidence_words(evidence: Mapping[str, float]) -> str:
    """Return the numbers of a window in words; a kind that is not known here keeps its own name."""
    named = [(*_UNITS.get(name, (name, "")), value) for name, value in evidence.items()]
    return ", ".join(f"{name} {value:g} {unit}".rstrip().replace(" °", "°") for name, unit, value in named)


def trace_name(judged: Judged) -> str:
    """Return the name of the recording's trace file."""
    return f"{judged.recording.rec_id}.svg"


def _row(judged: Judged, trigger: Trigger | None) -> Sequence[str]:
    recording = judged.recording
    name = f"[{recording.rec_id}](traces/{trace_name(judged)})"
    head = (name, source_words(source_of(recording)), recording.subject, in_words(recording))
    if trigger is None:
        largest = float(np.sqrt((recording.xyz_g**2).sum(axis=1).max()))
        return (
            *head,
            NOTHING,
            NOTHING,
            f"peak {largest:.3g} g",
            "no trigger: too soft on the 50 Hz grid",
        )
    score = NOTHING if trigger.score is None else f"{trigger.score:.3f}"
    return (*head, f"{trigger.at_s:.1f} s", score, evidence_words(trigger.evidence), "; ".join(trigger.reasons))
