"""What goes into the reference centre's core, and what comes out of it.

Rules of this file: frozen dataclasses only. Events stay the dictionaries that came over the wire: a consumer must not
lose a call because the unit is newer than the consumer and says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from agent.simulator.centre_sequence import Hole

Json = dict[str, Any]

# ---------------------------------------------------------------- in


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came from the broker of `path`."""

    path: str
    topic: str
    payload: bytes
    retained: bool = False


@dataclass(frozen=True, slots=True)
class LineUp:
    """The centre's own connection to the broker of `path` stands and is subscribed."""

    path: str


@dataclass(frozen=True, slots=True)
class LineDown:
    """The centre's own connection to the broker of `path` could not be made, or was lost."""

    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Operator:
    """A key that the operator pressed: for the oldest call that it can be done to."""

    act: Literal["accept", "close"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A record from the store, read back at start."""

    record: Json


@dataclass(frozen=True, slots=True)
class KeepFailed:
    """The store could not take event `event_id` (it counts as not received), or an ack of the operator (None)."""

    event_id: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened; time passed."""


Item = Message | LineUp | LineDown | Operator | Kept | KeepFailed | Tick

# ---------------------------------------------------------------- out: things to do, in this order


@dataclass(frozen=True, slots=True)
class Keep:
    """Store `record` durably. If that fails, leave out the step's later `SendAck` and say `KeepFailed`."""

    record: Json
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class SendAck:
    """Publish `ack` towards the unit on `path`."""

    path: str
    ack: Json


# ---------------------------------------------------------------- out: things to tell


@dataclass(frozen=True, slots=True)
class EventSeen:
    """A CloudEvent came. `departures` says where it is not what the contract promises (empty: it is)."""

    event: Json
    topic: str
    path: str
    retained: bool
    duplicate: bool
    holes: tuple[Hole, ...]
    departures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OnlineSeen:
    """One path of the unit said that it is there, or not. `unit_online` if any path says so."""

    online: Json
    topic: str
    path: str
    unit_online: bool


@dataclass(frozen=True, slots=True)
class ReplySeen:
    """The answer to a command, whoever gave it."""

    reply: Json
    topic: str
    path: str


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that is no JSON object with the fields without which nothing can be done about it."""

    topic: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class HoleFound:
    """Numbers that the unit gave out and that did not come within the grace time."""

    hole: Hole


@dataclass(frozen=True, slots=True)
class HoleFilled:
    """What had been called a hole came after all."""

    hole: Hole


@dataclass(frozen=True, slots=True)
class LineChanged:
    """The centre's own connection came or went."""

    path: str
    up: bool
    detail: str


@dataclass(frozen=True, slots=True)
class NotKept:
    """An event could not be stored and was therefore not acknowledged (the unit sends it again), or an ack (None)."""

    event_id: str | None
    detail: str


Note = EventSeen | OnlineSeen | ReplySeen | Malformed | HoleFound | HoleFilled | LineChanged | NotKept
Effect = Keep | SendAck | Note
