"""From the raw edges of a contact to pulls and releases.

Rules of this file: pure, on raw edges, and no edge is ever dropped without a trace: whatever the last observation was
decides in the end. A level counts once it has held for `debounce_ms`. A contact that never settles for a second is
taken as pulled (fail open: a worn cord switch must still call). `at` is monotonic seconds.

         raw differs              held for debounce_ms, or a second of chatter
RELEASED ───────────► (unsettled) ──────────────────────────────────────────► PULLED ──stuck_after_s──► stuck
   ▲                                                                            │
   └──────────────────────────── held for debounce_ms ─────────────────────────┘
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from agent.profiles import Contact

CHATTER_S = 1.0
"""A contact that has not settled for this long is taken as pulled."""


class Change(Enum):
    """What became of a contact."""

    PULLED = "pulled"
    RELEASED = "released"
    STUCK = "stuck"
    UNSTUCK = "unstuck"


@dataclass(frozen=True, slots=True)
class ContactChange:
    """A change, and the moment at which it began (the first edge, not the end of the debounce)."""

    change: Change
    at: float
    first: bool = False
    """Whether it is the first level since start: a cord that was already pulled."""


@dataclass(frozen=True, slots=True)
class ContactState:
    """`pulled` is the settled level (None before the first), `raw` the last observation and since when it holds."""

    pulled: bool | None = None
    raw: bool = False
    raw_since: float = 0.0
    unsettled_since: float | None = None
    changed_at: float = 0.0
    stuck: bool = False


def is_pulled(config: Contact, *, closed: bool) -> bool:
    """Whether the electrical state means that somebody pulls or presses."""
    return closed != (config.contact == "normally_closed")


def observe(
    state: ContactState, config: Contact, *, closed: bool, at: float
) -> tuple[ContactState, tuple[ContactChange, ...]]:
    """Take in an edge or a level seen at `at`: first settle what held until then, then note the new raw level.

    What was seen before the last change of the raw level is stale (a level that was being read as an edge came), and
    says nothing.
    """
    if at < state.raw_since:
        return state, ()
    raw = is_pulled(config, closed=closed)
    state, changes = settle(state, config, at)
    if state.unsettled_since is None and raw != state.pulled:
        return replace(state, raw=raw, raw_since=at, unsettled_since=at), changes
    if raw != state.raw:
        return replace(state, raw=raw, raw_since=at), changes
    return state, changes


def settle(state: ContactState, config: Contact, now: float) -> tuple[ContactState, tuple[ContactChange, ...]]:
    """Let time pass until `now`: a level that held long enough becomes the contact's level."""
    changes: list[ContactChange] = []
    unsettled_since = state.unsettled_since
    if unsettled_since is not None:
        if now >= state.raw_since + config.debounce_ms / 1000:
            # A pull begins at its first edge, a release at the edge after which it held.
            began = unsettled_since if state.raw else state.raw_since
            state, change = _take_level(state, pulled=state.raw, began=began)
            changes += change
        elif now >= unsettled_since + CHATTER_S and not state.pulled:
            state, change = _take_level(state, pulled=True, began=unsettled_since)
            state = state if state.raw else replace(state, unsettled_since=state.raw_since)
            changes += change
    if state.pulled and not state.stuck and now >= state.changed_at + config.stuck_after_s:
        state = replace(state, stuck=True)
        changes.append(ContactChange(Change.STUCK, now))
    return state, tuple(changes)


def next_deadline(state: ContactState, config: Contact) -> float | None:
    """Return when `settle` must be called again, or None while only a new observation can change anything."""
    if state.unsettled_since is not None:
        return settles_at(state, config)
    if state.pulled and not state.stuck:
        return state.changed_at + config.stuck_after_s
    return None


def settles_at(state: ContactState, config: Contact) -> float | None:
    """Return when the contact settles if it does not move again; None if it is settled."""
    if state.unsettled_since is None:
        return None
    held = state.raw_since + config.debounce_ms / 1000
    return held if state.pulled else min(held, state.unsettled_since + CHATTER_S)


def _take_level(state: ContactState, *, pulled: bool, began: float) -> tuple[ContactState, tuple[ContactChange, ...]]:
    settled = replace(state, pulled=pulled, unsettled_since=None)
    if pulled == bool(state.pulled):  # it bounced back, or is released at start: nothing to tell
        return settled, ()
    settled = replace(settled, changed_at=began, stuck=False)
    if pulled:
        return settled, (ContactChange(Change.PULLED, began, first=state.pulled is None),)
    released = ContactChange(Change.RELEASED, began)
    return settled, (ContactChange(Change.UNSTUCK, began), released) if state.stuck else (released,)
