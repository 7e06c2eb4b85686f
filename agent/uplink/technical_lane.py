"""Technical and audit events on their way to the centre's `received`, in constant memory.

Rules of this file: pure. The outbox on disk is the queue; here is only a page of it. Each event is sent once in order;
those that the centre has not confirmed are sent again by a *sweep*: reading the outbox from its beginning, 30, 60, …
up to 600 s after the last sweep ended, and at once when a path comes back. While the disk fails, new events are kept
in memory, up to a limit, and what falls out is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.readings import OutboxEvent

PAGE = 64
UNSTORED_LIMIT = 1000
SWEEP_FIRST_S = 30.0
SWEEP_CEILING_S = 600.0
COUNTED = 512
"""Of how many sent events it is remembered which copy went out last; a resend of an older one counts from 1 again."""


@dataclass(frozen=True, slots=True)
class TechnicalLane:
    """What of the technical events is in memory."""

    queue: tuple[OutboxEvent, ...] = ()
    """To be sent, in order."""
    after: str = ""
    """Sequence of the last event that was taken into the queue."""
    more: bool = False
    """The outbox holds events after `after`."""
    fetching: bool = False
    overtaken: bool = False
    """An event was made while a page was being read: it may be missing on it, so another one is wanted."""
    unstored: Mapping[str, OutboxEvent] = field(default_factory=dict)
    """Made, but not on disk yet."""
    unconfirmed: bool = False
    """Something was sent in this sweep that the centre has not confirmed (as far as memory tells)."""
    copies: Mapping[str, int] = field(default_factory=dict)
    """How often each of the last `COUNTED` unconfirmed events was sent."""
    sweeps: int = 0
    sweep_at: float | None = None
    disk_works: bool = True
    lost: int = 0
    """Events that fell out of memory while the disk failed."""


def add(lane: TechnicalLane, event: OutboxEvent) -> TechnicalLane:
    """Take in a new event: behind the queue if that reaches to the end of the outbox, else it is found there."""
    unstored = {**lane.unstored, event.event_id: event}
    lost = lane.lost
    queue = lane.queue
    if len(unstored) > UNSTORED_LIMIT:
        oldest = next(iter(unstored))
        del unstored[oldest]
        queue = tuple(waiting for waiting in queue if waiting.event_id != oldest)
        lost += 1
    lane = replace(lane, unstored=unstored, lost=lost, queue=queue)
    if lane.disk_works and (lane.more or lane.fetching or len(lane.queue) >= PAGE):
        return replace(lane, more=True, overtaken=lane.fetching)
    return replace(lane, queue=(*lane.queue, event), after=max(lane.after, event.sequence))


def stored(lane: TechnicalLane, event_ids: frozenset[str]) -> TechnicalLane:
    """Note what is on disk."""
    if not lane.unstored:
        return lane
    return replace(lane, unstored={k: v for k, v in lane.unstored.items() if k not in event_ids})


def page_came(lane: TechnicalLane, events: tuple[OutboxEvent, ...], *, more: bool) -> TechnicalLane:
    """Take in a page read back from the outbox."""
    fresh = tuple(event for event in events if event.sequence > lane.after)
    after = fresh[-1].sequence if fresh else lane.after
    more = more or lane.overtaken
    return replace(lane, queue=(*lane.queue, *fresh), after=after, more=more, fetching=False, overtaken=False)


def sent(lane: TechnicalLane) -> tuple[TechnicalLane, OutboxEvent, int]:
    """Take the next event out of the queue, to be published, and say which copy of it this is."""
    event, attempt = lane.queue[0], lane.copies.get(lane.queue[0].event_id, 0) + 1
    copies = {**lane.copies, event.event_id: attempt}
    if len(copies) > COUNTED:
        del copies[next(iter(copies))]
    return replace(lane, queue=lane.queue[1:], unconfirmed=True, copies=copies), event, attempt


def another_copy(lane: TechnicalLane, event_id: str) -> tuple[TechnicalLane, int]:
    """Count one more copy of an event that was just sent, and say which one it is."""
    attempt = lane.copies.get(event_id, 0) + 1
    return replace(lane, copies={**lane.copies, event_id: attempt}), attempt


def path_came_back(lane: TechnicalLane) -> TechnicalLane:
    """Begin a sweep from the start of the outbox."""
    memory_only = () if lane.disk_works else tuple(lane.unstored.values())
    return replace(
        lane, queue=memory_only, after="", more=True, fetching=False, unconfirmed=False, sweeps=0, sweep_at=None
    )


def received(lane: TechnicalLane, event_ids: frozenset[str]) -> TechnicalLane:
    """The centre has these."""
    lane = stored(lane, event_ids)
    copies = {event_id: n for event_id, n in lane.copies.items() if event_id not in event_ids}
    queue = tuple(event for event in lane.queue if event.event_id not in event_ids)
    # More than are counted were sent: only the next sweep can tell whether the outbox is empty.
    unconfirmed = lane.unconfirmed and (bool(copies) or len(lane.copies) >= COUNTED)
    return replace(lane, queue=queue, copies=copies, unconfirmed=unconfirmed)


def disk_changed(lane: TechnicalLane, *, works: bool) -> TechnicalLane:
    """Go on from memory while the disk fails, and from the outbox once it works again."""
    return path_came_back(replace(lane, disk_works=works))


def wants_page(lane: TechnicalLane) -> bool:
    """Whether the next page of the outbox should be read."""
    return lane.more and lane.disk_works and not lane.fetching and not lane.queue


def unconfirmed_id(lane: TechnicalLane) -> str | None:
    """Return the id of an event that was sent and has no `received`; None if there is none."""
    return next(iter(lane.copies), None)


def is_idle(lane: TechnicalLane) -> bool:
    """Whether everything that can be reached has been sent in this sweep."""
    return not lane.queue and not (lane.more and lane.disk_works)


def pass_time(lane: TechnicalLane, now: float) -> TechnicalLane:
    """Schedule the next sweep where this one ended with something unconfirmed, and begin it when it is due."""
    if lane.sweep_at is not None and now >= lane.sweep_at:
        begun = path_came_back(lane)
        return replace(begun, sweeps=lane.sweeps + 1)
    if lane.sweep_at is None and lane.unconfirmed and is_idle(lane):
        wait = min(SWEEP_CEILING_S, SWEEP_FIRST_S * 2.0 ** min(lane.sweeps, 10))
        return replace(lane, sweep_at=now + wait)
    return lane
