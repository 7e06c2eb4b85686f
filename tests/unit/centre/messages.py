"""Messages as a unit would send them, for the tests of the reference centre."""

from __future__ import annotations

import json
from typing import Any

from agent.simulator.centre_messages import Message

ROOT = "nk/v1/aabenraa/u-test0001"


def call(number: int, kind: str = "raised", **data: Any) -> dict[str, Any]:
    return _event(
        number,
        f"dk.nodkald.call.{kind}",
        {
            "call_id": "call-1",
            "trigger": {"kind": "manual", "type": "pull_cord", "sensor": "bathroom-cord", "room": "bathroom"},
            "repeat": 0,
            "test": False,
            "assessment": None,
            **data,
        },
    )


def fault(number: int, **data: Any) -> dict[str, Any]:
    since = "2026-11-21T18:27:47.123Z"
    return _event(
        number,
        "dk.nodkald.tech.fault",
        {"fault": "sensor.silent", "sensor": "wearable", "since": since, "detail": "", **data},
    )


def heartbeat(last: int, boot: int = 1) -> dict[str, Any]:
    event = _event(0, "dk.nodkald.heartbeat", {"last_sequence": sequence(last, boot)}, boot)
    return {**event, "id": f"heartbeat-{last}", "sequence": None}


def sequence(number: int, boot: int = 1) -> str:
    return f"{boot:08d}{number:012d}"


def at_boot(boot: int, event: dict[str, Any]) -> dict[str, Any]:
    number = int(event["sequence"][8:])
    return {
        **event,
        "id": f"event-{boot}-{number}",
        "sequence": sequence(number, boot),
        "data": {**event["data"], "boot_id": f"boot-{boot}"},
    }


def message(event: dict[str, Any], path: str = "primary") -> Message:
    leaf = event["type"].split(".")[2]
    return Message(path, f"{ROOT}/{leaf}", json.dumps(event).encode())


def _event(number: int, kind: str, data: dict[str, Any], boot: int = 1) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"event-{boot}-{number}",
        "source": f"/{ROOT}",
        "type": kind,
        "subject": None,
        "time": "2026-11-21T18:27:47.123Z",
        "sequence": sequence(number, boot),
        "datacontenttype": "application/json",
        "dataschema": f"https://nodkald.example/contract/v1/{kind.removeprefix('dk.nodkald.')}.json",
        "data": {"boot_id": f"boot-{boot}", "uptime_ms": 1, "clock_synced": True, "delivery": None, **data},
    }
