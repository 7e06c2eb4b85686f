"""The unit file: this home's identity, broker paths and sensor names. Written by provisioning, read at start.

Rules of this file: models only, as in `agent/profiles.py`. No field can hold a person's name, address or CPR number:
rooms are an enumeration and names are slugs.
"""

from __future__ import annotations

import base64
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from agent.profiles import Profile, SensorName, Strict

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

    seconds: float = Field(
        default=10, ge=0, le=60, description="how long the citizen has; 0 calls at once, without a pre-alarm"
    )


class SensorPlace(Strict):
    """What this home knows about a sensor of the profile."""

    room: Room = Field(default=Room.UNKNOWN, description="where it hangs; goes with every call")
    port: str | None = Field(default=None, pattern=r"^/", description="serial port, where the profile's differs")


class Tls(Strict):
    """Files for TLS towards a broker. The certificate's CN is the unit id."""

    ca: Path = Field(description="PEM file with the authority that signed the broker's certificate")
    certificate: Path | None = Field(default=None, description="PEM file with this unit's certificate; needs `key`")
    key: Path | None = Field(default=None, description="PEM file with the certificate's private key")

    @model_validator(mode="after")
    def _certificate_and_key(self) -> Tls:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: give both, or neither")
        return self


class BrokerPath(Strict):
    """One way to a broker. The order in the file is the order of preference."""

    name: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9-]{0,15}$", description="this path's name; the client id is {unit_id}-{name}")
    ]
    host: str = Field(min_length=1, max_length=253, description="the broker's name or address")
    port: int = Field(ge=1, le=65_535, description="the broker's port, usually 8883 with TLS")
    protocol: Literal["mqtt5", "mqtt311"] = Field(
        default="mqtt5", description="`mqtt311` for a broker without MQTT 5: it can't say that a publish was refused"
    )
    keepalive_s: int = Field(
        default=30, ge=5, le=600, description="MQTT keepalive: a dead line shows after 1.5 times it"
    )
    tls: Tls | None = Field(default=None, description="certificates; needed for any broker that is not on loopback")
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
                f'path {self.name} to {self.host} has no [tls]; add it, or plain_text = "i-accept-unencrypted-calls"'
            )
        return self


class Uplink(Strict):
    """How events reach the response centre."""

    paths: tuple[BrokerPath, ...] = Field(min_length=1, max_length=4, description="1 to 4, the preferred one first")
    heartbeat_s: int = Field(default=60, ge=5, le=3600, description="how often the centre hears that the unit is alive")
    outbox_limit_mb: int = Field(default=64, ge=1, le=4096, description="technical events are evicted over this size")

    @model_validator(mode="after")
    def _names_differ(self) -> Uplink:
        names = [path.name for path in self.paths]
        if len(set(names)) != len(names):
            raise ValueError("two paths have the same name; each needs its own, it is part of the client id")
        return self


class Consent(Strict):
    """What the citizen has consented to beyond the calls themselves. Without this table, or without a key: nothing."""

    motion_windows: bool = Field(
        default=False, description="keep the motion around triggers on the unit, encrypted; needs the other three keys"
    )
    reference: str | None = Field(
        default=None,
        pattern=r"^c-([0-9][bcdfghjkmnpqrstvwxz]){3,6}$",
        description="the municipality's random word for this consent; no name and no CPR number fits into it",
    )
    until: date | None = Field(default=None, description="the last day of the consent")
    certificate: Path | None = Field(
        default=None, description="PEM file with the municipality's certificate: only its key opens what is kept"
    )

    @model_validator(mode="after")
    def _says_whose_and_until_when(self) -> Consent:
        wanting = [key for key in ("reference", "until", "certificate") if getattr(self, key) is None]
        if self.motion_windows and wanting:
            raise ValueError(f"motion_windows needs {', '.join(wanting)} too; add them, or set motion_windows = false")
        return self


def _checked_key(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        raw = b""
    # Written back, because base64 has several texts for the same bytes and a key should have one.
    if len(raw) != 32 or base64.b64encode(raw).decode() != text:
        raise ValueError("is no Ed25519 public key; it must be the 44 characters that `nodkald office model-key` shows")
    return text


SigningKey = Annotated[str, AfterValidator(_checked_key)]
"""An Ed25519 public key in base64."""


class Models(Strict):
    """Whose models may stand in for the one that the package ships."""

    signing_key: SigningKey | None = Field(
        default=None,
        description="Ed25519 public key in base64, from `nodkald office model-key`; without it only the shipped model",
    )


class UnitFile(Strict):
    """One home."""

    schema_version: Literal[1] = Field(alias="schema", description="version of this file's format")
    tenant: Annotated[
        str, Field(pattern=r"^[a-z][a-z0-9-]{1,30}$", description="the municipality's slug; part of every topic")
    ]
    unit_id: Annotated[
        str, Field(pattern=r"^u-[a-z0-9]{4,26}$", description="this unit's random id; nothing that names a person")
    ]
    profile: str = Field(description="name of a shipped profile, or the path of a profile file (ends in .toml)")
    state_dir: Path = Field(default=Path("/var/lib/nodkald"), description="outbox and state kept through restarts")
    runtime_dir: Path = Field(default=Path("/run/nodkald"), description="sockets and pipes, gone after a boot")
    language: Literal["da", "en"] = Field(default="da", description="of the texts that a citizen or technician reads")
    pre_alarm: PreAlarm = Field(default=PreAlarm(), description="how an automatic call can be cancelled")
    uplink: Uplink = Field(description="the way to the response centre")
    consent: Consent = Field(default=Consent(), description="what may be kept of the motion, by the citizen's consent")
    model: Models = Field(default=Models(), description="which fall models are accepted")
    sensors: dict[SensorName, SensorPlace] = Field(
        default_factory=dict, description="what this home knows about the profile's sensors, by their names"
    )

    def room_of(self, sensor: str, profile: Profile) -> Room:
        """Return where a sensor of `profile` hangs; a wearable that this file does not place is on the person."""
        place = self.sensors.get(sensor)
        if place is not None:
            return place.room
        return Room.ON_PERSON if sensor in profile.wearables else Room.UNKNOWN
