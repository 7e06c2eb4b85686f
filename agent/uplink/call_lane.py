"""Call events on their way to the centre's `received`, each with its own timetable.

Rules of this file: pure. A call event is kept in memory from the moment it is made until the centre has it, whatever
the disk does. Timetable: at once on the active path; 15 s later once round the other paths (with a single path: on that
one again); then 30, 60, … up to 600 s apart on the active path; and at once on any path that comes back. No event
waits for another. An event that was in flight at three lost connections in a row may be what ends them (too large,
say): it is then left to its timetable and no longer sent at once on every return.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.readings import OutboxEvent

ROUND_AFTER_S = 15.0
RESEND_FIRST_S = 30.0
RESEND_CEILING_S = 600.0
UNHEARD_FIRST_S = 2.0
UNHEARD_CEILING_S = 8.0
"""Rights are given back, and consumers come back, without a word to us: half of this is how late we notice."""
SUSPECT_AFTER_DROPS = 3


@dataclass(frozen=True, slots=True)
class Entry:
    """One call event that the centre has not confirmed."""

    event: OutboxEvent
    due_at: float
    attempts: int = 0
    rounds: int = 0
    """How many steps of the timetable are behind it."""
    drops: int = 0
    """Connections lost in a row while it was in flight."""
    last_path: str | None = None


@dataclass(frozen=True, slots=True)
class CallLane:
    """All call events without `received`, in order."""

    entries: Mapping[str, Entry] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self.entries)


def add(lane: CallLane, event: OutboxEvent, now: float) -> CallLane:
    """Take in a new event; its first copy is due at once."""
    return CallLane({**lane.entries, event.event_id: Entry(event, due_at=now)})


def sent(lane: CallLane, event_id: str, path: str) -> CallLane:
    """Note that a copy went out on `path`."""
    entry = lane.entries[event_id]
    return _put(lane, replace(entry, attempts=entry.attempts + 1, last_path=path))


def next_round(lane: CallLane, event_id: str, now: float) -> CallLane:
    """Move on in the timetable."""
    entry = lane.entries[event_id]
    wait = ROUND_AFTER_S
    if entry.rounds > 0:
        wait = min(RESEND_CEILING_S, RESEND_FIRST_S * 2.0 ** min(entry.rounds - 1, 10))
    return _put(lane, replace(entry, rounds=entry.rounds + 1, due_at=now + wait))


def puback_came(lane: CallLane, event_id: str) -> CallLane:
    """Note that a broker took the event: it is not what breaks the line."""
    entry = lane.entries.get(event_id)
    return lane if entry is None or not entry.drops else _put(lane, replace(entry, drops=0))


def unheard(lane: CallLane, event_id: str, now: float) -> CallLane:
    """Note that the broker would not take it, or had nobody for it: whoever mends that is not kept waiting for it."""
    entry = lane.entries.get(event_id)
    if entry is None:
        return lane
    wait = min(UNHEARD_CEILING_S, UNHEARD_FIRST_S * 2.0 ** min(entry.attempts - 1, 10))
    return _put(lane, replace(entry, rounds=1, due_at=min(entry.due_at, now + wait)))


def dropped(lane: CallLane, event_id: str) -> CallLane:
    """Note that the connection was lost while the event was in flight."""
    entry = lane.entries.get(event_id)
    return lane if entry is None else _put(lane, replace(entry, drops=entry.drops + 1))


def due(lane: CallLane, now: float) -> list[Entry]:
    """Return the entries whose time has come, in order."""
    return [entry for entry in lane.entries.values() if entry.due_at <= now]


def sendable_on_return(lane: CallLane) -> list[str]:
    """Return the ids that go out at once on a path that comes back, in order."""
    return [event_id for event_id, entry in lane.entries.items() if entry.drops < SUSPECT_AFTER_DROPS]


def remove(lane: CallLane, event_ids: frozenset[str]) -> tuple[CallLane, list[OutboxEvent]]:
    """Take out what the centre has; return those that were still here."""
    gone = [entry.event for event_id, entry in lane.entries.items() if event_id in event_ids]
    if not gone:
        return lane, []
    return CallLane({k: v for k, v in lane.entries.items() if k not in event_ids}), gone


def next_deadline(lane: CallLane) -> float | None:
    """Return when the next entry is due, or None."""
    return min((entry.due_at for entry in lane.entries.values()), default=None)


def _put(lane: CallLane, entry: Entry) -> CallLane:
    return CallLane({**lane.entries, entry.event.event_id: entry})
