"""The topics of the contract, and how each is published.

Rules of this file: pure. Nothing else in the project spells a topic.
"""

from __future__ import annotations

from dataclasses import dataclass

from agent.events import EventType

LEAVES_DOWN = {"ack": 1, "cmd": 0}
"""What a unit subscribes to, and with which QoS."""

_LEAF_OF = {"call": "call", "tech": "tech", "audit": "audit", "heartbeat": "heartbeat", "state": "state"}


def leaf_of(event_type: EventType) -> str:
    """Return the last part of the topic that carries this type: its third word."""
    return _LEAF_OF[event_type.value.split(".")[2]]


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one unit."""

    tenant: str
    unit_id: str

    @property
    def root(self) -> str:
        """The unit's root topic."""
        return f"nk/v1/{self.tenant}/{self.unit_id}"

    @property
    def source(self) -> str:
        """The CloudEvents `source`: the root as an absolute path."""
        return f"/{self.root}"

    def up(self, leaf: str) -> str:
        """Return the topic that the unit publishes under `leaf`."""
        return f"{self.root}/{leaf}"

    def online(self, path: str) -> str:
        """Return the topic of birth, last will and clean stop of one broker path."""
        return f"{self.root}/online/{path}"
