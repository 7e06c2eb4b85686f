"""Whether a sensor is alive: its life as a table, fed by signs of life, silence and garbage.

Rules of this file: pure. Every sensor is supervised the same way; a contact's sign of life is its level, read every
second, a wearable's is a good frame. `sensor.silent` and `sensor.garbled` are phases, so a sensor has at most one of
them at a time, and leaving the phase is what `tech.restored` reports.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from agent.events import Fault


class Phase(Enum):
    """Where a sensor stands."""

    STARTING = "starting"
    ALIVE = "alive"
    SILENT = "silent"
    GARBLED = "garbled"


class Sign(Enum):
    """What was learnt about a sensor."""

    LIFE = "life"
    SILENCE = "silence"
    GARBAGE = "garbage"
    CLEAN = "clean"


TRANSITIONS: dict[tuple[Phase, Sign], Phase] = {
    (Phase.STARTING, Sign.LIFE): Phase.ALIVE,
    (Phase.STARTING, Sign.SILENCE): Phase.SILENT,
    (Phase.STARTING, Sign.GARBAGE): Phase.GARBLED,
    (Phase.ALIVE, Sign.SILENCE): Phase.SILENT,
    (Phase.ALIVE, Sign.GARBAGE): Phase.GARBLED,
    (Phase.SILENT, Sign.LIFE): Phase.ALIVE,
    (Phase.GARBLED, Sign.CLEAN): Phase.STARTING,  # it must show life again, or it becomes silent
}
"""Pairs that are not here change nothing: garbage on a silent line, say, is still silence."""

FAULT_OF: dict[Phase, Fault] = {Phase.SILENT: Fault.SENSOR_SILENT, Phase.GARBLED: Fault.SENSOR_GARBLED}
"""The fault that a sensor has while it stands in a phase."""

GARBAGE_WINDOW_S = 60.0
BYTES_PER_LOST_SAMPLE = 11
"""A sample that the kernel's buffer lost weighs as the frame that it came in."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When silence and garbage become faults."""

    silent_after_s: float
    garbled_above_bytes_per_minute: int


@dataclass(frozen=True, slots=True)
class Supervised:
    """One sensor: its phase, its last sign of life, and the garbage of the last minute as (at, bytes)."""

    phase: Phase
    since: float
    last_life: float | None = None
    link_up: bool = False
    link_detail: str = ""
    garbage: tuple[tuple[float, int], ...] = ()

    @property
    def garbage_bytes(self) -> int:
        """Bytes of garbage in the window."""
        return sum(count for _, count in self.garbage)


def saw_life(sensor: Supervised, at: float) -> Supervised:
    """Note a sign of life."""
    alive = replace(sensor, last_life=at, link_up=True, link_detail="")
    return _move(alive, Sign.LIFE, at)


def saw_link(sensor: Supervised, *, up: bool, detail: str = "") -> Supervised:
    """Note that the port opened or was lost; it is silence that makes it a fault, after its limit."""
    return replace(sensor, link_up=up, link_detail=detail)


def saw_garbage(sensor: Supervised, limits: Limits, at: float, count: int) -> Supervised:
    """Note `count` bytes that made no frame (0 if there were none: the window moves on)."""
    if not count and not sensor.garbage and sensor.phase is not Phase.GARBLED:
        return sensor  # the everyday case, many times a second
    recent = tuple((when, n) for when, n in sensor.garbage if at - when < GARBAGE_WINDOW_S)
    counted = replace(sensor, garbage=(*recent, (at, count)) if count else recent)
    if counted.garbage_bytes > limits.garbled_above_bytes_per_minute:
        return _move(counted, Sign.GARBAGE, at)
    if counted.garbage_bytes <= limits.garbled_above_bytes_per_minute // 2:  # hysteresis, or it would flap
        return _move(counted, Sign.CLEAN, at)
    return counted


def let_time_pass(sensor: Supervised, limits: Limits, now: float) -> Supervised:
    """Notice silence, and the end of garbage on a line that went quiet."""
    sensor = saw_garbage(sensor, limits, now, 0)
    heard = max(sensor.since if sensor.phase is Phase.STARTING else 0.0, sensor.last_life or 0.0)
    return _move(sensor, Sign.SILENCE, now) if now - heard >= limits.silent_after_s else sensor


def describe(sensor: Supervised, limits: Limits) -> str:
    """Say what is wrong in words for a technician; empty where nothing is."""
    if sensor.phase is Phase.SILENT:
        return f"nothing heard for {limits.silent_after_s:g} s: {_why_silent(sensor)}"
    if sensor.phase is Phase.GARBLED:
        return (
            f"{sensor.garbage_bytes} bytes of garbage in a minute, the limit is "
            f"{limits.garbled_above_bytes_per_minute}: check cable, baud rate and which device is on the port"
        )
    return ""


def _why_silent(sensor: Supervised) -> str:
    if sensor.link_detail:
        return sensor.link_detail
    if not sensor.link_up:
        return "its port is not open"
    if sensor.garbage:
        return "what speaks on its port is something else: check baud rate and which device is on the port"
    return "its port is open, but nothing speaks"


def _move(sensor: Supervised, sign: Sign, at: float) -> Supervised:
    phase = TRANSITIONS.get((sensor.phase, sign), sensor.phase)
    return sensor if phase is sensor.phase else replace(sensor, phase=phase, since=at)
