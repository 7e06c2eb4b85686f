"""What the centre may ask of a unit, and the answers.

Rules of this file: fail closed. Retained, unknown and malformed commands are refused with a reply that says why (a
retained one without: nobody asked just now), and so is the eleventh in a minute. None of them can stop, delay or
cancel a call; `restart` waits while a call exists only in memory.
"""

from __future__ import annotations

from dataclasses import replace

from agent import calls, walk_test
from agent.downlink import Malformed, parse_command
from agent.effects import Restart
from agent.events import Command, CommandName, EventType, Reply, TestData
from agent.readings import Downlink
from agent.turn import Turn
from agent.walk_test import WalkTest

PER_MINUTE = 10


def take(turn: Turn, item: Downlink) -> None:
    """Carry out a command, or say why not."""
    if item.retained:
        turn.log("warning", "command_retained_ignored", path=item.path)
        return
    command = parse_command(item.payload)
    if isinstance(command, Malformed):
        turn.state = replace(turn.state, malformed=turn.state.malformed + 1)
        turn.log("warning", "command_malformed", path=item.path, reason=command.reason)
        if _within_rate(turn):
            _reply(turn, item.path, Reply(id=command.command_id, ok=False, error=command.reason))
        return
    if not _within_rate(turn):
        turn.log("warning", "command_rate_limited", command=command.cmd.value)
        return
    turn.log("info", "command", command=command.cmd.value, id=command.id)
    _reply(turn, item.path, Reply(id=command.id, ok=True, result=_carry_out(turn, command)))


def end_walk_test(turn: Turn) -> None:
    """End the walk test and its test calls."""
    turn.state = replace(turn.state, walk_test=None)
    turn.carry_out(calls.end_tests(turn.state.calls))


def restart_if_safe(turn: Turn) -> None:
    """Restart, if it was asked for and no call exists only in memory."""
    if turn.state.restart_wanted and not turn.state.delivery.unstored_calls:
        turn.state = replace(turn.state, restart_wanted=False)
        turn.effects.append(Restart("asked for by the centre"))


def _carry_out(turn: Turn, command: Command) -> str:
    match command.cmd:
        case CommandName.STATE:
            turn.state = replace(turn.state, picture="", picture_at=0.0)
            return "the state is published"
        case CommandName.SELFTEST:
            return _selftest(turn)
        case CommandName.WALKTEST_START:
            turn.state = replace(turn.state, walk_test=WalkTest(turn.now.mono))
            return f"walk test until it is stopped, at most {walk_test.ENDS_AFTER_S / 60:.0f} minutes"
        case CommandName.WALKTEST_STOP:
            pulled = sorted(turn.state.walk_test.pulled) if turn.state.walk_test else []
            end_walk_test(turn)
            return f"pulled: {', '.join(pulled) or 'nothing'}"
        case CommandName.SILENCE:
            turn.state = replace(turn.state, silenced=True)
            return "the sounder is silent until the light changes; a pre-alarm is still heard"
        case CommandName.RESTART:
            turn.state = replace(turn.state, restart_wanted=True)
            return "restarts as soon as no call exists only in memory"


def _selftest(turn: Turn) -> str:
    faults = [f"{known.fault.value} {known.subject or ''}".strip() for known in turn.state.faults.values()]
    detail = ", ".join(faults)[:500] or "no open faults"
    turn.announce(EventType.TECH_TEST, None, TestData(**turn.stamp(), ok=not faults, detail=detail))
    return detail


def _within_rate(turn: Turn) -> bool:
    now = turn.now.mono
    recent = tuple(at for at in turn.state.commands_at if now - at < 60.0)
    if len(recent) >= PER_MINUTE:
        return False
    turn.state = replace(turn.state, commands_at=(*recent, now))
    return True


def _reply(turn: Turn, path: str, reply: Reply) -> None:
    turn.publish("reply", reply.model_dump_json(), path=path, content_type="application/json")
