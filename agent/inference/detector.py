"""The `FallDetection` of `agent/assessment.py`: every wearable of the unit, from motion to assessments.

Rules of this file: pure and immutable; each step returns a new detector. The numbers come from `stream`, the verdict
from `policy`, the words from `reasons`: here they are only brought together. A trigger that no model can answer for,
for whatever reason, is a call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from agent.assessment import Advice, Assessed, Assessment, Observation, Signal, TriggerSeen, Verdict
from agent.clock import Now
from agent.effects import Effect, Log, SaveNote, Score
from agent.inference import drop, layout, policy, resample, stream
from agent.inference.cards import ModelCard
from agent.inference.channels import channels
from agent.inference.evidence import MOST_SHOCK, evidence, largest_shock
from agent.inference.layout import SoftTrigger
from agent.inference.motion_features import Second
from agent.inference.policy import Budget, Judgement, Unasked
from agent.inference.reasons import has_moved_on, reasons
from agent.inference.stream import Began, Found, MotionStream, Ready
from agent.inference.trigger import SEARCH, TRIGGER_G
from agent.profiles import FallPolicy
from agent.readings import Item, ModelState, MotionBatch, Restored, Scored, ScoringFailed, Tick

SLACK_S = 0.3
"""How late a batch may reach the core: driver, mailbox, a busy machine. A gap is noticed by the clock after this."""
_WINDOW_S = (SEARCH + layout.AFTER) / layout.RATE_HZ
ANSWER_S = _WINDOW_S + resample.LATENCY_S + resample.GAP_S + SLACK_S
"""From a crossing to the latest moment at which its window is closed; the model's deadline comes on top."""
_FORGET_AFTER_S = 600.0  # a trigger whose score never came; the core has called long since

Out = Signal | Effect


@dataclass(frozen=True, slots=True)
class Wearable:
    """How one sensor is judged. `card` None: no usable card, so every trigger is a call."""

    policy: FallPolicy
    card: ModelCard | None

    @property
    def trigger_g(self) -> float:
        """Return the level on |a| at which a trigger begins: never above what a plain threshold would call at."""
        return min(self.card.trigger_g if self.card else TRIGGER_G, self.policy.reference_g)

    @property
    def soft(self) -> SoftTrigger | None:
        """Return what else is a trigger. Without a card nothing: no model would tell lying down from a fall."""
        return self.card.soft_trigger if self.card else None


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A window that the model was asked about."""

    sensor: str
    impact_at: float
    over_reference: bool
    answer_by: float
    numbers: Mapping[str, float]
    flew: drop.Watch | None = None
    """Set where the sensor flew before the impact, as no body does."""
    held: tuple[Judgement, float | None] | None = None
    """The call that the model would make, and its score, while it is seen whether the sensor fell alone."""

    @property
    def found(self) -> drop.Found | None:
        """Return what became of the sensor that flew; None while nobody knows, or where it did not fly."""
        return self.flew.found if self.flew is not None else None


@dataclass(frozen=True, slots=True)
class FallDetector:
    """The state of fall detection. Made by `start`."""

    wearables: Mapping[str, Wearable]
    streams: Mapping[str, MotionStream]
    budgets: dict[str, Budget]
    id_prefix: str
    usable: Mapping[str, bool]
    """By sensor: whether its model works. Absent: nothing was heard yet; it is asked, and its deadline runs."""
    waiting: Mapping[str, _Waiting]
    look_until: Mapping[str, float] = field(default_factory=dict)
    """By sensor: until when the core wants to see each second."""

    def step(self, item: Item, now: Now) -> tuple[FallDetector, Sequence[Out]]:
        """Return the next state and what follows from `item`."""
        match item:
            case MotionBatch(sensor=sensor) if sensor in self.streams:
                state, events = stream.push(self.streams[sensor], item.times, item.xyz_g)
                return _follow(_with_stream(self, sensor, state), sensor, events, now)
            case Tick():
                return _notice_gaps(self, now)
            case Scored() | ScoringFailed() if item.trigger_id in self.waiting:
                return _answered(self, item, now)
            case ModelState(sensor=sensor) if sensor in self.wearables:
                return replace(self, usable={**self.usable, sensor: not item.failing}), ()
            case Restored(notes=notes) if policy.BUDGET_NOTE in notes:
                return _with_late_note(self, notes[policy.BUDGET_NOTE], now)
            case _:
                return self, ()

    def next_deadline(self) -> float | None:
        """Return the monotonic second at which a `Tick` is due: a gap, while a trigger waits for samples."""
        due = [s.last_at for s in self.streams.values() if s.awaits and s.last_at is not None]
        return min(due) + resample.GAP_S + SLACK_S if due else None


def _with_stream(detector: FallDetector, sensor: str, state: MotionStream) -> FallDetector:
    return replace(detector, streams={**detector.streams, sensor: state})


def _with_late_note(detector: FallDetector, note: str, now: Now) -> tuple[FallDetector, Sequence[Out]]:
    budgets, fault = policy.with_late_note(detector.budgets, note, now.mono)
    keep = SaveNote(policy.BUDGET_NOTE, policy.note_of(budgets, now.mono))
    return replace(detector, budgets=budgets), (keep, *_note_fault(fault))


def _notice_gaps(detector: FallDetector, now: Now) -> tuple[FallDetector, Sequence[Out]]:
    out = list[Out]()
    for sensor, state in detector.streams.items():
        if state.last_at is not None and now.mono >= state.last_at + resample.GAP_S + SLACK_S:
            finished, events = stream.finish(state)
            detector, news = _follow(_with_stream(detector, sensor, finished), sensor, events, now)
            out += news
            detector, news = _watch(detector, sensor, drop.interrupted, now)
            out += news
    return detector, out


def _follow(detector: FallDetector, sensor: str, events: list[Found], now: Now) -> tuple[FallDetector, Sequence[Out]]:
    out = list[Out]()
    for event in events:
        match event:
            case Began():
                until = event.impact_at + detector.wearables[sensor].policy.second_look_s + 1.0
                detector = replace(detector, look_until={**detector.look_until, sensor: until})
                out.append(_seen(detector, sensor, event))
            case Ready():
                detector, news = _ready(detector, sensor, event, now)
                out += news
            case Second():
                detector, news = _watch(detector, sensor, partial(drop.saw, second=event), now)
                out += news
                out += _look(detector, sensor, event)
    return detector, out


def _watch(
    detector: FallDetector, sensor: str, look: Callable[[drop.Watch], drop.Watch], now: Now
) -> tuple[FallDetector, Sequence[Out]]:
    """Look on at what flew and hit the ground; let out what was held as soon as something is found."""
    out = list[Out]()
    for trigger, known in detector.waiting.items():
        if known.sensor != sensor or known.flew is None:
            continue
        waiting = replace(known, flew=look(known.flew))
        detector = replace(detector, waiting={**detector.waiting, trigger: waiting})
        if waiting.held is not None and waiting.found is not None:
            detector, news = _landed(detector, trigger, *waiting.held, now)
            out += news
    return detector, out


def _landed(
    detector: FallDetector, trigger: str, judgement: Judgement, score: float | None, now: Now
) -> tuple[FallDetector, Sequence[Out]]:
    """Do with the call of a sensor that flew what was found: none where nobody was in it, and else as it was judged."""
    if detector.waiting[trigger].found is drop.Found.DROPPED:
        judgement = replace(judgement, verdict=Verdict.FALSE_ALARM, advice=Advice.PHONE_FIRST, unasked=None)
    return _assessed(detector, trigger, judgement, score, now)


def _held(
    detector: FallDetector, trigger: str, judgement: Judgement, score: float | None
) -> tuple[FallDetector, Sequence[Out]]:
    """Keep a call back while it is seen whether the sensor fell alone; without an answer the core calls in time."""
    waiting = replace(detector.waiting[trigger], held=(judgement, score))
    seen = TriggerSeen(
        trigger_id=trigger,
        sensor=waiting.sensor,
        impact_at=waiting.impact_at,
        peak_g=waiting.numbers["peak_g"],
        over_reference=waiting.over_reference,
        answer_by=waiting.impact_at + drop.DECIDED_S + SLACK_S,
    )
    return replace(detector, waiting={**detector.waiting, trigger: waiting}), (seen,)


def _seen(detector: FallDetector, sensor: str, event: Began) -> TriggerSeen:
    return TriggerSeen(
        trigger_id=_id(detector, sensor, event.number),
        sensor=sensor,
        impact_at=event.impact_at,
        peak_g=round(event.peak_g, 3),
        over_reference=event.over_reference,
        answer_by=_answer_by(detector, sensor, event.crossing_at),
        gravity_before=event.gravity_before,
    )


def _look(detector: FallDetector, sensor: str, second: Second) -> Sequence[Out]:
    """Tell the core of a second in which it may still look at what became of a trigger."""
    if second.at > detector.look_until.get(sensor, -math.inf):
        return ()
    return (Observation(sensor, second.at, second.gravity, round(second.moving_g, 3), second.walking),)


def _id(detector: FallDetector, sensor: str, number: int) -> str:
    return f"{detector.id_prefix}{sensor}.{number}"


def _answer_by(detector: FallDetector, sensor: str, crossing_at: float) -> float:
    return crossing_at + ANSWER_S + detector.wearables[sensor].policy.deadline_s


def _ready(detector: FallDetector, sensor: str, event: Ready, now: Now) -> tuple[FallDetector, Sequence[Out]]:
    trigger = _id(detector, sensor, event.number)
    flight = drop.flight_ms(event.xyz, event.before)
    flew = flight >= drop.FLIGHT_MS
    waiting = _Waiting(
        sensor=sensor,
        impact_at=event.impact_at,
        over_reference=event.over_reference,
        answer_by=_answer_by(detector, sensor, event.crossing_at),
        numbers=evidence(event.xyz, event.peak_g, event.before, event.after) | ({"flight_ms": flight} if flew else {}),
        flew=drop.Watch(event.impact_at) if flew else None,
    )
    fresh = {name: w for name, w in detector.waiting.items() if now.mono < w.answer_by + _FORGET_AFTER_S}
    detector = replace(detector, waiting={**fresh, trigger: waiting})
    cause = _what_is_wrong_with(event) or _why_not_asked(detector, sensor)
    if cause:
        return _unasked(detector, trigger, cause, now)
    return detector, (Score(sensor, trigger, channels(event.xyz)),)


def _what_is_wrong_with(event: Ready) -> Unasked | None:
    if event.damaged:
        return Unasked.DAMAGED_WINDOW
    return Unasked.IMPLAUSIBLE if largest_shock(event.xyz, event.before, event.after) > MOST_SHOCK else None


def _why_not_asked(detector: FallDetector, sensor: str) -> Unasked | None:
    known_to_fail = detector.wearables[sensor].card is None or not detector.usable.get(sensor, True)
    return Unasked.MODEL_FAILING if known_to_fail else None


def _answered(detector: FallDetector, item: Scored | ScoringFailed, now: Now) -> tuple[FallDetector, Sequence[Out]]:
    trigger = item.trigger_id
    if isinstance(item, ScoringFailed):
        return _unasked(detector, trigger, _cause(item.reason), now)
    late = now.mono > detector.waiting[trigger].answer_by
    return _unasked(detector, trigger, Unasked.LATE, now) if late else _judge(detector, trigger, item.score, now)


def _unasked(detector: FallDetector, trigger: str, cause: Unasked, now: Now) -> tuple[FallDetector, Sequence[Out]]:
    budget = detector.budgets[detector.waiting[trigger].sensor]
    return _assessed(detector, trigger, Judgement(Verdict.UNVERIFIED, Advice.DISPATCH, budget, cause), None, now)


def _judge(detector: FallDetector, trigger: str, score: float, now: Now) -> tuple[FallDetector, Sequence[Out]]:
    waiting = detector.waiting[trigger]
    wearable, budget = detector.wearables[waiting.sensor], detector.budgets[waiting.sensor]
    if wearable.card is None:
        return _unasked(detector, trigger, Unasked.MODEL_FAILING, now)
    moved_on = has_moved_on(waiting.numbers)
    judgement = policy.judge(
        score, wearable.card.threshold, wearable.policy.uncertain_above, budget, now.mono, moved_on=moved_on
    )
    shown = None if judgement.unasked is Unasked.NOT_A_NUMBER else round(score, 4)
    if waiting.flew is not None and waiting.found is None and judgement.verdict.is_call and shown is not None:
        return _held(detector, trigger, judgement, shown)
    detector, out = _assessed(detector, trigger, judgement, shown, now)
    if judgement.budget is budget:
        return detector, out
    return detector, (SaveNote(policy.BUDGET_NOTE, policy.note_of(detector.budgets, now.mono)), *out)


def _assessed(
    detector: FallDetector, trigger: str, judgement: Judgement, score: float | None, now: Now
) -> tuple[FallDetector, Sequence[Out]]:
    waiting = detector.waiting[trigger]
    verdict, card = judgement.verdict, detector.wearables[waiting.sensor].card
    dropped = waiting.held is not None and waiting.found is drop.Found.DROPPED
    numbers = {**waiting.numbers, "unmoved_s": float(drop.SECONDS)} if dropped else waiting.numbers
    assessment = Assessment(
        verdict=verdict,
        reasons=tuple(reason.text() for reason in reasons(verdict, numbers, judgement.unasked, near=judgement.near)),
        score=score,
        threshold=card.threshold if card else None,
        model=card.label if card else None,
        model_sha256=card.sha256 if card else None,
        evidence=numbers,
        advice=judgement.advice,
    )
    assessed = Assessed(
        trigger_id=trigger,
        sensor=waiting.sensor,
        impact_at=waiting.impact_at,
        peak_g=waiting.numbers["peak_g"],
        over_reference=waiting.over_reference,
        assessment=assessment,
        budget_left=judgement.budget.left(now.mono),
        audited=not verdict.is_call and (waiting.over_reference or verdict is Verdict.UNCERTAIN or dropped),
        dropped=dropped,
    )
    after = replace(
        detector,
        waiting={name: w for name, w in detector.waiting.items() if name != trigger},
        budgets={**detector.budgets, waiting.sensor: judgement.budget},
    )
    return after, (assessed,)


def start(
    wearables: Mapping[str, Wearable], note: str | None, now: Now, *, id_prefix: str, budget: bool = True
) -> tuple[FallDetector, Sequence[Effect]]:
    """Return fall detection for these sensors, with the budget as the note `policy.BUDGET_NOTE` left it.

    `id_prefix` must differ from boot to boot: trigger ids begin with it. Without `budget` every uncertain trigger is
    suppressed (`nodkald replay --no-budget`).
    """
    limits = {name: w.policy.uncertain_budget if budget else None for name, w in wearables.items()}
    budgets, fault = policy.budgets_from_note(note, limits, now.mono)
    streams = {
        name: MotionStream(trigger_g=w.trigger_g, reference_g=w.policy.reference_g, soft=w.soft)
        for name, w in wearables.items()
    }
    detector = FallDetector(wearables, streams, budgets, id_prefix, usable={}, waiting={})
    return detector, _note_fault(fault)


def _note_fault(fault: str) -> Sequence[Effect]:
    return (Log("warning", "budget_note_unreadable", {"detail": fault}),) if fault else ()


def _cause(code: str) -> Unasked:
    try:
        return Unasked(code)
    except ValueError:
        return Unasked.EXCEPTION
