"""Which numbers of a unit's `sequence` have not come: the ledger that lets a response centre see a loss.

Rules of this file: pure. A `sequence` is eight digits of boot count and twelve of the event's number in that boot; only
numbers of the same boot are compared. Calls overtake technical events, so a gap is a hole only once it has stayed open
for `GRACE_S`. Gaps are ranges, so that a wrong number can't fill the memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

GRACE_S = 20.0
"""Seconds a gap may stay open. Longer than the 15 s after which a unit sends an unacknowledged call again."""

_BOOT_DIGITS = 8
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Gap:
    """The numbers `first` to `last` are missing since the monotonic second `since`; `told`: it was called a hole."""

    first: int
    last: int
    since: float
    told: bool = False


@dataclass(frozen=True, slots=True)
class Hole:
    """A gap that stayed open: events `first` to `last` of one boot that the unit numbered and nobody here has."""

    boot_id: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Boot:
    """What is known of one boot: the highest number seen or announced, and what is missing below it."""

    prefix: str
    highest: int
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """All boots that were seen, by `boot_id`."""

    boots: Mapping[str, Boot] = field(default_factory=dict)


def split(sequence: str) -> tuple[str, int] | None:
    """Return boot count (as its digits) and number of a `sequence`, or None if it is not one."""
    if len(sequence) != _DIGITS or not (sequence.isascii() and sequence.isdigit()):
        return None
    return sequence[:_BOOT_DIGITS], int(sequence[_BOOT_DIGITS:])


def arrived(ledger: Ledger, boot_id: str, sequence: str, mono: float) -> tuple[Ledger, tuple[Hole, ...]]:
    """Enter one event. Return the ledger and the holes that it filled, wholly or in part."""
    parts = split(sequence)
    if parts is None:
        return ledger, ()
    prefix, number = parts
    boot = ledger.boots.get(boot_id)
    if boot is None:
        # Whoever has followed this unit before knows that a boot starts at 1; a newcomer only knows what comes now.
        boot = Boot(prefix, 0 if ledger.boots else number)
    boot = _up_to(boot, number - 1, mono)
    filled = tuple(Hole(boot_id, number, number) for gap in boot.gaps if gap.told and gap.first <= number <= gap.last)
    boot = replace(boot, highest=max(boot.highest, number), gaps=_without(boot.gaps, number, number))
    return _with(ledger, boot_id, boot), filled


def announced(ledger: Ledger, boot_id: str, last_sequence: str, mono: float) -> Ledger:
    """Enter a heartbeat's `last_sequence`: every number up to it was given out, so what has not come is missing."""
    parts = split(last_sequence)
    if parts is None:
        return ledger
    prefix, number = parts
    boot = ledger.boots.get(boot_id)
    if boot is None:
        boot = Boot(prefix, 0 if ledger.boots else number)
    return _with(ledger, boot_id, _up_to(boot, number, mono))


def excused(ledger: Ledger, first: str, last: str) -> Ledger:
    """Take out the numbers that the unit says it evicted. Calls are never evicted, and still come by themselves."""
    low, high = split(first), split(last)
    if low is None or high is None:
        return ledger
    boots = {}
    for boot_id, boot in ledger.boots.items():
        start = low[1] if boot.prefix == low[0] else 0
        end = high[1] if boot.prefix == high[0] else boot.highest
        inside = low[0] <= boot.prefix <= high[0]
        boots[boot_id] = replace(boot, gaps=_without(boot.gaps, start, end)) if inside else boot
    return Ledger(boots)


def tell(ledger: Ledger, mono: float) -> tuple[Ledger, tuple[Hole, ...]]:
    """Return the ledger and the gaps that have just become holes; each is told once."""
    new: list[Hole] = []
    boots = {}
    for boot_id, boot in ledger.boots.items():
        due = [gap for gap in boot.gaps if not gap.told and mono - gap.since >= GRACE_S]
        new += [Hole(boot_id, gap.first, gap.last) for gap in due]
        boots[boot_id] = replace(boot, gaps=tuple(replace(g, told=True) if g in due else g for g in boot.gaps))
    return (Ledger(boots), tuple(new)) if new else (ledger, ())


def holes(ledger: Ledger) -> tuple[Hole, ...]:
    """Return every hole that has been told and not been filled."""
    return tuple(
        Hole(boot_id, gap.first, gap.last) for boot_id, boot in ledger.boots.items() for gap in boot.gaps if gap.told
    )


def _up_to(boot: Boot, number: int, mono: float) -> Boot:
    if number <= boot.highest:
        return boot
    return replace(boot, highest=number, gaps=(*boot.gaps, Gap(boot.highest + 1, number, mono)))


def _without(gaps: tuple[Gap, ...], first: int, last: int) -> tuple[Gap, ...]:
    left: list[Gap] = []
    for gap in gaps:
        parts = (replace(gap, last=min(gap.last, first - 1)), replace(gap, first=max(gap.first, last + 1)))
        left += [part for part in parts if part.first <= part.last]
    return tuple(left)


def _with(ledger: Ledger, boot_id: str, boot: Boot) -> Ledger:
    return Ledger({**ledger.boots, boot_id: boot})
