"""What delivery tells the core beside its effects.

Rules of this file: data only.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.effects import Effect
from agent.readings import OutboxEvent


@dataclass(frozen=True, slots=True)
class Refusal:
    """A broker would not take a publish on `path`: `detail` says why."""

    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """A broker takes our publishes on `path`, with a subscriber behind it: those it had refused, too."""

    path: str


@dataclass(frozen=True, slots=True)
class Silent:
    """The connection on `path` owes a PUBACK for too long, and does not count as one any more: `detail` says more."""

    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Answers:
    """The silent connection on `path` gave the PUBACK that it owed, and counts again."""

    path: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A broker has this call event, though the centre may not have it yet."""

    event_id: str


@dataclass(frozen=True, slots=True)
class Done:
    """The centre has this call event."""

    event: OutboxEvent


Outcome = Effect | Refusal | Welcome | Silent | Answers | Taken | Done
