"""The faults that are open, so that each is reported once when it begins and once when it ends.

Rules of this file: pure. A fault is known by its code and its subject (a sensor, a path, or nothing). Its detail may
change while it is open; that is not reported again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.clock import Now
from agent.events import Fault

DETAIL_LIMIT = 500


@dataclass(frozen=True, slots=True)
class OpenFault:
    """One fault: what, about which sensor or path, since when (wall seconds), and words for a technician."""

    fault: Fault
    subject: str | None
    since: float
    detail: str


Faults = Mapping[tuple[Fault, str | None], OpenFault]


def raise_fault(
    faults: Faults, fault: Fault, subject: str | None, detail: str, now: Now
) -> tuple[Faults, OpenFault | None]:
    """Open a fault; the second value is None where it was open already."""
    if (fault, subject) in faults:
        return faults, None
    opened = OpenFault(fault, subject, now.wall, detail[:DETAIL_LIMIT])
    return {**faults, (fault, subject): opened}, opened


def clear_fault(faults: Faults, fault: Fault, subject: str | None) -> tuple[Faults, OpenFault | None]:
    """Close a fault; the second value is None where it was not open."""
    if (fault, subject) not in faults:
        return faults, None
    remaining = dict(faults)
    closed = remaining.pop((fault, subject))
    return remaining, closed
