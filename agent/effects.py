"""Everything that comes out of the core, as frozen dataclasses: the shells carry them out, in order.

Rules of this file: an effect is complete (a shell needs no state of the core to carry it out) and may be carried
out twice without harm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from agent.readings import MotionBatch, OutboxEvent


class Light(StrEnum):
    """What the one light tells the citizen."""

    READY = "ready"
    PRE_ALARM = "pre_alarm"
    SENDING = "sending"
    RECEIVED = "received"
    COMING = "coming"
    LINE_DOWN = "line_down"


class Sounder(StrEnum):
    """What the sounder plays; everything but SILENT repeats until it is changed."""

    SILENT = "silent"
    PRE_ALARM = "pre_alarm"
    SENDING = "sending"
    RECEIVED = "received"
    COMING = "coming"
    LINE_DOWN = "line_down"


@dataclass(frozen=True, slots=True)
class Show:
    """Set light and sounder."""

    light: Light
    sounder: Sounder


# ---------------------------------------------------------------- storage


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """Put the event into the outbox, synced to disk; answer `Stored` or `StorageTrouble`."""

    event: OutboxEvent


@dataclass(frozen=True, slots=True)
class ForgetEvents:
    """The centre has these: delete them from the outbox."""

    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SaveNote:
    """Keep a small piece of state under `key` for the next boot (open calls, budget, open faults)."""

    key: str
    body: str


@dataclass(frozen=True, slots=True)
class DropNote:
    """The piece of state under `key` is no longer needed."""

    key: str


@dataclass(frozen=True, slots=True)
class FetchTechnical:
    """Read up to `limit` technical events with a sequence after `after` ("" for all); answer `TechnicalPage`."""

    after: str
    limit: int


# ---------------------------------------------------------------- uplink


@dataclass(frozen=True, slots=True)
class Connect:
    """Make one connection attempt on `path`, beside the connection that it may have; answer `PathUp` or `PathDown`.

    The connection that is accepted takes the place of the one before. One attempt is made at a time; while it has not
    reached a broker in the time that this should take, the next effect has another begun in its place.
    """

    path: str
    patient: bool = False
    """Wait longer for its answers: the broker may be slow."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """The connection on `path` answers again: end the attempt beside it, unless the broker may know of it already.

    Nothing answers this.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Publish:
    """Publish on `path`. With QoS 1, `PubAck` answers `token` (unique in this boot); token 0 wants no answer."""

    path: str
    token: int
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/cloudevents+json"


# ---------------------------------------------------------------- model, process, log


@dataclass(frozen=True, slots=True)
class Score:
    """Ask the model of `sensor` about `window` (float32, shape of its card); answer `Scored` or `ScoringFailed`."""

    sensor: str
    trigger_id: str
    window: Any


@dataclass(frozen=True, slots=True)
class WindowTrigger:
    """A trigger in a kept window, and what became of it; `verdict` and the rest None where no assessment came."""

    impact_at: float
    peak_g: float
    over_reference: bool
    verdict: str | None = None
    score: float | None = None
    threshold: float | None = None
    model: str | None = None
    model_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class KeepWindow:
    """By the citizen's consent: keep the motion of `sensor` from `begin` to `end` (monotonic s), encrypted.

    `batches` hold it, and more. Comes after everything else, and has no answer: nothing waits for it.
    """

    sensor: str
    begin: float
    end: float
    batches: tuple[MotionBatch, ...]
    triggers: tuple[WindowTrigger, ...]


@dataclass(frozen=True, slots=True)
class Restart:
    """End the process cleanly, to be started again by systemd."""

    reason: str


@dataclass(frozen=True, slots=True)
class Log:
    """One structured log line. No personal data and no secrets in `fields`."""

    level: str
    event: str
    fields: dict[str, Any] = field(default_factory=dict)


Effect = (
    Show
    | StoreEvent
    | ForgetEvents
    | SaveNote
    | DropNote
    | FetchTechnical
    | Connect
    | Abandon
    | Publish
    | Score
    | KeepWindow
    | Restart
    | Log
)
