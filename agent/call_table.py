"""The life of a call as a table, and what a call is.

Rules of this file: the only place where a call's phase may change is `move`, and it only knows the table. Nothing
leads from a raised call back to a phase in which nobody has been told (design.md, rule 9: nothing withdraws it).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Literal

from agent.assessment import Assessment
from agent.config import Room
from agent.second_look import Seen, weigh


class Phase(StrEnum):
    """Where a call stands."""

    ASSESSING = "assessing"
    PRE_ALARM = "pre_alarm"
    RAISED = "raised"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    CLOSED = "closed"
    SUPPRESSED = "suppressed"
    CANCELLED = "cancelled"
    JOINED = "joined"


class Signal(StrEnum):
    """What may move a call."""

    CONFIRMED = "confirmed"
    """The assessment says call; also when there is none in time (`unverified`)."""
    CLEARED = "cleared"
    """The assessment says false alarm, or uncertain within the budget."""
    ABSORBED = "absorbed"
    """The trigger belongs to a call of the same sensor that is already under way."""
    RESET_PRESSED = "reset_pressed"
    TIME_UP = "time_up"
    CALL_BUTTON = "call_button"
    """Any call button was pressed while the pre-alarm ran."""
    RESTARTED = "restarted"
    """The process ended while this was unfinished."""
    RECEIVED = "received"
    ACCEPTED = "accepted"
    CLOSED = "closed"


TRANSITIONS: dict[tuple[Phase, Signal], Phase] = {
    (Phase.ASSESSING, Signal.CONFIRMED): Phase.PRE_ALARM,
    (Phase.ASSESSING, Signal.CLEARED): Phase.SUPPRESSED,
    (Phase.ASSESSING, Signal.ABSORBED): Phase.JOINED,
    (Phase.ASSESSING, Signal.RESTARTED): Phase.RAISED,
    (Phase.PRE_ALARM, Signal.RESET_PRESSED): Phase.CANCELLED,
    (Phase.PRE_ALARM, Signal.TIME_UP): Phase.RAISED,
    (Phase.PRE_ALARM, Signal.CALL_BUTTON): Phase.RAISED,
    (Phase.PRE_ALARM, Signal.RESTARTED): Phase.RAISED,
    (Phase.RAISED, Signal.RECEIVED): Phase.RECEIVED,
    (Phase.RAISED, Signal.ACCEPTED): Phase.ACCEPTED,  # a person took it: more than the `received` that got lost
    (Phase.RECEIVED, Signal.ACCEPTED): Phase.ACCEPTED,
    (Phase.RAISED, Signal.CLOSED): Phase.CLOSED,
    (Phase.RECEIVED, Signal.CLOSED): Phase.CLOSED,
    (Phase.ACCEPTED, Signal.CLOSED): Phase.CLOSED,
}
"""Pairs that are not here change nothing. A manual call is born in RAISED."""

OPEN = frozenset({Phase.RAISED, Phase.RECEIVED, Phase.ACCEPTED})
"""The centre has been told, or is being told."""

ENDED = frozenset({Phase.CLOSED, Phase.SUPPRESSED, Phase.CANCELLED, Phase.JOINED})
"""Nothing more happens to it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What made the call."""

    kind: Literal["manual", "automatic"]
    type: Literal["pull_cord", "button", "fall"]
    sensor: str
    room: Room


@dataclass(frozen=True, slots=True)
class Call:
    """One call, or an automatic trigger on its way to become one. Every `*_at` is monotonic seconds of this boot."""

    call_id: str
    phase: Phase
    origin: Origin
    first_at: float
    repeat: int = 0
    test: bool = False
    contact_pulled: bool = False
    """Last settled level of the cord: after a restart, one that is still pulled belongs to this call."""
    announced_at: float | None = None
    """When the last pull was announced; only a storm of pulls is held against it."""

    trigger_id: str | None = None
    answer_by: float = 0.0
    impact_at: float = 0.0
    kept: bool = False
    """Whether it is on disk, so that a restart finds it."""
    assessment: Assessment | None = None
    pre_alarm_until: float | None = None
    pre_alarm_began: float = 0.0
    joined: int = 0
    seen: Seen | None = None
    """What the second look saw of the person since the assessment."""

    raised_at: float | None = None
    safe: bool = False
    """Stored, or a PUBACK came: the light may say *sending*."""
    escalate_at: float | None = None
    escalation: int = 0
    accepted_at: float | None = None
    outcome: str | None = None

    @property
    def judged(self) -> Assessment | None:
        """Return the assessment with what was seen since."""
        return weigh(self.assessment, self.seen) if self.assessment and self.seen else self.assessment

    @property
    def is_open(self) -> bool:
        """Whether the centre has been told and the call is not closed."""
        return self.phase in OPEN


def move(call: Call, signal: Signal) -> Call:
    """Return the call after `signal`; the same call where the table has no such step."""
    phase = TRANSITIONS.get((call.phase, signal))
    return call if phase is None else replace(call, phase=phase)
