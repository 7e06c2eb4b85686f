"""What `nodkald centre --jsonl` writes: one JSON object a line for each note and each acknowledgement.

Rules of this file: pure functions. The lines are described in `docs/integrator.md`; a field that is added here is added
there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.simulator.centre_messages import (
    EventSeen,
    HoleFilled,
    HoleFound,
    LineChanged,
    Malformed,
    NotKept,
    OnlineSeen,
    ReplySeen,
)

if TYPE_CHECKING:
    from agent.simulator.centre_messages import Json, Note
    from agent.simulator.centre_sequence import Hole


def as_json(note: Note) -> Json:  # noqa: PLR0911 - one shape for each kind of note
    """Return a note as the object that `--jsonl` writes for it."""
    match note:
        case EventSeen():
            return {
                "event": note.event,
                "duplicate": note.duplicate,
                "holes": [_hole(hole) for hole in note.holes],
                "topic": note.topic,
                "path": note.path,
                "retained": note.retained,
                "departures": list(note.departures),
            }
        case OnlineSeen():
            return {"online": note.online, "unit_online": note.unit_online, "topic": note.topic, "path": note.path}
        case ReplySeen():
            return {"reply": note.reply, "topic": note.topic, "path": note.path}
        case Malformed():
            return {"malformed": note.detail, "topic": note.topic, "path": note.path}
        case HoleFound():
            return {"hole": _hole(note.hole)}
        case HoleFilled():
            return {"filled": _hole(note.hole)}
        case LineChanged():
            return {"line": {"path": note.path, "up": note.up, "detail": note.detail}}
        case NotKept():
            return {"not_kept": {"event_id": note.event_id, "detail": note.detail}}


def ack_as_json(ack: Json, topic: str, path: str) -> Json:
    """Return an acknowledgement that was sent as the object that `--jsonl` writes for it."""
    return {"ack": ack, "topic": topic, "path": path}


def _hole(hole: Hole) -> Json:
    return {"boot_id": hole.boot_id, "first": hole.first, "last": hole.last}
