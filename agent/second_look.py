"""What a person does after an impact, second by second: the life of a second look as a table, and what it weighs.

After every trigger the unit keeps looking, from the second after the impact until `look_s` after it. Lying still since
the impact speaks for a fall, being up and walking against one. That makes a call of a trigger that was uncertain, and
changes score, advice and reasons of a call that is under way (`agent/looks.py`). It never withdraws, cancels or delays
anything; a pre-alarm goes on.

Rules of this file: pure; a look's phase changes only by the table. What a second shows comes as an `Observation`, never
as samples; its own time (`at`) counts, not the time at which it is processed, so that nothing depends on how samples
were cut into batches. Not seeing anything is a phase of its own that ends the look: what is not seen lowers nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum

from agent.assessment import Advice, Assessed, Assessment, Observation, TriggerSeen, Verdict
from agent.directions import Vector, angle_deg
from agent.texts import Text, measured


class Phase(Enum):
    """What was seen since the impact."""

    WATCHING = "watching"
    LYING_SINCE = "lying_since_impact"
    MOVING = "moving"
    LYING_AGAIN = "lying_again"
    UP = "up_and_walking"
    UNKNOWN = "unknown"
    OVER = "over"


class Sign(Enum):
    """What a second added."""

    LAY_STILL = "lay_still"
    """The posture is another than before the impact, and nothing moved for the profile's `lying_still_s`."""
    MOVED = "moved"
    """Three seconds of movement in a row, once the fall itself had settled."""
    WALKED = "walked"
    """The posture is that of before the impact, with steps, three seconds in a row."""
    LOST = "lost"
    """Nothing was seen for longer than a frame or two can be late: a gap, a lost link."""
    TIME_UP = "time_up"


TRANSITIONS: dict[tuple[Phase, Sign], Phase] = {
    (Phase.WATCHING, Sign.LAY_STILL): Phase.LYING_SINCE,  # the only way there: nothing else happened since the impact
    (Phase.WATCHING, Sign.MOVED): Phase.MOVING,
    (Phase.WATCHING, Sign.WALKED): Phase.UP,
    (Phase.LYING_SINCE, Sign.MOVED): Phase.MOVING,
    (Phase.LYING_SINCE, Sign.WALKED): Phase.UP,
    (Phase.MOVING, Sign.LAY_STILL): Phase.LYING_AGAIN,
    (Phase.MOVING, Sign.WALKED): Phase.UP,
    (Phase.LYING_AGAIN, Sign.MOVED): Phase.MOVING,
    (Phase.LYING_AGAIN, Sign.WALKED): Phase.UP,
    (Phase.UP, Sign.LAY_STILL): Phase.LYING_AGAIN,
    **{(phase, Sign.LOST): Phase.UNKNOWN for phase in Phase if phase not in (Phase.UNKNOWN, Phase.OVER)},
    **{(phase, Sign.TIME_UP): Phase.OVER for phase in Phase if phase not in (Phase.UNKNOWN, Phase.OVER)},
}
"""Pairs that are not here change nothing. Nothing leads out of UNKNOWN: what was not seen can't be made up for."""

LYING = frozenset({Phase.LYING_SINCE, Phase.LYING_AGAIN})
TELLING = LYING | {Phase.UP}
"""Phases that say something about the score."""
ENDED = frozenset({Phase.UNKNOWN, Phase.OVER})

SAME_FALL_S = 5.0
"""A fall has several impacts: one that comes this long after the last belongs to the same."""
SETTLE_S = 6.0
"""So long after the impact movement still belongs to the fall."""
LOST_AFTER_S = 2.5
"""A soft trigger is told when its window is there, 2.5 s after its impact: it is seen from then on, and not lost."""
TURNED_DEG = 50.0
"""A posture this far from that before the impact is another one."""
AS_BEFORE_DEG = 40.0
STILL_G = 0.1
"""`moving_g` of a second below this is still: breathing and the noise of a sensor, one of 8 bit included."""
DRIFT_DEG = 15.0
"""Turning by more than this since the stillness began ends it, however slowly."""
MOVED_S, WALKED_S = 3, 3
ODDS = 3.0
"""Lying still multiplies the odds of a score by this, walking divides them. Chosen, not learnt: recordings of simulated
falls end before it could be measured. 0.5 becomes 0.75, or 0.25."""

LAY_SINCE = Text("ligger stille {} s siden stødet", "lying still {} s since the impact")
LIES_AGAIN = Text("ligger igen stille {} s", "lying still again {} s")
WALKS = Text("oppe og går {} s", "up and walking {} s")


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to look, and how long somebody must lie still: the profile's `second_look_s` and `lying_still_s`."""

    look_s: float
    lying_still_s: float


@dataclass(frozen=True, slots=True)
class Seen:
    """What a look has to say when it comes to a telling phase: for how many whole seconds, and how far from before."""

    phase: Phase
    seconds: int
    posture_deg: float

    @property
    def lies(self) -> bool:
        """Whether the person lies still; otherwise they are up and walking."""
        return self.phase in LYING


@dataclass(frozen=True, slots=True)
class Look:
    """One sensor's look. Every `*_at` is a monotonic second; every `*_s` counts seconds up to the last one seen."""

    began_at: float
    """The first impact of the fall."""
    impact_at: float
    """Its last one."""
    before: Vector | None
    """Gravity before the first impact; None where it was not measured, and then no posture can be told."""
    seen_at: float
    """The end of the last second that was seen."""
    phase: Phase = Phase.WATCHING
    still_s: int = 0
    still_as: Vector = (0.0, 0.0, 0.0)
    restless_s: int = 0
    walking_s: int = 0
    posture_deg: float = 0.0
    """Between gravity in the last second seen and before the impact."""
    doubt: Assessed | None = None
    """The likeliest uncertain trigger of this fall, while none of it called."""
    called: bool = False
    """Whether a trigger of this fall is a call."""

    @property
    def seen(self) -> Seen | None:
        """Return what there is to say, or None."""
        if self.phase not in TELLING:
            return None
        seconds = self.walking_s if self.phase is Phase.UP else self.still_s
        return Seen(self.phase, seconds, round(self.posture_deg, 1))


# ---------------------------------------------------------------- triggers


def triggered(look: Look | None, trigger: TriggerSeen) -> Look:
    """Return the look after a trigger: the same one where this is one more impact of its fall, else a new one.

    A fall that called goes on until the person is up: who struggles on the floor makes triggers too.
    """
    if look is None or look.phase in ENDED:
        return _fresh(trigger, called=False)
    if look.phase is Phase.UP or not (look.called or trigger.impact_at - look.impact_at <= SAME_FALL_S):
        return _fresh(trigger, called=look.called)
    return replace(look, impact_at=max(look.impact_at, trigger.impact_at), still_s=0, walking_s=0)


def assessed(look: Look, answer: Assessed) -> Look:
    """Note what a trigger was judged to be: only an uncertain one can be raised later, and only if none called."""
    if answer.assessment.verdict.is_call:
        return replace(look, called=True, doubt=None)
    if look.called or answer.assessment.verdict is not Verdict.UNCERTAIN or answer.impact_at < look.began_at:
        return look
    known = look.doubt.assessment.score if look.doubt else None
    return replace(look, doubt=answer) if (answer.assessment.score or 0.0) > (known or 0.0) else look


def _fresh(trigger: TriggerSeen, *, called: bool) -> Look:
    at = trigger.impact_at
    return Look(began_at=at, impact_at=at, before=trigger.gravity_before, seen_at=at, called=called)


# ---------------------------------------------------------------- seconds


def observe(look: Look, second: Observation, limits: Limits) -> Look:
    """Return the look after one more second."""
    begins = second.at - 1.0
    if begins < look.impact_at or look.phase in ENDED:
        return look
    if begins - look.seen_at > LOST_AFTER_S:
        return _move(look, Sign.LOST)
    if second.at > look.impact_at + limits.look_s:
        return _move(look, Sign.TIME_UP)
    look = _measured(look, second)
    if look.still_s >= limits.lying_still_s:
        return _move(look, Sign.LAY_STILL)
    if look.walking_s >= WALKED_S:
        return _move(look, Sign.WALKED)
    return _move(look, Sign.MOVED) if look.restless_s >= MOVED_S else look


def pass_time(look: Look, now: float, limits: Limits) -> Look:
    """Notice that nothing is seen any more, and the end."""
    if now > look.impact_at + limits.look_s + LOST_AFTER_S:
        return _move(look, Sign.TIME_UP)
    return _move(look, Sign.LOST) if now - look.seen_at > 2 * LOST_AFTER_S else look


def _measured(look: Look, second: Observation) -> Look:
    posture = angle_deg(look.before, second.gravity) if look.before else None
    still = second.moving_g < STILL_G
    settled = second.at > look.impact_at + SETTLE_S
    walks = second.walking and posture is not None and posture <= AS_BEFORE_DEG
    lies = still and posture is not None and posture >= TURNED_DEG
    drift = angle_deg(look.still_as, second.gravity) if lies and look.still_s else None
    goes_on = drift is not None and drift <= DRIFT_DEG
    return replace(
        look,
        seen_at=second.at,
        posture_deg=posture or 0.0,
        restless_s=0 if still or not settled else look.restless_s + 1,
        walking_s=look.walking_s + 1 if walks else 0,
        still_s=(look.still_s + 1 if goes_on else 1) if lies else 0,
        still_as=look.still_as if goes_on else second.gravity,
    )


def _move(look: Look, sign: Sign) -> Look:
    phase = TRANSITIONS.get((look.phase, sign))
    return look if phase is None else replace(look, phase=phase)


# ---------------------------------------------------------------- what it weighs


def weigh(assessment: Assessment, seen: Seen) -> Assessment:
    """Return the assessment with what was seen since: score, advice, evidence and one more reason.

    Always a call: `confirmed` where it was, or where the raised score reaches the threshold, else `unverified`. The
    model's own score stays in the evidence; where there is none, there is no score.
    """
    lies = seen.lies
    given = assessment.evidence.get("model_score", assessment.score)
    score = None if given is None else _with_odds(given, ODDS if lies else 1 / ODDS)
    reaches = lies and score is not None and assessment.threshold is not None and score >= assessment.threshold
    verdict = assessment.verdict if assessment.verdict.is_call else Verdict.UNVERIFIED
    evidence: Mapping[str, float] = {
        **assessment.evidence,
        **({} if given is None else {"model_score": given}),
        ("look_still_s" if lies else "look_walking_s"): float(seen.seconds),
        "look_posture_deg": seen.posture_deg,
    }
    return replace(
        assessment,
        verdict=Verdict.CONFIRMED if reaches else verdict,
        score=score,
        reasons=(*assessment.reasons, reason(seen)),
        evidence=evidence,
        advice=Advice.DISPATCH if lies else Advice.PHONE_FIRST,
    )


def reason(seen: Seen) -> Text:
    """Return what was seen, in words."""
    template = WALKS if seen.phase is Phase.UP else LAY_SINCE if seen.phase is Phase.LYING_SINCE else LIES_AGAIN
    return measured(template, seen.seconds)


def _with_odds(score: float, factor: float) -> float:
    return round(score * factor / (1.0 - score + score * factor), 4)
