"""Whether the citizen's consent to kept windows stands at a moment.

Rules of this file: pure, and closed for data: a consent without all that it needs, past its last day, or judged by a
clock that nobody vouches for is none.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from enum import StrEnum

from agent.clock import Now
from agent.config import Consent

_MIDNIGHT = time(22, 0, tzinfo=UTC)
"""A day in Denmark ends at 22:00 UTC in summer and 23:00 in winter: the earlier one, for nothing is kept too long."""


class Standing(StrEnum):
    """How the consent stands."""

    NONE = "none"
    """There is none, or it was withdrawn: what was kept under an earlier one is deleted."""
    ACTIVE = "active"
    EXPIRED = "expired"
    """Its last day is over: nothing more is kept, and what was kept is deleted."""
    UNKNOWN = "clock_unsynced"
    """Nobody knows what day it is: nothing more is kept, and what was kept stays."""


def standing(consent: Consent, now: Now) -> Standing:
    """Return how the consent stands at `now`."""
    if not consent.motion_windows or consent.until is None:
        return Standing.NONE
    if not now.synced:
        return Standing.UNKNOWN
    return Standing.ACTIVE if now.wall < ends_at(consent.until) else Standing.EXPIRED


def ends_at(until: date) -> float:
    """Return the second since 1970 at which a consent ends whose last day is `until`."""
    return datetime.combine(until, _MIDNIGHT).timestamp()
