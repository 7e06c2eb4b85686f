"""The unit file: this home's identity, broker paths and sensor names. Written by provisioning, read at start.

Rules of this file: models only, as in `agent/profiles.py`. No field can hold a person's name, address or CPR number:
rooms are an enumeration and names are slugs.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from agent.profiles import SensorName, Strict

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Room(StrEnum):
    """Where a sensor hangs. An enumeration, so that no text from a home can leave it."""

    BATHROOM = "bathroom"
    BEDROOM = "bedroom"
    LIVING_ROOM = "living_room"
    KITCHEN = "kitchen"
    HALL = "hall"
    TOILET = "toilet"
    UTILITY_ROOM = "utility_room"
    BASEMENT = "basement"
    OUTDOORS = "outdoors"
    ON_PERSON = "on_person"
    OTHER = "other"
    UNKNOWN = "unknown"


class PreAlarm(Strict):
    """The seconds in which the citizen can cancel an automatic call."""

    seconds: float = Field(default=10, ge=0, le=60)


class SensorPlace(Strict):
    """What this home knows about a sensor of the profile."""

    room: Room = Room.UNKNOWN
    port: str | None = Field(default=None, pattern=r"^/", description="serial port, where the profile's differs")


class Tls(Strict):
    """Files for TLS towards a broker. The certificate's CN is the unit id."""

    ca: Path
    certificate: Path | None = None
    key: Path | None = None

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: give both, or neither")
        return self


class BrokerPath(Strict):
    """One way to a broker. The order in the file is the order of preference."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,15}$")]
    host: str = Field(min_length=1, max_length=253)
    port: int = Field(ge=1, le=65_535)
    protocol: Literal["mqtt5", "mqtt311"] = "mqtt5"
    keepalive_s: int = Field(default=30, ge=5, le=600)
    tls: Tls | None = None
    plain_text: Literal["i-accept-unencrypted-calls"] | None = Field(
        default=None, description="needed, in these words, for a broker that is not on loopback and has no [tls]"
    )

    @property
    def is_loopback(self) -> bool:
        """Whether the broker is on this machine."""
        return self.host in LOOPBACK

    @model_validator(mode="after")
    def _no_plain_text_by_accident(self) -> BrokerPath:
        if self.tls is None and not self.is_loopback and self.plain_text is None:
            raise ValueError(
                f'path {self.name} to {self.host} has no [tls]; add it, or say plain_text = "i-accept-unencrypted-calls"'
            )
        return self


class Uplink(Strict):
    """How events reach the response centre."""

    paths: tuple[BrokerPath, ...] = Field(min_length=1, max_length=4)
    heartbeat_s: int = Field(default=60, ge=5, le=3600)
    outbox_limit_mb: int = Field(default=64, ge=1, le=4096, description="technical events are evicted over this size")

    @model_validator(mode="after")
    def _names_differ(self) -> Uplink:
        names = [path.name for path in self.paths]
        if len(set(names)) != len(names):
            raise ValueError("two paths have the same name; each needs its own, it is part of the client id")
        return self


class UnitFile(Strict):
    """One home."""

    schema_version: Literal[1] = Field(alias="schema")
    tenant: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$")]
    unit_id: Annotated[str, Field(pattern=r"^u-[a-z0-9]{4,26}$")]
    profile: str = Field(description="name of a shipped profile, or the path of a profile file (ends in .toml)")
    state_dir: Path = Path("/var/lib/nodkald")
    runtime_dir: Path = Path("/run/nodkald")
    language: Literal["da", "en"] = "da"
    pre_alarm: PreAlarm = PreAlarm()
    uplink: Uplink
    sensors: dict[SensorName, SensorPlace] = Field(default_factory=dict)
