"""Everything that goes into the core, as frozen dataclasses.

Rules of this file: an item says what was observed and when, never what to do about it. `at` is always monotonic
seconds (the same clock as `Now.mono`), stamped as near to the hardware as the driver can. Nothing here imports a
library, because the path of a manual call goes through it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

# ---------------------------------------------------------------- contacts: cords and buttons


@dataclass(frozen=True, slots=True)
class Edge:
    """A raw change of a contact, before any debounce. `closed` is the electrical state after the edge."""

    sensor: str
    closed: bool
    at: float


@dataclass(frozen=True, slots=True)
class Level:
    """A contact's electrical state as read at start and every second, in case an edge was lost."""

    sensor: str
    closed: bool
    at: float


# ---------------------------------------------------------------- the wearable


@dataclass(frozen=True, slots=True)
class MotionBatch:
    """Acceleration samples of one sensor, oldest first.

    `times` are monotonic seconds, strictly rising; `xyz_g` one (x, y, z) in g for each, in the sensor's own axes.
    Numpy arrays are as welcome as tuples: only `agent/inference` looks inside.
    """

    sensor: str
    times: Sequence[float] | Any
    xyz_g: Sequence[tuple[float, float, float]] | Any


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The sensor's port was opened; nothing is known yet about what speaks on it."""

    sensor: str
    at: float


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The sensor's port could not be opened, or was lost (unplugged). `detail` says why, for a technician."""

    sensor: str
    at: float
    detail: str


@dataclass(frozen=True, slots=True)
class LinkQuality:
    """What came over a sensor's line since the last report (about once a second while the port is open)."""

    sensor: str
    at: float
    good_frames: int
    garbage_bytes: int
    lost_samples: int = 0


# ---------------------------------------------------------------- the model's answers


@dataclass(frozen=True, slots=True)
class Scored:
    """The model's raw answer (0..1) on the window of trigger `trigger_id`."""

    trigger_id: str
    score: float
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class ScoringFailed:
    """The model could not be asked about trigger `trigger_id`: `reason` is a code of `agent.inference.policy`."""

    trigger_id: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class ModelState:
    """The model was loaded (`failing` false) or can't be used (`failing` true, `detail` says why)."""

    sensor: str
    failing: bool
    detail: str
    name: str | None = None
    sha256: str | None = None
    refused: str = ""
    """Why it is not the model that was promoted; empty where it is."""


# ---------------------------------------------------------------- a model in the shadow of the live one


@dataclass(frozen=True, slots=True)
class ShadowState:
    """A candidate model runs beside the live one (`failing` false), or should and can't (`detail` says why)."""

    name: str
    sha256: str | None
    failing: bool
    detail: str


@dataclass(frozen=True, slots=True)
class ShadowScored:
    """What both models said of one window: a call or none, None where a model gave no answer; the shadow's score."""

    live: bool | None
    shadow: bool | None
    score: float | None


# ---------------------------------------------------------------- the uplink


@dataclass(frozen=True, slots=True)
class PathUp:
    """A broker accepted our connection on `path`: it is the one from here on, whichever was there before.

    `maximum_packet` is its limit in bytes, None if it named none.
    """

    path: str
    maximum_packet: int | None = None


@dataclass(frozen=True, slots=True)
class PathDown:
    """The connection on `path` failed or ended. `refused` if the broker said no (wrong user, certificate, ACL)."""

    path: str
    detail: str
    refused: bool = False
    beside: bool = False
    """It was an attempt beside a connection, and that one is still there."""


@dataclass(frozen=True, slots=True)
class PubAck:
    """The broker answered our QoS 1 publish `token` on `path`. `code` is the MQTT 5 reason code (0 with 3.1.1)."""

    path: str
    token: int
    code: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The broker answered our subscription: `refused` if it granted less than was asked for."""

    path: str
    refused: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Downlink:
    """A message from the centre, unparsed. `leaf` is the last part of the topic: `ack` or `cmd`."""

    path: str
    leaf: str
    payload: bytes
    retained: bool = False


# ---------------------------------------------------------------- storage


@dataclass(frozen=True, slots=True)
class Stored:
    """These events are on disk, synced."""

    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StorageTrouble:
    """The store can't write. `full` tells a full disk from a failing one. Unwritten events stay in memory."""

    detail: str
    full: bool


@dataclass(frozen=True, slots=True)
class StorageWell:
    """The store writes again after trouble."""


@dataclass(frozen=True, slots=True)
class TechnicalPage:
    """Technical events read back from the outbox, in order; `more` if the outbox holds further ones after them."""

    events: tuple[OutboxEvent, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Evicted:
    """The outbox's size limit made the store drop technical events from `first` to `last` sequence, `count` of them."""

    first: str
    last: str
    count: int


# ---------------------------------------------------------------- time


@dataclass(frozen=True, slots=True)
class Tick:
    """Nothing happened; time passed."""


# ---------------------------------------------------------------- what the outbox carries, in both directions


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One event as the outbox keeps it until the centre's `received`.

    `body` is the CloudEvent's JSON with `data.delivery` still null: it never changes, only `delivery` is filled in as
    each copy is sent. `is_call` puts it in the lane that goes first and is never evicted. `mono`, `wall` and `synced`
    are the moment at which it was made; `mono` means nothing to a later boot.
    """

    event_id: str
    sequence: str
    is_call: bool
    type: str
    topic: str
    body: str
    boot_id: str
    mono: float
    wall: float
    synced: bool
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """What the outbox held when the process started. What could not be read in time comes as an item, to be merged.

    A boot that could not be counted has a `boot_count` that counting does not reach (agent/uplink/boots.py).
    """

    boot_count: int
    calls: tuple[OutboxEvent, ...] = ()
    technical_waiting: bool = False
    notes: dict[str, str] = field(default_factory=dict)


Item = (
    Edge
    | Level
    | MotionBatch
    | LinkUp
    | LinkDown
    | LinkQuality
    | Scored
    | ScoringFailed
    | ModelState
    | ShadowState
    | ShadowScored
    | PathUp
    | PathDown
    | PubAck
    | Subscribed
    | Downlink
    | Stored
    | StorageTrouble
    | StorageWell
    | TechnicalPage
    | Evicted
    | Restored
    | Tick
)
