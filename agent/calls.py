"""All calls of this home, and what each thing that happens does to them.

Rules of this file: pure; every function takes the calls and returns them with what follows, in order: an event before
the note of its call, for a note of a raised call whose event is not on disk reads as *received* after a restart. Phases
change only through `call_table.move`. A manual trigger is never delayed, weighed or stopped: `pull` raises at once,
whatever else is under way, and ends every pre-alarm by raising it. Moments are monotonic seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from agent.assessment import Advice, Assessed, Assessment, TriggerSeen, Verdict
from agent.call_table import Call, Origin, Phase, Signal, move
from agent.events import EventType
from agent.second_look import Seen
from agent.texts import Text

REPEAT_WITHIN_S = 30 * 60.0
"""A trigger this long after the call's first is a new call."""
ESCALATE_AFTER_S = 180.0
"""Without `accepted` this long after `received`, and every time again, the call is escalated."""
OVERDUE_AFTER_S = 60.0
"""Without `received` this long after it was raised, the citizen is told that the line is down."""
FORGET_AFTER_S = 24 * 3600.0
"""An accepted call that the centre never closes ends by itself after this."""
STORM_PULLS_PER_MINUTE = 300
STORM_REPEATS = 1000
STORM_INTERVAL_S = 10.0
"""Faster than a hand can pull, or more often in one call than anyone does: then one repeat in ten seconds is told."""

CUT_SHORT = {
    Phase.ASSESSING: Text(
        "vurderingen blev afbrudt af en genstart af enheden", "assessment cut short by a restart of the unit"
    ),
    Phase.PRE_ALARM: Text(
        "foralarmen blev afbrudt af en genstart af enheden", "pre-alarm cut short by a restart of the unit"
    ),
}
NO_ANSWER = Text("ingen vurdering i tide", "no assessment in time")


@dataclass(frozen=True, slots=True)
class Announce:
    """Tell the centre about the call."""

    type: EventType
    call: Call


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the call on disk, so that a restart finds it."""

    call: Call


@dataclass(frozen=True, slots=True)
class Forget:
    """The call needs no place on disk any more."""

    call_id: str


@dataclass(frozen=True, slots=True)
class Storm:
    """A contact pulls faster than a hand can: a worn switch."""

    sensor: str


Outcome = Announce | Keep | Forget | Storm


@dataclass(frozen=True, slots=True)
class Calls:
    """Every call that has not ended, by id, in order of their first trigger."""

    pre_alarm_s: float
    by_id: Mapping[str, Call] = field(default_factory=dict)
    recent_pulls: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    cancelled: int = 0
    """Pre-alarms cancelled since start, for the daily summary."""

    def under_way(self) -> Iterable[Call]:
        """Return the calls that have not ended."""
        return self.by_id.values()

    def of_sensor(self, sensor: str) -> list[Call]:
        """Return the calls of one sensor, oldest first."""
        return [call for call in self.by_id.values() if call.origin.sensor == sensor]


Step = tuple[Calls, tuple[Outcome, ...]]


# ---------------------------------------------------------------- manual triggers


def pull(calls: Calls, origin: Origin, now: float, new_id: str, *, test: bool = False) -> Step:
    """Raise the call of a cord or button, or repeat the one that is open; end every pre-alarm by raising it."""
    calls, told = _pull(calls, origin, now, new_id, test=test)
    calls, raised = _advance(calls, Phase.PRE_ALARM, Signal.CALL_BUTTON, now)
    return calls, (*told, *raised)


def pulled_at_start(calls: Calls, sensor: str) -> bool:
    """Whether a cord that is found pulled at start is only the open call's own cord, not let go since the last boot."""
    return any(call.contact_pulled for call in calls.of_sensor(sensor) if call.is_open)


def release(calls: Calls, sensor: str) -> Step:
    """Note that a cord was let go."""
    outcomes: list[Outcome] = []
    for call in calls.of_sensor(sensor):
        if call.contact_pulled:
            let_go = replace(call, contact_pulled=False)
            calls = _put(calls, let_go)
            outcomes.append(Keep(let_go))
    return calls, tuple(outcomes)


# ---------------------------------------------------------------- automatic triggers


def trigger_seen(calls: Calls, seen: TriggerSeen, origin: Origin, now: float, new_id: str) -> Step:
    """Begin to wait for an assessment; a trigger over the reference is kept on disk before it is assessed."""
    known = next((call for call in calls.under_way() if call.trigger_id == seen.trigger_id), None)
    if known is not None and known.phase is not Phase.ASSESSING:
        return calls, ()
    call = known or Call(new_id, Phase.ASSESSING, origin, now, trigger_id=seen.trigger_id)
    call = replace(call, impact_at=seen.impact_at, answer_by=seen.answer_by)
    if seen.over_reference and not call.kept:
        call = replace(call, kept=True)
        return _put(calls, call), (Keep(call),)
    return _put(calls, call), ()


def assessed(calls: Calls, answer: Assessed, now: float) -> Step:
    """Take in an assessment: a suppression, a pre-alarm, or one more trigger of a call that is under way."""
    call = next((call for call in calls.under_way() if call.trigger_id == answer.trigger_id), None)
    if call is None or call.phase is not Phase.ASSESSING:
        return calls, ()  # cancelled meanwhile, or the deadline was faster: what was raised stays raised
    return _conclude(calls, call, answer.assessment, now)


def looked(calls: Calls, sensor: str, seen: Seen) -> Step:
    """Take in what a second look saw: it changes score, advice and reasons of the sensor's newest call, nothing else.

    The centre is told the first of lying and walking, and when the one becomes the other. A pre-alarm goes on as it is,
    and what was seen goes out with its call.
    """
    for call in reversed(calls.of_sensor(sensor)):
        if call.phase is not Phase.PRE_ALARM and not call.is_open:
            continue
        raised_for_lying = call.assessment is not None and "look_still_s" in call.assessment.evidence
        if seen.lies is (call.seen.lies if call.seen else raised_for_lying or None):
            return calls, ()
        changed = replace(call, seen=seen)
        told = (Announce(EventType.CALL_UPDATED, changed),) if call.is_open else ()
        return _put(calls, changed), (*told, Keep(changed))
    return calls, ()


def reset_pressed(calls: Calls, pressed_at: float) -> Step:
    """Cancel every pre-alarm that began before this press, and the triggers of the same incident with it."""
    outcomes: list[Outcome] = []
    for call in list(calls.under_way()):
        if call.phase is not Phase.PRE_ALARM or pressed_at <= call.pre_alarm_began:
            continue
        # A fall has several impacts: those before the press that are still being assessed are the same incident.
        same = [
            c for c in calls.of_sensor(call.origin.sensor) if c.phase is Phase.ASSESSING and c.impact_at < pressed_at
        ]
        cancelled = replace(move(call, Signal.RESET_PRESSED), joined=call.joined + len(same))
        calls, forgotten = _drop(calls, (*(move(c, Signal.ABSORBED) for c in same), cancelled))
        calls = replace(calls, cancelled=calls.cancelled + 1)
        outcomes += [Announce(EventType.CALL_CANCELLED, cancelled), *forgotten]
    return calls, tuple(outcomes)


# ---------------------------------------------------------------- the centre and the outbox


def event_safe(calls: Calls, call_id: str) -> Step:
    """An event of this call is stored or has a PUBACK: the light may say *sending*."""
    call = calls.by_id.get(call_id)
    return (calls if call is None or call.safe else _put(calls, replace(call, safe=True))), ()


def event_received(calls: Calls, call_id: str, now: float) -> Step:
    """The centre has an event of this call; from the first one the wait for `accepted` runs."""
    call = calls.by_id.get(call_id)
    if call is None or call.phase is not Phase.RAISED:
        return calls, ()
    received = move(call, Signal.RECEIVED)
    if not call.test:
        received = replace(received, escalate_at=now + ESCALATE_AFTER_S)
    return _put(calls, received), (Keep(received),)


def accepted(calls: Calls, call_id: str, now: float) -> Step:
    """A person took the call."""
    call = calls.by_id.get(call_id)
    if call is None or (taken := move(call, Signal.ACCEPTED)) is call:
        return calls, ()
    taken = replace(taken, escalate_at=None, accepted_at=now)
    return _put(calls, taken), (Keep(taken),)


def closed(calls: Calls, call_id: str, outcome: str) -> Step:
    """The centre closed the call."""
    call = calls.by_id.get(call_id)
    if call is None or (ended := move(call, Signal.CLOSED)) is call:
        return calls, ()
    ended = replace(ended, outcome=outcome)
    calls, forgotten = _drop(calls, (ended,))
    return calls, (Announce(EventType.CALL_CLOSED, ended), *forgotten)


def end_tests(calls: Calls) -> Step:
    """The walk test is over: its test calls end with it, silently."""
    return _drop(calls, tuple(move(call, Signal.CLOSED) for call in calls.under_way() if call.test))


# ---------------------------------------------------------------- time and restarts


def pass_time(calls: Calls, now: float) -> Step:
    """Carry out everything that is due at `now`."""
    outcomes: list[Outcome] = []
    for call in list(calls.under_way()):
        if call.phase is Phase.ASSESSING and now >= call.answer_by:
            late = Assessment(Verdict.UNVERIFIED, (NO_ANSWER,))
            calls, more = _conclude(calls, call, late, now)
        elif call.phase is Phase.PRE_ALARM and now >= (call.pre_alarm_until or 0.0):
            calls, more = _raise(calls, call, Signal.TIME_UP, now)
        elif call.escalate_at is not None and now >= call.escalate_at:
            again = replace(call, escalation=call.escalation + 1, escalate_at=now + ESCALATE_AFTER_S)
            calls, more = _put(calls, again), (Announce(EventType.CALL_ESCALATED, again), Keep(again))
        elif call.accepted_at is not None and now - call.accepted_at >= FORGET_AFTER_S:
            calls, more = closed(calls, call.call_id, "no_close_from_centre")
        else:
            continue
        outcomes += more
    return calls, tuple(outcomes)


def next_deadline(calls: Calls, now: float) -> float | None:
    """Return the monotonic second at which `pass_time` or the light has something to do, or None."""
    due: list[float] = []
    for call in calls.under_way():
        if call.phase is Phase.ASSESSING:
            due.append(call.answer_by)
        elif call.phase is Phase.PRE_ALARM:
            due.append(call.pre_alarm_until or 0.0)
        elif call.phase is Phase.RAISED and call.raised_at is not None and now < call.raised_at + OVERDUE_AFTER_S:
            due.append(call.raised_at + OVERDUE_AFTER_S)
        due += [] if call.escalate_at is None else [call.escalate_at]
        due += [] if call.accepted_at is None else [call.accepted_at + FORGET_AFTER_S]
    return min(due, default=None)


def restore(calls: Calls, found: Iterable[Call], undelivered: frozenset[str], now: float) -> Step:
    """Take up the calls that the last boot left: open ones go on, unfinished ones are raised as `unverified`.

    `undelivered` are the ids of the calls that still have an event in the outbox: a raised call without one was
    received in the very moment of the restart.
    """
    outcomes: list[Outcome] = []
    for call in found:
        if call.phase in (Phase.ASSESSING, Phase.PRE_ALARM):
            before = call.judged or Assessment(Verdict.UNVERIFIED, ())
            doubted = replace(before, verdict=Verdict.UNVERIFIED, reasons=(*before.reasons, CUT_SHORT[call.phase]))
            calls, more = _raise(calls, replace(call, assessment=doubted), Signal.RESTARTED, now)
            outcomes += more
        elif call.test:
            outcomes.append(Forget(call.call_id))
        elif call.phase is Phase.RAISED and call.call_id not in undelivered:
            calls, more = event_received(_put(calls, call), call.call_id, now)
            outcomes += more
        else:
            calls = _put(calls, call)
    return calls, tuple(outcomes)


# ---------------------------------------------------------------- shared steps


def _pull(calls: Calls, origin: Origin, now: float, new_id: str, *, test: bool) -> Step:
    calls, storm = _count_pull(calls, origin.sensor, now)
    open_call = _repeatable(calls, origin.sensor, now, test=test)
    if open_call is None:
        call = Call(
            new_id,
            Phase.RAISED,
            origin,
            now,
            test=test,
            contact_pulled=True,
            announced_at=now,
            raised_at=now,
            kept=True,
        )
        return _put(calls, call), (Announce(EventType.CALL_RAISED, call), Keep(call))
    again = replace(open_call, repeat=open_call.repeat + 1, contact_pulled=True)
    storm = storm or again.repeat >= STORM_REPEATS
    if storm and now - (again.announced_at or 0.0) < STORM_INTERVAL_S:
        return _put(calls, again), (Storm(origin.sensor),)
    again = replace(again, announced_at=now)
    told = (Announce(EventType.CALL_RAISED, again), Keep(again))
    return _put(calls, again), ((*told, Storm(origin.sensor)) if storm else told)


def _conclude(calls: Calls, call: Call, assessment: Assessment, now: float) -> Step:
    if not assessment.verdict.is_call:
        return _drop(calls, (move(call, Signal.CLEARED),))
    host = _host(calls, call, now)
    if host is not None:
        calls, forgotten = _drop(calls, (move(call, Signal.ABSORBED),))
        calls, told = _join(calls, host, assessment)
        return calls, (*told, *forgotten)
    warned = replace(
        move(call, Signal.CONFIRMED),
        assessment=assessment,
        kept=True,
        pre_alarm_began=now,
        pre_alarm_until=now + calls.pre_alarm_s,
    )
    if calls.pre_alarm_s <= 0:
        return _raise(calls, warned, Signal.TIME_UP, now)
    return _put(calls, warned), (Keep(warned),)


def _join(calls: Calls, host: Call, assessment: Assessment) -> Step:
    """Add a trigger to a call; tell the centre only where it learns something: now confirmed, or now to dispatch."""
    joined = replace(host, joined=host.joined + 1)
    known = host.judged
    news = known is None or (
        (known.verdict is Verdict.UNVERIFIED and assessment.verdict is Verdict.CONFIRMED)
        or (known.advice is Advice.PHONE_FIRST and assessment.advice is Advice.DISPATCH)
    )
    if news:
        joined = replace(joined, assessment=assessment, seen=None)
    if news and host.is_open:
        return _put(calls, joined), (Announce(EventType.CALL_UPDATED, joined), Keep(joined))
    return _put(calls, joined), (Keep(joined),)


def _raise(calls: Calls, call: Call, signal: Signal, now: float) -> Step:
    raised = replace(move(call, signal), raised_at=now, kept=True, safe=False)
    return _put(calls, raised), (Announce(EventType.CALL_RAISED, raised), Keep(raised))


def _advance(calls: Calls, phase: Phase, signal: Signal, now: float) -> Step:
    outcomes: list[Outcome] = []
    for call in [call for call in calls.under_way() if call.phase is phase]:
        calls, more = _raise(calls, call, signal, now)
        outcomes += more
    return calls, tuple(outcomes)


def _repeatable(calls: Calls, sensor: str, now: float, *, test: bool) -> Call | None:
    """Return the call that another pull of this sensor repeats: open, not accepted, not older than 30 minutes."""
    for call in reversed(calls.of_sensor(sensor)):
        if call.phase in (Phase.RAISED, Phase.RECEIVED) and not test and not call.test:
            return call if now - call.first_at < REPEAT_WITHIN_S else None
    return None


def _host(calls: Calls, trigger: Call, now: float) -> Call | None:
    """Return the call of the same sensor that a confirmed trigger joins, if there is one."""
    for call in reversed(calls.of_sensor(trigger.origin.sensor)):
        if call.phase is Phase.PRE_ALARM or (call.is_open and now - call.first_at < REPEAT_WITHIN_S):
            return call
    return None


def _count_pull(calls: Calls, sensor: str, now: float) -> tuple[Calls, bool]:
    recent = (*(at for at in calls.recent_pulls.get(sensor, ()) if now - at < 60.0), now)[-STORM_PULLS_PER_MINUTE - 1 :]
    counted = replace(calls, recent_pulls={**calls.recent_pulls, sensor: recent})
    return counted, len(recent) > STORM_PULLS_PER_MINUTE


def _put(calls: Calls, call: Call) -> Calls:
    return replace(calls, by_id={**calls.by_id, call.call_id: call})


def _drop(calls: Calls, ended: Iterable[Call]) -> Step:
    remaining = dict(calls.by_id)
    outcomes: list[Outcome] = []
    for call in ended:
        remaining.pop(call.call_id, None)
        if call.kept:
            outcomes.append(Forget(call.call_id))
    return replace(calls, by_id=remaining), tuple(outcomes)
