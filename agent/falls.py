"""Between fall detection and the calls: what the core does with triggers and assessments.

Rules of this file: fall detection is a guest. Whatever it raises, it is shown out, the fault is reported, and the plain
threshold takes its place, so that an automatic sensor without a model is a threshold sensor and not a dead one.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from agent import calls, looks, plain_threshold, statistics, wearables
from agent.assessment import Assessed, Observation, TriggerSeen
from agent.events import EventType, Fault, SuppressedData, Trigger
from agent.readings import Item, ModelState, MotionBatch, Scored, ScoringFailed, Tick
from agent.texts import Text
from agent.turn import Turn, assessment_body


def take(turn: Turn, item: MotionBatch | Scored | ScoringFailed | ModelState | Tick) -> None:
    """Hand an item to fall detection and act on what it says."""
    if isinstance(item, ModelState):
        _model_state(turn, item)
    elif isinstance(item, ScoringFailed):
        turn.open_fault(Fault.MODEL_FAILING, None, item.detail)
    elif isinstance(item, Scored):
        turn.close_fault(Fault.MODEL_FAILING, None)
    catch_up(turn)
    if not _asked(turn, item) and isinstance(item, MotionBatch):
        _plain(turn, item)


def catch_up(turn: Turn) -> None:
    """Hand fall detection what the disk answered only after the start, as soon as both are there."""
    late = turn.state.restored_late
    if late is not None and _asked(turn, late):
        turn.state = replace(turn.state, restored_late=None)


def _asked(turn: Turn, item: Item) -> bool:
    """Let fall detection step and carry out what it says; False where there is none, or it broke over the item."""
    if turn.state.falls is None:
        return False
    try:
        detection, outcomes = turn.state.falls.step(item, turn.now)
    except Exception as error:  # noqa: BLE001 - fail open: whatever it is, the threshold takes over
        give_up(turn, f"fall detection failed: {type(error).__name__}: {error}")
        return False
    turn.state = replace(turn.state, falls=detection)
    for kind, together in groupby(outcomes, type):
        if kind is Observation:
            looks.observed(turn, [outcome for outcome in together if isinstance(outcome, Observation)])
            continue
        for outcome in together:
            if isinstance(outcome, TriggerSeen | Assessed):
                _signal(turn, outcome)
            elif not isinstance(outcome, Observation):
                turn.effects.append(outcome)
    return True


def give_up(turn: Turn, reason: str) -> None:
    """Go on without fall detection."""
    because = Text(f"faldvurderingen kan ikke bruges: {reason[:200]}", reason[:200])  # the log's own English in both
    turn.state = replace(turn.state, falls=None, no_falls_because=because)
    turn.open_fault(Fault.MODEL_FAILING, None, reason)


def _model_state(turn: Turn, item: ModelState) -> None:
    turn.state = replace(turn.state, models={**turn.state.models, item.sensor: item})
    if item.failing:
        turn.open_fault(Fault.MODEL_FAILING, None, item.detail)
    else:
        turn.close_fault(Fault.MODEL_FAILING, None)
        turn.log("info", "model_ready", sensor=item.sensor, model=item.name)
        if item.refused:  # a fault of its own, because another model stands in and works
            turn.open_fault(Fault.MODEL_FAILING, item.sensor, f"{item.refused}; {item.name} stands in")


def _plain(turn: Turn, batch: MotionBatch) -> None:
    wearable = turn.state.setup.profile.wearables.get(batch.sensor)
    if wearable is None:
        return
    before = turn.state.plain_trigger_at
    reference = wearable.fall.reference_g
    last, signals = plain_threshold.judge(batch, reference, before.get(batch.sensor), turn.state.no_falls_because)
    if last is not None:
        turn.state = replace(turn.state, plain_trigger_at={**before, batch.sensor: last})
    for signal in signals:
        _signal(turn, signal)


def _signal(turn: Turn, signal: TriggerSeen | Assessed) -> None:
    now = turn.now.mono
    if isinstance(signal, TriggerSeen):
        looks.begin(turn, signal)
        origin = turn.state.setup.origin_of(signal.sensor)
        turn.carry_out(calls.trigger_seen(turn.state.calls, signal, origin, now, turn.new_id()))
        return
    assessment = signal.assessment
    turn.state = replace(turn.state, statistics=statistics.count(turn.state.statistics, assessment))
    turn.log(
        "info" if assessment.verdict.is_call or signal.audited else "debug",
        "trigger_assessed",
        sensor=signal.sensor,
        verdict=assessment.verdict.value,
        score=assessment.score,
        peak_g=round(signal.peak_g, 2),
    )
    turn.carry_out(calls.assessed(turn.state.calls, signal, now))
    if signal.dropped:
        wearables.dropped(turn, signal.sensor, signal.impact_at)
    if signal.budget_left == 0:
        why = "uncertain triggers are calls now: the day's budget for suppressing them is used up"
        turn.open_fault(Fault.BUDGET_SPENT, signal.sensor, why)
    elif signal.budget_left is not None:
        turn.close_fault(Fault.BUDGET_SPENT, signal.sensor)
    if signal.audited and not assessment.verdict.is_call:
        origin = turn.state.setup.origin_of(signal.sensor)
        data = SuppressedData(
            **turn.stamp(),
            trigger=Trigger(kind=origin.kind, type=origin.type, sensor=origin.sensor, room=origin.room),
            assessment=assessment_body(assessment),
            budget_left=signal.budget_left,
        )
        turn.announce(EventType.AUDIT_SUPPRESSED, signal.sensor, data)
    looks.judged(turn, signal)
