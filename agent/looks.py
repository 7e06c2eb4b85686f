"""Between second looks and calls: what the core does with what was seen after a trigger.

Rules of this file: `agent/second_look.py` says what was seen, `agent/calls.py` what becomes of a call; here what a look
has to tell is taken to the calls. An uncertain trigger is raised as any other, through the pre-alarm; to a call that is
under way something is only added.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from agent import calls, second_look, statistics
from agent.assessment import Assessed, Assessment, Observation, TriggerSeen
from agent.second_look import Limits, Look, Phase, Seen
from agent.turn import Turn


def begin(turn: Turn, trigger: TriggerSeen) -> None:
    """Look at what becomes of a trigger."""
    _put(turn, trigger.sensor, second_look.triggered(turn.state.looks.get(trigger.sensor), trigger))


def judged(turn: Turn, answer: Assessed) -> None:
    """Note what a trigger was judged to be."""
    before = turn.state.looks.get(answer.sensor)
    if before is None:
        return
    after = second_look.assessed(before, answer)
    _put(turn, answer.sensor, after)
    if after.seen is not None and (after.called, after.doubt) != (before.called, before.doubt):
        _tell(turn, answer.sensor, after, after.seen)  # the answer was slower than the person


def observed(turn: Turn, seconds: Iterable[Observation]) -> None:
    """Look at some more seconds, one after another."""
    now = dict(turn.state.looks)
    for second in seconds:
        before, limits = now.get(second.sensor), _limits(turn, second.sensor)
        if before is None or limits is None:
            continue
        after = now[second.sensor] = second_look.observe(before, second, limits)
        if after.phase is not before.phase and after.seen is not None:
            turn.state = replace(turn.state, looks=now)
            _tell(turn, second.sensor, after, after.seen)
            now = dict(turn.state.looks)
    turn.state = replace(turn.state, looks=now)


def pass_time(turn: Turn) -> None:
    """Notice what is not seen any more."""
    for sensor, look in turn.state.looks.items():
        limits = _limits(turn, sensor)
        after = second_look.pass_time(look, turn.now.mono, limits) if limits is not None else look
        if after is not look:
            _put(turn, sensor, after)


def _tell(turn: Turn, sensor: str, look: Look, seen: Seen) -> None:
    doubted = look.doubt if look.phase is Phase.LYING_SINCE else None
    if not look.called and doubted is None:
        return
    turn.log(
        "info",
        "second_look",
        sensor=sensor,
        at=look.seen_at,
        phase=seen.phase.value,
        seconds=seen.seconds,
        posture_deg=seen.posture_deg,
        raises=doubted.trigger_id if doubted else None,
    )
    if doubted is None:
        turn.carry_out(calls.looked(turn.state.calls, sensor, seen))
    else:
        _raise(turn, doubted, second_look.weigh(doubted.assessment, seen))
        _put(turn, sensor, replace(look, called=True, doubt=None))


def _raise(turn: Turn, doubted: Assessed, assessment: Assessment) -> None:
    """Take an uncertain trigger whose person lies still since the impact for a call after all."""
    again, now = f"{doubted.trigger_id}.look", turn.now.mono
    trigger = TriggerSeen(
        again, doubted.sensor, doubted.impact_at, doubted.peak_g, over_reference=doubted.over_reference, answer_by=now
    )
    origin = turn.state.setup.origin_of(doubted.sensor)
    turn.state = replace(turn.state, statistics=statistics.reconsider(turn.state.statistics, assessment))
    turn.carry_out(calls.trigger_seen(turn.state.calls, trigger, origin, now, turn.new_id()))
    raised = replace(doubted, trigger_id=again, assessment=assessment, budget_left=None, audited=False)
    turn.carry_out(calls.assessed(turn.state.calls, raised, now))


def _limits(turn: Turn, sensor: str) -> Limits | None:
    wearable = turn.state.setup.profile.wearables.get(sensor)
    return Limits(wearable.fall.second_look_s, wearable.fall.lying_still_s) if wearable else None


def _put(turn: Turn, sensor: str, look: Look) -> None:
    turn.state = replace(turn.state, looks={**turn.state.looks, sensor: look})
