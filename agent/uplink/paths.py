"""The life of a broker path as a table, and the choice of the one to publish on.

Rules of this file: pure. All paths are kept connected; only the choice moves. Reconnecting backs off exponentially
with full jitter (a uniformly random part of the ceiling), so that a thousand homes do not come back in the same
second. While a call waits the ceiling is 5 s, and a new call at once tries every path that was waiting its time out.
Waits count from the beginning of the attempt that failed: one that got no answer for 5 s has waited. Where attempt
after attempt gets no answer, the broker may be slow rather than dead: then each fourth is a patient one, and a broker
whose last answer was slow has longer for the next. A path that gave no `received` in time is
*doubted*: it is only chosen where there is no better one, until the centre confirms over it what was sent on it, or it
is connected anew. So that it can be confirmed, copies of a few events go out on it too. Where all are doubted, the one
doubted longest ago is chosen, so that each has its turn. A preferred path is chosen again after it has been good for a
while, the longer the more often it was lost.
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


class Phase(Enum):
    """Where a path stands."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"
    CLOSING = "closing"
    """Given up as half-open; nothing is sent on it while the shell closes it."""


class Signal(Enum):
    """What may move a path."""

    DUE = "due"
    UP = "up"
    LOST = "lost"
    GIVEN_UP = "given_up"


TRANSITIONS: dict[tuple[Phase, Signal], Phase] = {
    (Phase.DOWN, Signal.DUE): Phase.CONNECTING,
    (Phase.CONNECTING, Signal.UP): Phase.UP,
    (Phase.CONNECTING, Signal.LOST): Phase.DOWN,
    (Phase.UP, Signal.LOST): Phase.DOWN,
    (Phase.UP, Signal.GIVEN_UP): Phase.CLOSING,
    (Phase.CLOSING, Signal.LOST): Phase.DOWN,
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
    attempts: int = 0
    answered_in: float = 0.0
    """How many seconds the broker's last answer took: the one that accepted the connection, or a PUBACK."""
    since: float = 0.0
    down_since: float = 0.0
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
        """Whether the broker accepted our connection."""
        return self.phase is Phase.UP

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
        name: max(now, path.since + BACKOFF_FIRST_S) if path.phase is Phase.DOWN else path.due_at
        for name, path in paths.items()
    }
    return {name: replace(path, due_at=min(path.due_at, soon[name])) for name, path in paths.items()}


def is_patient(path: Path, now: float) -> bool:
    """Whether an attempt that begins now is to wait longer for its answers."""
    return now - path.down_since >= PATIENT_AFTER_S and path.attempts % PATIENT_EVERY == 0


def connecting(path: Path, now: float) -> Path:
    """Note that an attempt began."""
    return _move(path, Signal.DUE, now)


def went_up(path: Path, now: float, maximum_packet: int | None) -> Path:
    """Note that the broker accepted us."""
    up = _move(path, Signal.UP, now)
    if up is path:
        return path
    up = replace(up, maximum_packet=maximum_packet, detail="connected", refused=False, answered_in=now - path.since)
    return _trust(up, now)


def gave_up(path: Path, now: float) -> Path:
    """Note that the connection is half-open and is being closed."""
    return replace(_move(path, Signal.GIVEN_UP, now), wanted=(), attempts=0 if _held(path, now) else path.attempts)


def went_down(path: Path, now: float, detail: str, *, refused: bool, wait: float) -> Path:
    """Note that an attempt failed or the connection was lost; `wait` is from the begin of one attempt to the next."""
    began = path.since if path.phase is Phase.CONNECTING else now
    down = _move(path, Signal.LOST, now)
    return replace(
        down,
        due_at=max(now, began + wait),
        down_since=path.down_since if path.phase is Phase.CONNECTING else now,
        attempts=0 if _held(path, now) else path.attempts + 1,
        detail=detail,
        refused=refused,
        in_flight={},
        wanted=(),
        maximum_packet=None,
        losses=_losses_after(path, now),
    )


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


def _trust(path: Path, now: float) -> Path:
    return replace(path, doubted_at=None, asked=(), good_since=now)


def _held(path: Path, now: float) -> bool:
    return path.is_up and now - path.since >= BACKOFF_FORGIVEN_AFTER_S


def _losses_after(path: Path, now: float) -> int:
    if path.phase is Phase.CONNECTING:
        return path.losses
    return 1 if now - path.good_since >= LOSSES_FORGIVEN_AFTER_S else path.losses + 1


def steady_after(path: Path) -> float:
    """Return for how many seconds a path must have been good before it takes over from one that works."""
    return min(STEADY_CEILING_S, STEADY_AFTER_S * 2.0 ** min(max(0, path.losses - 1), 10))


def longest_wait(path: Path, now: float) -> float:
    """Return for how many seconds the oldest publish has waited for its PUBACK; 0 without any."""
    return max((now - flight.sent_at for flight in path.in_flight.values()), default=0.0)


def next_deadline(path: Path, patience: float) -> float | None:
    """Return when the next attempt is due, or the path is to be given up; None if neither can be said."""
    if path.phase is Phase.DOWN:
        return path.due_at
    if path.is_up and path.in_flight:
        return min(flight.sent_at for flight in path.in_flight.values()) + patience
    return None


def half_open_after(path: Path, patience: float) -> float:
    """Return after how many seconds without a PUBACK a path is given up, where `patience` is right for a quick one."""
    return max(patience, min(ANSWER_CEILING_S, SLOWER_BY * path.answered_in))


def answered(path: Path, topic: str, *, refused: bool) -> Path:
    """Note whether the broker took a publish on `topic`: what it takes on another one says nothing about this one."""
    if refused == (topic in path.refused_topics):
        return path
    topics = path.refused_topics | {topic} if refused else path.refused_topics - {topic}
    return replace(path, refused_topics=topics)


def choose(paths: Mapping[str, Path], active: str | None, now: float) -> str | None:
    """Return the path to publish on: the first that is up and not doubted, with hysteresis; None if none is up."""
    up = [path for path in paths.values() if path.is_up]
    candidates = [path for path in up if not path.doubted]
    if not candidates:
        return min(up, key=lambda path: path.doubted_at or 0.0).name if up else None
    holding = next((path for path in candidates if path.name == active), None)
    if holding is None:
        return candidates[0].name
    better = candidates[: candidates.index(holding)]
    return next((path.name for path in better if now - path.good_since >= steady_after(path)), holding.name)


def _move(path: Path, signal: Signal, now: float) -> Path:
    phase = TRANSITIONS.get((path.phase, signal))
    return path if phase is None else replace(path, phase=phase, since=now)
