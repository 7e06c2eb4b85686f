"""JSON Schemas of the contract, from the models in `agent/events.py`.

Rules of this file: pure. `dataschema` of an event names the schema of its `data` (CloudEvents 1.0), so there is one
file for each type; `event.json` holds the envelope and picks the right one. What a unit sends may grow by fields within
version 1, so its schemas let further fields pass, though the unit's own models are strict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent.events import DATA_MODELS, SCHEMA_ROOT, Ack, CloudEvent, Command, EventType, Online, Reply

if TYPE_CHECKING:
    from pydantic import BaseModel

Json = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
PREFIX = "dk.nodkald."


def name_of(kind: EventType) -> str:
    """Return the schema's name for an event type: `call.raised` for `dk.nodkald.call.raised`."""
    return kind.value.removeprefix(PREFIX)


def all_schemas() -> dict[str, Json]:
    """Return every schema by its file name without `.json`."""
    schemas = {name_of(kind): _sent(name_of(kind), model) for kind, model in DATA_MODELS.items()}
    for kind in EventType:
        schemas[name_of(kind)]["title"] = kind.value
    schemas["event"] = _envelope()
    schemas["reply"] = _sent("reply", Reply)
    schemas["online"] = _sent("online", Online)
    schemas["ack"] = _titled("ack", Ack.model_json_schema(mode="validation"))
    schemas["command"] = _titled("command", Command.model_json_schema(mode="validation"))
    return schemas


def _sent(name: str, model: type[BaseModel]) -> Json:
    """Describe what a unit sends: every field is always there, and more may come."""
    schema: Json = _open(model.model_json_schema(mode="serialization"))
    return _titled(name, schema)


def _envelope() -> Json:
    schema = _sent("event", CloudEvent)
    schema["title"] = "An event of a unit, CloudEvents 1.0 in JSON structured mode"
    schema["properties"]["data"] = {"type": "object"}
    schema["properties"]["type"] = {"type": "string", "enum": [kind.value for kind in EventType]}
    schema.pop("$defs", None)
    schema["allOf"] = [
        {
            "if": {"properties": {"type": {"const": kind.value}}},
            "then": {"properties": {"data": {"$ref": f"{name_of(kind)}.json"}}},
        }
        for kind in EventType
    ]
    return schema


def _titled(name: str, schema: Json) -> Json:
    return {"$schema": DRAFT, "$id": f"{SCHEMA_ROOT}/{name}.json", **schema}


def _open(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: _open(value) for key, value in node.items() if not (key == "additionalProperties" and value is False)
        }
    return [_open(value) for value in node] if isinstance(node, list) else node
