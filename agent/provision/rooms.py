"""Which room a sensor's name speaks of.

Rules of this file: a guess for the technician to confirm, never more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config import Room
from agent.profiles import Wt901

if TYPE_CHECKING:
    from agent.profiles import Sensor


def guessed_room(name: str, sensor: Sensor) -> Room:
    """Return the room that the sensor's name or kind speaks of, or `unknown`."""
    if isinstance(sensor, Wt901):
        return Room.ON_PERSON
    slug = name.replace("-", "_")
    return next((room for room in Room if slug.startswith(f"{room}_")), Room.UNKNOWN)
