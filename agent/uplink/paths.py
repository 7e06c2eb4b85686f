"""The life of a broker path as a table, and the choice of the one to publish on.

Rules of this file: pure. All paths are kept connected; only the choice moves. Reconnecting backs off exponentially
with full jitter (a uniformly random part of the ceiling), so that a thousand homes do not come back in the same
second. While a call waits the ceiling is 5 s, and a new call at once tries every path that was waiting its time out.
Waits count from the beginning of the attempt that failed: one that got no answer for 5 s has waited. Where attempt
after attempt gets no answer, the broker may be slow rather than dead: then each fourth is a patient one. All are where
a broker's last answer was slow, and it has longer for the next.

A connection that owes a PUBACK for too long is *silent*, and counts as no connection any more; but it is made before it
is broken. It stays, for a slow line delivers sooner on it than on one that must be made first, and the new one is made
beside it. Whichever answers first is the connection: a PUBACK ends the silence, a new connection that the broker
accepted takes the place of the old one. A silent connection on which nothing comes at all ends with its keepalive.

A path that gave no `received` in time is *doubted*: it is only chosen where there is no better one, until the centre
confirms over it what was sent on it, or it is connected anew. So that it can be confirmed, copies of a few events go
out on it too. Where all are doubted, the one doubted longest ago is chosen, so that each has its turn. A preferred path
is chosen again after it has been good for a while, the longer the more often it was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

BACKOFF_FIRST_S = 0.5
BACKOFF_CEILING_S = 60.0
BACKOFF_CEILING_CALL_S = 5.0
STEADY_AFTER_S = 30.0
"""A path that came back must be good for this long before it takes over from one that works; doubled for each loss."""
STEADY_CEILING_S = 600.0
LOSSES_FORGIVEN_AFTER_S = 600.0
"""A connection that held for this long makes the losses before it forgotten."""
ASK_EVERY_S = 60.0
"""How often a doubted path is given a copy of an event."""
ASKED = 64
"""Of how many events that went out on a doubted path it is remembered that they did."""
BACKOFF_FORGIVEN_AFTER_S = 10.0
"""A connection that held for this long makes the next loss a first one."""
SLOWER_BY = 1.5
"""How much longer than its last answer a broker may take for the next one."""
ANSWER_CEILING_S = 45.0
PATIENT_AFTER_S = 45.0
PATIENT_EVERY = 4
"""Of the attempts after so long without a connection, which one is patient: in vain, it costs more than the others."""
SLOW_ANSWER_S = 1.0
"""Where the last answer took this long, a step of an attempt with one packet lost takes more than its 5 s."""
AGAIN_AFTER_S = 12.0
"""How long an attempt may be without a broker before a call has another begun: a name, and TCP with two addresses."""


class Phase(Enum):
    """Where a path stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"
    RENEWING = "renewing"
    """The connection is silent, and a new one is being made beside it."""
    SILENT = "silent"
    """The connection is silent, and the next attempt beside it waits for its time."""


class Signal(Enum):
    """What may move a path."""

    DUE = "due"
    ACCEPTED = "accepted"
    """The broker accepted the connection that was being made."""
    FAILED = "failed"
    """The attempt came to nothing."""
    OVERDUE = "overdue"
    """A PUBACK did not come in time."""
    ANSWERED = "answered"
    """It came after all."""
    LOST = "lost"
    """The connection ended."""


TRANSITIONS: dict[tuple[Phase, Signal], Phase] = {
    (Phase.DOWN, Signal.DUE): Phase.CONNECTING,
    (Phase.CONNECTING, Signal.ACCEPTED): Phase.UP,
    (Phase.CONNECTING, Signal.FAILED): Phase.DOWN,
    (Phase.UP, Signal.LOST): Phase.DOWN,
    (Phase.UP, Signal.OVERDUE): Phase.RENEWING,
    (Phase.RENEWING, Signal.ANSWERED): Phase.UP,
    (Phase.RENEWING, Signal.ACCEPTED): Phase.UP,
    (Phase.RENEWING, Signal.FAILED): Phase.SILENT,
    (Phase.RENEWING, Signal.LOST): Phase.CONNECTING,
    (Phase.SILENT, Signal.DUE): Phase.RENEWING,
    (Phase.SILENT, Signal.ANSWERED): Phase.UP,
    (Phase.SILENT, Signal.LOST): Phase.DOWN,
    # An attempt that was not wanted any more, when its broker had heard of it already.
    (Phase.UP, Signal.ACCEPTED): Phase.UP,
    (Phase.SILENT, Signal.ACCEPTED): Phase.UP,
    (Phase.DOWN, Signal.ACCEPTED): Phase.UP,
}
"""Pairs that are not here change nothing."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """One publish that waits for its PUBACK."""

    event_id: str
    is_call: bool
    sent_at: float
    topic: str = ""
    must_be_heard: bool = True
    """Whether a broker that has no subscriber for it is a fault."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way to a broker."""

    name: str
    phase: Phase = Phase.DOWN
    due_at: float = 0.0
    """When the next attempt begins; of one that is under way, when a call has another begun in its place."""
    begun_at: float = 0.0
    """When the last attempt began."""
    attempts: int = 0
    answered_in: float = 0.0
    """How many seconds the broker's last answer took: the one that accepted the connection, or a PUBACK."""
    since: float = 0.0
    down_since: float = 0.0
    """Since when it is not up, where it is not."""
    maximum_packet: int | None = None
    detail: str = "not connected yet"
    refused: bool = False
    doubted_at: float | None = None
    asked: tuple[str, ...] = ()
    """Ids of events that went out on it and were not confirmed, since it is doubted."""
    asked_at: float = 0.0
    good_since: float = 0.0
    losses: int = 0
    """Connections lost, each of which had not held for long."""
    refused_topics: frozenset[str] = frozenset()
    """Topics on which the broker took nothing of ours the last time."""
    in_flight: Mapping[int, InFlight] = field(default_factory=dict)
    wanted: tuple[str, ...] = ()
    """Ids of call events of which a copy is to go out on this path as soon as there is room."""

    @property
    def is_up(self) -> bool:
        """Whether the broker accepted our connection, and answers on it."""
        return self.phase is Phase.UP

    @property
    def is_silent(self) -> bool:
        """Whether there is a connection that owes a PUBACK for too long: what is sent on it may still get through."""
        return self.phase in (Phase.RENEWING, Phase.SILENT)

    @property
    def is_attempted(self) -> bool:
        """Whether a connection is being made."""
        return self.phase in (Phase.CONNECTING, Phase.RENEWING)

    @property
    def carries(self) -> bool:
        """Whether there is a connection to publish on, good or silent."""
        return self.is_up or self.is_silent

    @property
    def doubted(self) -> bool:
        """Whether the centre did not confirm in time what was sent here."""
        return self.doubted_at is not None


def backoff(attempts: int, *, call_waits: bool, fraction: float) -> float:
    """Return the seconds to wait before attempt number `attempts` + 1; `fraction` in [0, 1) is the jitter."""
    ceiling = min(BACKOFF_CEILING_S, BACKOFF_FIRST_S * 2.0 ** min(attempts, 16))
    return fraction * (min(ceiling, BACKOFF_CEILING_CALL_S) if call_waits else ceiling)


def hurried(paths: Mapping[str, Path], now: float) -> dict[str, Path]:
    """Note a new call: no path waits on, but for `BACKOFF_FIRST_S` after it failed: a worn switch must be no storm."""
    soon = {
        name: path.due_at if path.is_up or path.is_attempted else max(now, path.since + BACKOFF_FIRST_S)
        for name, path in paths.items()
    }
    return {name: replace(path, due_at=min(path.due_at, soon[name])) for name, path in paths.items()}


def is_due(path: Path, now: float, *, call_waits: bool) -> bool:
    """Whether an attempt is to begin: the next one, or while a call waits one in place of one that gets nowhere.

    A look-up of the broker's name may never return. Only the shell can tell it from a broker that is slow to answer:
    it takes up the request where the attempt has not reached a broker, and else lets it go on.
    """
    waits = path.phase in (Phase.DOWN, Phase.SILENT) or (call_waits and path.is_attempted)
    return waits and path.due_at <= now


def is_patient(path: Path, now: float) -> bool:
    """Whether an attempt that begins now is to wait longer for its answers."""
    is_turn = now - path.down_since >= PATIENT_AFTER_S and path.attempts % PATIENT_EVERY == 0
    return is_turn or path.answered_in >= SLOW_ANSWER_S


def connecting(path: Path, now: float) -> Path:
    """Note that an attempt began, or was asked for once more."""
    if path.is_attempted:
        return replace(path, due_at=now + AGAIN_AFTER_S)
    return _begun(_move(path, Signal.DUE, now), now)


def went_up(path: Path, now: float, maximum_packet: int | None) -> Path:
    """Note that the broker accepted us: what was under way on a connection before this one is under way no more."""
    up = replace(_move(path, Signal.ACCEPTED, now), in_flight={}, wanted=(), answered_in=now - path.begun_at)
    return _trust(replace(up, maximum_packet=maximum_packet, detail="connected", refused=False), now)


def fell_silent(path: Path, now: float, detail: str) -> Path:
    """Note that the connection owes a PUBACK for too long, and that a new one is being made beside it."""
    return replace(
        _begun(_move(path, Signal.OVERDUE, now), now),
        down_since=now,
        attempts=0 if _held(path, now) else path.attempts,
        detail=detail,
        losses=_losses_after(path, now),
    )


def answered(path: Path, now: float) -> Path:
    """Note that a silent connection gave the PUBACK that it owed."""
    return replace(_move(path, Signal.ANSWERED, now), detail="connected", refused=False, good_since=now)


def failed(path: Path, now: float, detail: str, *, refused: bool, wait: float) -> Path:
    """Note that an attempt came to nothing; `wait` is from the begin of one attempt to the next."""
    after = _move(path, Signal.FAILED, now)
    if after is path:
        return path  # not wanted any more: the old connection had answered
    due_at = max(now, path.begun_at + wait)
    return replace(after, due_at=due_at, attempts=path.attempts + 1, detail=detail, refused=refused)


def lost(path: Path, now: float, detail: str, *, refused: bool, wait: float) -> Path:
    """Note that the connection ended; the next attempt begins `wait` seconds later, or is under way already."""
    after = replace(_move(path, Signal.LOST, now), in_flight={}, wanted=(), maximum_packet=None)
    after = replace(after, detail=detail, refused=refused)
    if not path.is_up:
        return after
    attempts = 0 if _held(path, now) else path.attempts + 1
    return replace(after, due_at=now + wait, down_since=now, attempts=attempts, losses=_losses_after(path, now))


def doubt(path: Path, event_id: str, now: float) -> Path:
    """Note that the centre did not confirm this event in time, although it was sent here."""
    if not path.is_up:
        return path
    return replace(ask(path, event_id, now), doubted_at=now)


def to_be_asked(paths: Mapping[str, Path], sent_on: str, now: float) -> list[str]:
    """Return the doubted paths that are to get a copy of what went out on `sent_on`, to see if the centre confirms it.

    None where that path is doubted too: then each has its turn anyway.
    """
    if paths[sent_on].doubted:
        return []
    return [path.name for path in paths.values() if path.doubted and path.is_up and now - path.asked_at >= ASK_EVERY_S]


def ask(path: Path, event_id: str, now: float) -> Path:
    """Note that an event went out on a path that is doubted."""
    return replace(path, asked=(*path.asked, event_id)[-ASKED:], asked_at=now)


def confirmed(path: Path, event_ids: frozenset[str], now: float) -> Path:
    """Note that the centre confirmed these events over this path: if they had gone out on it, it works both ways."""
    return _trust(path, now) if path.doubted and not event_ids.isdisjoint(path.asked) else path


def _begun(path: Path, now: float) -> Path:
    return replace(path, begun_at=now, due_at=now + AGAIN_AFTER_S)


def _trust(path: Path, now: float) -> Path:
    return replace(path, doubted_at=None, asked=(), good_since=now)


def _held(path: Path, now: float) -> bool:
    return path.is_up and now - path.since >= BACKOFF_FORGIVEN_AFTER_S


def _losses_after(path: Path, now: float) -> int:
    return 1 if now - path.good_since >= LOSSES_FORGIVEN_AFTER_S else path.losses + 1


def steady_after(path: Path) -> float:
    """Return for how many seconds a path must have been good before it takes over from one that works."""
    return min(STEADY_CEILING_S, STEADY_AFTER_S * 2.0 ** min(max(0, path.losses - 1), 10))


def longest_wait(path: Path, now: float) -> float:
    """Return for how many seconds the oldest publish has waited for its PUBACK; 0 without any."""
    return max((now - flight.sent_at for flight in path.in_flight.values()), default=0.0)


def next_deadline(path: Path, patience: float, *, call_waits: bool) -> float | None:
    """Return when an attempt is due, or the connection falls silent; None if neither can be said."""
    if path.is_up:
        return min((flight.sent_at + patience for flight in path.in_flight.values()), default=None)
    return path.due_at if call_waits or not path.is_attempted else None


def silent_after(path: Path, patience: float) -> float:
    """Return after how many seconds without a PUBACK a path is silent, where `patience` is right for a quick one."""
    return max(patience, min(ANSWER_CEILING_S, SLOWER_BY * path.answered_in))


def topic_answered(path: Path, topic: str, *, refused: bool) -> Path:
    """Note whether the broker took a publish on `topic`: what it takes on another one says nothing about this one."""
    if refused == (topic in path.refused_topics):
        return path
    topics = path.refused_topics | {topic} if refused else path.refused_topics - {topic}
    return replace(path, refused_topics=topics)


def choose(paths: Mapping[str, Path], active: str | None, now: float) -> str | None:
    """Return the path to publish on: the first that is up and not doubted, with hysteresis.

    Where none is up, the silent one that was up last; None where there is no connection at all.
    """
    up = [path for path in paths.values() if path.is_up]
    candidates = [path for path in up if not path.doubted]
    if not up:
        silent = [path for path in paths.values() if path.is_silent]
        return max(silent, key=lambda path: path.down_since).name if silent else None
    if not candidates:
        return min(up, key=lambda path: path.doubted_at or 0.0).name
    holding = next((path for path in candidates if path.name == active), None)
    if holding is None:
        return candidates[0].name
    better = candidates[: candidates.index(holding)]
    return next((path.name for path in better if now - path.good_since >= steady_after(path)), holding.name)


def _move(path: Path, signal: Signal, now: float) -> Path:
    phase = TRANSITIONS.get((path.phase, signal))
    return path if phase is None else replace(path, phase=phase, since=now)
