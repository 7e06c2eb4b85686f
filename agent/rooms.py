"""The rooms in words, for everybody who reads or hears one.

Rules of this file: every `Room` has its words in both languages, and no two have the same; a test says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.config import Room
from agent.texts import Text

ROOMS: Mapping[Room, Text] = {
    Room.BATHROOM: Text("badeværelse", "bathroom"),
    Room.BEDROOM: Text("soveværelse", "bedroom"),
    Room.LIVING_ROOM: Text("stue", "living room"),
    Room.KITCHEN: Text("køkken", "kitchen"),
    Room.HALL: Text("gang", "hall"),
    Room.TOILET: Text("toilet", "toilet"),
    Room.UTILITY_ROOM: Text("bryggers", "utility room"),
    Room.BASEMENT: Text("kælder", "basement"),
    Room.OUTDOORS: Text("udendørs", "outdoors"),
    Room.ON_PERSON: Text("på kroppen", "on the body"),
    Room.OTHER: Text("et andet rum", "another room"),
    Room.UNKNOWN: Text("rum ikke oplyst", "room not given"),
}


def in_words(value: str) -> Text:
    """Return a room's words; one of a newer version as it stands."""
    return ROOMS[Room(value)] if value in set(Room) else Text(value, value)
