"""The rooms in words, and which one a sensor's name speaks of.

Rules of this file: every `Room` has its words in both languages; a test says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.config import Room
from agent.profiles import Wt901
from agent.texts import Text

if TYPE_CHECKING:
    from agent.profiles import Sensor

ROOMS = {
    Room.BATHROOM: Text("badeværelse", "bathroom"),
    Room.BEDROOM: Text("soveværelse", "bedroom"),
    Room.LIVING_ROOM: Text("stue", "living room"),
    Room.KITCHEN: Text("køkken", "kitchen"),
    Room.HALL: Text("gang", "hall"),
    Room.TOILET: Text("toilet", "toilet"),
    Room.UTILITY_ROOM: Text("bryggers", "utility room"),
    Room.BASEMENT: Text("kælder", "basement"),
    Room.OUTDOORS: Text("udendørs", "outdoors"),
    Room.ON_PERSON: Text("bæres på kroppen", "worn on the body"),
    Room.OTHER: Text("et andet rum", "another room"),
    Room.UNKNOWN: Text("ikke oplyst", "not told"),
}


def guessed_room(name: str, sensor: Sensor) -> Room:
    """Return the room that the sensor's name or kind speaks of, or `unknown`."""
    if isinstance(sensor, Wt901):
        return Room.ON_PERSON
    slug = name.replace("-", "_")
    return next((room for room in Room if slug.startswith(f"{room}_")), Room.UNKNOWN)
