"""Short reasons that a person understands, made from the evidence, in English and Danish.

Rules of this file: pure. A reason is a code with at most one number; both languages come from one catalogue. No reason
says what the evidence does not show, and one that speaks for a fall is never given beside its opposite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from agent.assessment import Verdict
from agent.inference.policy import Unasked

Language = Literal["en", "da"]

LONG_FREE_FALL_MS = 100
SHORT_FREE_FALL_MS = 60
TURNED_DEG = 50
UNTURNED_DEG = 25
STILL_S = 1.0
MOVING_G = 0.15


class Sign(StrEnum):
    """What the evidence shows."""

    IMPACT = "impact"
    FREE_FALL = "free_fall"
    TURNED = "posture_changed"
    LYING = "lying_still"
    STILL = "still"
    NO_FREE_FALL = "no_free_fall"
    UNTURNED = "posture_unchanged"
    MOVED_ON = "moved_on"
    NEAR_THRESHOLD = "near_threshold"
    WHOLE_MOTION = "whole_motion"


_CATALOGUE: dict[Sign | Unasked, tuple[str, str]] = {
    Sign.IMPACT: ("impact {} g", "stød {} g"),
    Sign.FREE_FALL: ("free fall {} ms", "frit fald {} ms"),
    Sign.TURNED: ("posture changed {} degrees", "kropsstilling ændret {} grader"),
    Sign.LYING: ("lying still {} s", "ligger stille {} s"),
    Sign.STILL: ("still {} s after the impact", "i ro {} s efter stødet"),
    Sign.NO_FREE_FALL: ("no free fall", "intet frit fald"),
    Sign.UNTURNED: ("posture unchanged", "kropsstilling uændret"),
    Sign.MOVED_ON: ("moved on after the impact", "bevægede sig videre efter stødet"),
    Sign.NEAR_THRESHOLD: ("close to the threshold", "tæt på grænsen"),
    Sign.WHOLE_MOTION: (
        "no single sign stands out, judged from the whole motion",
        "intet enkelt tegn skiller sig ud, bedømt ud fra hele bevægelsen",
    ),
    Unasked.NOT_LOADED: ("the model is not loaded yet", "modellen er ikke indlæst endnu"),
    Unasked.MODEL_FAILING: ("the model can't be used", "modellen kan ikke bruges"),
    Unasked.MODEL_MISSING: ("the model file is missing", "modelfilen mangler"),
    Unasked.WRONG_HASH: ("the model file is not the one on its card", "modelfilen er ikke den, som kortet beskriver"),
    Unasked.WRONG_SHAPE: ("the model does not fit this software", "modellen passer ikke til denne software"),
    Unasked.EXCEPTION: ("the model failed", "modellen fejlede"),
    Unasked.NOT_A_NUMBER: ("the model gave no usable score", "modellen gav intet brugbart tal"),
    Unasked.LATE: ("the model answered too late", "modellen svarede for sent"),
    Unasked.DAMAGED_WINDOW: (
        "the motion data ended within a second of the impact",
        "bevægelsesdata endte inden for et sekund efter stødet",
    ),
    Unasked.IMPLAUSIBLE: (
        "the sensor reported a harder shock than a body can have had",
        "sensoren målte et hårdere stød, end en krop kan have fået",
    ),
    Unasked.BUDGET_SPENT: (
        "uncertain, and the budget for uncertain triggers is spent",
        "usikker, og budgettet for usikre udløsninger er brugt",
    ),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; `number` is already rounded so that it never claims more than was measured."""

    code: Sign | Unasked
    number: float | None = None

    def text(self, language: Language = "en") -> str:
        """Return the reason in words."""
        english, danish = _CATALOGUE[self.code]
        number = "" if self.number is None else f"{self.number:g}"
        return english.format(number) if language == "en" else danish.format(number.replace(".", ","))


def _floor(value: float, step: float) -> float:
    return round(math.floor(value / step + 1e-9) * step, 3)


def signs_for(evidence: Mapping[str, float]) -> list[Reason]:
    """Return what speaks for a fall."""
    found: list[Reason] = []
    if evidence["free_fall_ms"] >= LONG_FREE_FALL_MS:
        found.append(Reason(Sign.FREE_FALL, round(evidence["free_fall_ms"])))
    turned = evidence.get("posture_deg", 0.0) >= TURNED_DEG
    if turned:
        found.append(Reason(Sign.TURNED, _floor(evidence["posture_deg"], 1.0)))
    still = evidence.get("still_s", 0.0)
    if still >= STILL_S:
        found.append(Reason(Sign.LYING if turned else Sign.STILL, _floor(still, 0.1)))
    return found


def signs_against(evidence: Mapping[str, float]) -> list[Reason]:
    """Return what speaks against a fall."""
    found: list[Reason] = []
    if has_moved_on(evidence):
        found.append(Reason(Sign.MOVED_ON))
    if evidence.get("posture_deg", math.inf) <= UNTURNED_DEG:
        found.append(Reason(Sign.UNTURNED))
    if evidence["free_fall_ms"] < SHORT_FREE_FALL_MS:
        found.append(Reason(Sign.NO_FREE_FALL))
    return found


def has_moved_on(evidence: Mapping[str, float]) -> bool:
    """Whether the person was seen moving after the impact, and not still at the end."""
    return evidence.get("moving_g", 0.0) >= MOVING_G and evidence.get("still_s", math.inf) < STILL_S / 2


def reasons(verdict: Verdict, evidence: Mapping[str, float], unasked: Unasked | None = None) -> tuple[Reason, ...]:
    """Return the reasons of a verdict, the impact first (after why the model was not asked)."""
    impact = Reason(Sign.IMPACT, round(evidence["peak_g"], 1))
    if unasked is not None:
        return (Reason(unasked), impact, *signs_for(evidence))
    if verdict.is_call:
        return (impact, *(signs_for(evidence) or [Reason(Sign.WHOLE_MOTION)]))
    near = [Reason(Sign.NEAR_THRESHOLD)] if verdict is Verdict.UNCERTAIN else []
    return (impact, *near, *(signs_against(evidence) or [Reason(Sign.WHOLE_MOTION)]))
