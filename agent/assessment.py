"""What fall detection tells the core: the words that both sides share.

Rules of this file: no import of `agent/inference`, so that the core (and with it the path of a manual call) can name
these types without depending on the package that makes them. `agent/app.py` hands the core its `FallDetection`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from agent.clock import Now
from agent.directions import Vector
from agent.effects import Effect
from agent.readings import Item
from agent.texts import Text


class Verdict(StrEnum):
    """What became of an automatic trigger. The first two are calls, the others are suppressions."""

    CONFIRMED = "confirmed"
    UNVERIFIED = "unverified"
    UNCERTAIN = "uncertain"
    FALSE_ALARM = "false_alarm"

    @property
    def is_call(self) -> bool:
        """Whether this verdict calls for help."""
        return self in (Verdict.CONFIRMED, Verdict.UNVERIFIED)


IMPACT = Text("stød {} g", "impact {} g")
"""The reason that every assessment of motion has."""


class Advice(StrEnum):
    """What the unit suggests to the centre."""

    DISPATCH = "dispatch"
    PHONE_FIRST = "phone_first"


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer on one automatic trigger; `score`, `threshold` and the model are None where none could be asked."""

    verdict: Verdict
    reasons: tuple[Text, ...]
    score: float | None = None
    threshold: float | None = None
    model: str | None = None
    model_sha256: str | None = None
    evidence: Mapping[str, float] = field(default_factory=dict)
    advice: Advice = Advice.DISPATCH


@dataclass(frozen=True, slots=True)
class TriggerSeen:
    """A trigger began, or its peak grew over `reference_g` (then it comes a second time, with `over_reference`).

    Emitted before anything is assessed, so that one over the reference can be stored first. `answer_by` is the
    monotonic second at which the call goes out `unverified` if no `Assessed` has come, whatever the reason.
    """

    trigger_id: str
    sensor: str
    impact_at: float
    peak_g: float
    over_reference: bool
    answer_by: float
    gravity_before: Vector | None = None
    """The mean acceleration of the second before it began; None where that was not measured."""


@dataclass(frozen=True, slots=True)
class Assessed:
    """The end of a trigger: its assessment. Exactly one for each `trigger_id`, unless the deadline was faster.

    `audited` says that a suppression must be reported: over the reference, or uncertain. `budget_left` is what is
    left of the budget for uncertain ones, None where there is none.
    """

    trigger_id: str
    sensor: str
    impact_at: float
    peak_g: float
    over_reference: bool
    assessment: Assessment
    budget_left: int | None
    audited: bool
    dropped: bool = False
    """Whether it was the sensor that fell, and nobody in it."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One second of motion after a trigger, ending at monotonic second `at`; one after another, as long as asked for.

    `gravity` is the mean acceleration, `moving_g` the root mean square of what differs from it, turning included, in g;
    `walking`: the last four seconds are steps.
    """

    sensor: str
    at: float
    gravity: Vector
    moving_g: float
    walking: bool


Signal = TriggerSeen | Assessed | Observation


class FallDetection(Protocol):
    """Fall detection as the core sees it: immutable, stepped like the core itself.

    Takes every `MotionBatch`, `Scored`, `ScoringFailed`, `ModelState`, `Tick`, and a `Restored` that came after the
    start, once; gives signals for the call's life and effects (`Score`, `SaveNote`, `Log`). It never raises on purpose;
    if it does all the same, the core drops it, reports `model.failing` and goes back to the plain threshold: fail open.
    """

    def step(self, item: Item, now: Now) -> tuple[FallDetection, Sequence[Signal | Effect]]:
        """Return the next state and what follows from `item`."""
        ...

    def next_deadline(self) -> float | None:
        """Return the monotonic second at which a `Tick` is due, or None."""
        ...
