"""What happens in the demo, as a table: scenes, what is done in them, and what must come of it.

Rules of this file: data only. Every `Await` of an event is an expectation that `demo_check.py` holds the whole run to:
exactly these events, in this order within their lane, each once. The scenes fit into about 40 seconds because the
wearable's silence limit (10 s) runs while the broker is down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.effects import Light
from agent.events import EventType, Fault
from agent.texts import Text

CORD, RESET, WEARABLE = "bathroom-cord", "reset-button", "wearable"


@dataclass(frozen=True, slots=True)
class Hand:
    """A hand does something in the home: `nodkald sim ORDER SENSOR`."""

    order: Literal["pull", "release", "press", "unplug", "replug"]
    sensor: str


@dataclass(frozen=True, slots=True)
class Move:
    """The person moves: `nodkald sim play wearable FILE`, with the recording of that name."""

    motion: Literal["sit", "fall"]


@dataclass(frozen=True, slots=True)
class Broker:
    """The broker is killed, or comes back."""

    alive: bool


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is done for a moment, so that a person can follow."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Glow:
    """The light must come to show `light`."""

    light: Light


@dataclass(frozen=True, slots=True)
class Arrive:
    """An event of this type must arrive at the centre. `fields` are paths into `data` and the values allowed there."""

    type: EventType
    sensor: str
    fields: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        """Name it as a person would look for it."""
        return f"{self.type.value.removeprefix('dk.nodkald.')} of {self.sensor}"


Await = Glow | Arrive
Act = Hand | Move | Broker | Pause | Await


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene with its title."""

    title: Text
    acts: tuple[Act, ...]


_CLOSED = EventType.CALL_CLOSED

SCENES = (
    Scene(
        Text(
            "En snor trækkes i badeværelset, og centralen tager kaldet",
            "A cord is pulled, and the centre takes the call",
        ),
        (
            Hand("pull", CORD),
            Arrive(EventType.CALL_RAISED, CORD, {"trigger.kind": ("manual",), "repeat": (0,)}),
            Glow(Light.RECEIVED),
            Hand("release", CORD),
            Glow(Light.COMING),
            Arrive(_CLOSED, CORD),
            Glow(Light.READY),
        ),
    ),
    Scene(
        Text("Borgeren sætter sig tungt: det er ikke et fald", "The citizen sits down hard: not a fall"),
        (
            Move("sit"),
            Arrive(EventType.AUDIT_SUPPRESSED, WEARABLE, {"assessment.verdict": ("false_alarm", "uncertain")}),
        ),
    ),
    Scene(
        Text("Et fald, men borgeren er uskadt og trykker nulstil", "A fall, but an unhurt citizen presses reset"),
        (
            Move("fall"),
            Glow(Light.PRE_ALARM),
            Pause(1.0),
            Hand("press", RESET),
            Arrive(EventType.CALL_CANCELLED, WEARABLE, {"pre_alarm.cancelled": (True,)}),
            Glow(Light.READY),
        ),
    ),
    Scene(
        Text("Et fald, og ingen trykker nulstil", "A fall, and nobody presses reset"),
        (
            Move("fall"),
            Glow(Light.PRE_ALARM),
            Arrive(EventType.CALL_RAISED, WEARABLE, {"assessment.verdict": ("confirmed",)}),
            Glow(Light.RECEIVED),
            Glow(Light.COMING),
            Arrive(_CLOSED, WEARABLE),
            Glow(Light.READY),
        ),
    ),
    Scene(
        Text(
            "Faldsensorens stik trækkes ud; om 10 s er den tavs for længe",
            "The wearable is unplugged; in 10 s it will have been silent for too long",
        ),
        (Hand("unplug", WEARABLE),),
    ),
    Scene(
        Text("Brokeren dør, og snoren trækkes", "The broker dies, and the cord is pulled"),
        (
            Broker(alive=False),
            Glow(Light.LINE_DOWN),
            Hand("pull", CORD),
            Pause(2.0),
            Broker(alive=True),
            Arrive(EventType.CALL_RAISED, CORD, {"trigger.kind": ("manual",), "repeat": (0,)}),
            Glow(Light.RECEIVED),
            Hand("release", CORD),
            Glow(Light.COMING),
            Arrive(_CLOSED, CORD),
            Glow(Light.READY),
        ),
    ),
    Scene(
        Text("Faldsensoren er tavs, og kommer tilbage", "The wearable is silent, and comes back"),
        (
            Arrive(EventType.TECH_FAULT, WEARABLE, {"fault": (Fault.SENSOR_SILENT,)}),
            Hand("replug", WEARABLE),
            Arrive(EventType.TECH_RESTORED, WEARABLE, {"fault": (Fault.SENSOR_SILENT,)}),
        ),
    ),
)

TOLERATED_FAULTS = frozenset({Fault.UPLINK_LOST, Fault.CLOCK_UNSYNCED, Fault.POWER_RESTART})
"""Faults that the broker's death brings, or that depend on this machine."""

TOLERATED_TYPES = frozenset({EventType.CALL_UPDATED, EventType.AUDIT_SUMMARY})
"""Events that may come or not: whether the person is seen to move on depends on the recording."""


def expectations(scenes: tuple[Scene, ...] = SCENES) -> tuple[Arrive, ...]:
    """Return every event that must arrive, in the order of the script."""
    return tuple(act for scene in scenes for act in scene.acts if isinstance(act, Arrive))


def pre_alarms(scenes: tuple[Scene, ...] = SCENES) -> int:
    """Return how often the light must show a pre-alarm."""
    return sum(act == Glow(Light.PRE_ALARM) for scene in scenes for act in scene.acts)
