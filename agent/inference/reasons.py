"""Short reasons that a person understands, made from the evidence, in Danish and English.

Rules of this file: pure. A reason is a code with at most one number, and both languages come from one catalogue. No
reason without its evidence, and none that speaks for a fall beside its opposite; a number never claims more than was
measured. What a call rests on is always said, and if nothing that can be said explains it, that is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from agent.assessment import IMPACT, Verdict
from agent.inference.policy import Unasked
from agent.texts import Text, measured

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
    FLEW = "flew"
    DROPPED = "dropped"
    NEAR_THRESHOLD = "near_threshold"
    UNEXPLAINED_CALL = "unexplained_call"
    UNEXPLAINED_NO_CALL = "unexplained_no_call"


_CATALOGUE: Mapping[Sign | Unasked, Text] = {
    Sign.IMPACT: IMPACT,
    Sign.FREE_FALL: Text("frit fald {} ms", "free fall {} ms"),
    Sign.TURNED: Text("kropsstilling ændret {} grader", "posture changed {} degrees"),
    Sign.LYING: Text("ligger stille {} s", "lying still {} s"),
    Sign.STILL: Text("i ro {} s efter stødet", "still {} s after the impact"),
    Sign.NO_FREE_FALL: Text("intet frit fald", "no free fall"),
    Sign.UNTURNED: Text("kropsstilling uændret", "posture unchanged"),
    Sign.MOVED_ON: Text("bevægede sig videre efter stødet", "moved on after the impact"),
    Sign.FLEW: Text(
        "vægtløs i {} ms som en sensor, der tabes", "without weight for {} ms, as a sensor that is dropped"
    ),
    Sign.DROPPED: Text(
        "ikke den mindste bevægelse i {} s bagefter: sensoren blev tabt",
        "not the least movement for {} s afterwards: the sensor was dropped",
    ),
    Sign.NEAR_THRESHOLD: Text("tæt på grænsen", "close to the threshold"),
    Sign.UNEXPLAINED_CALL: Text(
        "modellen bekræfter et fald, men ud over stødet er der intet tegn, der forklarer det",
        "the model confirms a fall, but beside the impact no sign explains it",
    ),
    Sign.UNEXPLAINED_NO_CALL: Text(
        "modellen ser intet fald, men intet enkelt tegn forklarer det",
        "the model sees no fall, but no single sign explains it",
    ),
    Unasked.NOT_LOADED: Text("modellen er ikke indlæst endnu", "the model is not loaded yet"),
    Unasked.MODEL_FAILING: Text("modellen kan ikke bruges", "the model can't be used"),
    Unasked.MODEL_MISSING: Text("modelfilen mangler", "the model file is missing"),
    Unasked.WRONG_HASH: Text(
        "modelfilen er ikke den, som kortet beskriver", "the model file is not the one on its card"
    ),
    Unasked.WRONG_SHAPE: Text("modellen passer ikke til denne software", "the model does not fit this software"),
    Unasked.EXCEPTION: Text("modellen fejlede", "the model failed"),
    Unasked.NOT_A_NUMBER: Text("modellen gav intet brugbart tal", "the model gave no usable score"),
    Unasked.LATE: Text("modellen svarede for sent", "the model answered too late"),
    Unasked.DAMAGED_WINDOW: Text(
        "bevægelsesdata endte inden for et sekund efter stødet", "the motion data ended within a second of the impact"
    ),
    Unasked.IMPLAUSIBLE: Text(
        "sensoren målte et hårdere stød, end en krop kan have fået",
        "the sensor reported a harder shock than a body can have had",
    ),
    Unasked.BUDGET_SPENT: Text(
        "usikker, og budgettet for usikre udløsninger er brugt",
        "uncertain, and the budget for uncertain triggers is spent",
    ),
}


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason; `number` is already rounded so that it never claims more than was measured."""

    code: Sign | Unasked
    number: float | None = None

    def text(self) -> Text:
        """Return the reason in words."""
        template = _CATALOGUE[self.code]
        return template if self.number is None else measured(template, self.number)


def _floor(value: float, step: float) -> float:
    return round(math.floor(value / step + 1e-9) * step, 3)


def signs_for(evidence: Mapping[str, float]) -> list[Reason]:
    """Return what speaks for a fall."""
    found: list[Reason] = []
    if evidence["free_fall_ms"] >= LONG_FREE_FALL_MS:
        found.append(Reason(Sign.FREE_FALL, _floor(evidence["free_fall_ms"], 1.0)))
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


def reasons(
    verdict: Verdict, evidence: Mapping[str, float], unasked: Unasked | None = None, *, near: bool = False
) -> tuple[Reason, ...]:
    """Return the reasons of a verdict: why the model was not asked, the impact, and what was measured beside it.

    A call names what speaks for it, and why its advice is to phone first: `near` the threshold, or moved on. A
    suppression names what speaks against a fall, and then what does not.
    """
    cause = () if unasked is None else (Reason(unasked),)
    impact = Reason(Sign.IMPACT, _floor(evidence["peak_g"], 0.1))
    close = [Reason(Sign.NEAR_THRESHOLD)] if near or verdict is Verdict.UNCERTAIN else []
    flight = [Reason(Sign.FLEW, _floor(evidence["flight_ms"], 1.0))] if "flight_ms" in evidence else []
    if "unmoved_s" in evidence:
        return (impact, *flight, Reason(Sign.DROPPED, _floor(evidence["unmoved_s"], 1.0)))
    for_it, against = signs_for(evidence), signs_against(evidence)
    if verdict.is_call:
        moved_on = [reason for reason in against if reason.code is Sign.MOVED_ON]
        unexplained = [] if for_it or unasked else [Reason(Sign.UNEXPLAINED_CALL)]
        return (*cause, impact, *for_it, *unexplained, *close, *moved_on, *flight)
    return (impact, *close, *(against or [Reason(Sign.UNEXPLAINED_NO_CALL)]), *for_it)
