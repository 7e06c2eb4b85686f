"""Made-up judgements for tests of the report: recordings of people who never were, with triggers as asked for."""

from __future__ import annotations

import numpy as np

from agent.assessment import Advice, Verdict
from agent.inference.cards import load_card
from training.evaluate.counts import Material
from training.evaluate.evaluation import Evaluation
from training.evaluate.judged import Judged, Trigger
from training.recordings import Recording

THRESHOLD = 0.7
CARD = load_card("fall-waist").model_copy(update={"threshold": THRESHOLD})
"""The shipped card with a threshold of the tests' own: what is judged here must not move with the next model."""
STILL = np.array([[0.0, 0.0, 1.0]] * 50)


def trigger(score: float | None, at_s: float = 5.0, peak_g: float = 3.0) -> Trigger:
    verdict = Verdict.UNVERIFIED if score is None else Verdict.CONFIRMED if score >= THRESHOLD else Verdict.FALSE_ALARM
    evidence = {"peak_g": peak_g, "free_fall_ms": 120.0, "posture_deg": 80.0}
    return Trigger(at_s, peak_g, verdict, Advice.DISPATCH, score, evidence, ("impact 3 g", "free fall 120 ms"))


def recording(
    subject: str = "P1",
    activity: str = "D07 sit_chair_slow",
    *,
    is_fall: bool = False,
    number: int = 1,
    source: tuple[str, str] = ("SisFall", "waist"),
    age: str = "young",
) -> Recording:
    return Recording(
        rec_id=f"{activity[:3]}_{subject}_{source[1]}_{number}",
        dataset=source[0],
        subject=subject,
        age_group=age,
        body_position=source[1],
        activity=activity,
        is_fall=is_fall,
        fold=0,
        rate_hz=50.0,
        peak_s=5.0,
        duration_s=36.0,
        xyz_g=STILL,
    )


def fall(*scores: float | None, subject: str = "P1", number: int = 1, age: str = "young") -> Judged:
    of = recording(subject, "F01 fall_fwd_walk_slip", is_fall=True, number=number, age=age)
    return Judged(of, tuple(trigger(score) for score in scores))


def daily(*scores: float | None, subject: str = "P1", number: int = 1, age: str = "young") -> Judged:
    return Judged(recording(subject, number=number, age=age), tuple(trigger(score) for score in scores))


def home() -> list[Judged]:
    """Of three people: a fall missed, one without a trigger, a false call, and a recording that is cut at its end."""
    judged = [fall(0.95, subject=who, number=n) for who in ("P1", "P2") for n in range(10)]
    judged += [fall(0.1, subject="P2", number=20), fall(subject="P1", number=21)]
    judged += [daily(0.01, 0.02, subject=who, number=n) for who in ("P1", "P2", "P3") for n in range(20)]
    judged += [daily(0.9, 0.02, subject="P3", number=30, age="older"), daily(None, subject="P1", number=31)]
    for source in (("SmartFallMM", "hip_left"), ("SmartFallMM", "hip_right_phone")):
        acted = recording("Y1", "A10 fall_back", is_fall=True, source=source)
        drank = recording("Y1", "A01 drink_water", source=source)
        judged += [Judged(acted, (trigger(0.9),)), Judged(drank, ())]
    return judged


def evaluation(judged: list[Judged] | None = None) -> Evaluation:
    wrist = Judged(
        recording("Y1", "A10 fall_back", is_fall=True, source=("SmartFallMM", "wrist_left")), (trigger(0.2),)
    )
    return Evaluation(
        card=CARD,
        material=Material.of(home() if judged is None else judged),
        wrist=Material.of([wrist]),
        reference_g=2.13,
        uncertain_above=0.5,
        budget=5,
        lying_still_s=15.0,
        folds=(("fold-1", "a" * 64),),
    )
