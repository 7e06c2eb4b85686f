"""Fall detection without fall detection: the plain threshold sensor that the unit falls back to.

Rules of this file: pure Python without any library, because it stands in where `agent/inference` is missing, not loaded
yet, or broken. Every peak over `reference_g` is a call, `unverified`; what is no number is no measurement. One call in
four seconds is enough: a fall has several impacts, and further triggers join the call anyway.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from agent.assessment import IMPACT, Assessed, Assessment, TriggerSeen, Verdict
from agent.texts import Text, measured

if TYPE_CHECKING:
    from agent.readings import MotionBatch

HOLD_OFF_S = 4.0


def judge(
    batch: MotionBatch, reference_g: float, last_at: float | None, reason: Text
) -> tuple[float | None, list[TriggerSeen | Assessed]]:
    """Return the moment of the last trigger (None if there never was one), and what this batch triggers."""
    signals: list[TriggerSeen | Assessed] = []
    for at, (x, y, z) in zip(batch.times, batch.xyz_g, strict=True):
        peak = math.hypot(x, y, z)
        if not reference_g <= peak < math.inf or (last_at is not None and at - last_at < HOLD_OFF_S):
            continue
        last_at = float(at)
        trigger_id = f"{batch.sensor}-plain-{last_at:.3f}"
        answer = Assessment(Verdict.UNVERIFIED, (measured(IMPACT, math.floor(peak * 10) / 10), reason))
        signals.append(TriggerSeen(trigger_id, batch.sensor, last_at, peak, over_reference=True, answer_by=last_at))
        signals.append(
            Assessed(
                trigger_id,
                batch.sensor,
                last_at,
                peak,
                over_reference=True,
                assessment=answer,
                budget_left=None,
                audited=False,
            )
        )
    return last_at, signals
