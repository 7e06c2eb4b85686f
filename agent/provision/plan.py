"""Answers that somebody wrote down beforehand: the workshop's answers file and the office's claim file.

Rules of this file: models and their reading. Both become the same flat answers that a technician would give, so that
there is one path on which they are checked. No field is free text: what could hold a name is an enumeration, a slug
or a host. A fault never repeats the one-time secret of a claim.
"""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from agent.config import Room, SigningKey, UnitFile
from agent.config_faults import cpr_faults, faults_of, mask
from agent.errors import ConfigError
from agent.profiles import SensorName, Strict
from agent.provision.refusal import refused_by_system

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOST = re.compile(r"(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*|[0-9a-fA-F:.]{2,45}")
"""A DNS name or an IP address."""

Answers = dict[str, str]
"""What was answered, by question: `tenant`, `room.bathroom-cord`, `primary.host` …"""

_RANDOM = frozenset({"enrolment", "ca", "signing_key"})
"""Chance puts ten digits in a row into one hex secret in fourteen; what these hold is checked by its form."""

_UNIT = UnitFile.model_fields


class PlannedPath(Strict):
    """A way to a broker. The client id has its name in it."""

    name: Literal["primary", "secondary"] = Field(default="primary", description="the preferred one is primary")
    host: str = Field(min_length=1, max_length=253, description="the broker's name or address")
    port: int = Field(default=8883, ge=1, le=65_535, description="the broker's port")
    protocol: Literal["mqtt5", "mqtt311"] = Field(default="mqtt5", description="MQTT 5, or 3.1.1 where it must be")

    @field_validator("host")
    @classmethod
    def _is_a_host(cls, host: str) -> str:
        if not HOST.fullmatch(host):
            raise ValueError("is no host name or IP address; give one without a scheme or a port")
        return host


class Plan(Strict):
    """What answers file and claim file have in common. What is left out is asked, or takes its default."""

    schema_version: Literal[1] = Field(alias="schema", description="version of this file's format")
    language: Literal["da", "en"] | None = Field(default=None, description="of the texts in the home")
    tenant: Annotated[str, *_UNIT["tenant"].metadata] | None = Field(
        default=None, description="the municipality's slug"
    )
    unit_id: Annotated[str, *_UNIT["unit_id"].metadata] | None = Field(
        default=None, description="made on the unit if left out"
    )
    profile: str | None = Field(default=None, description="name of a shipped profile, or path of a profile file")
    pre_alarm_s: float | None = Field(default=None, ge=0, le=60, description="seconds to cancel an automatic call")
    paths: tuple[PlannedPath, ...] = Field(default=(), max_length=2, description="the ways to the brokers")
    rooms: dict[SensorName, Room] = Field(default_factory=dict, description="where each sensor hangs")
    ports: dict[SensorName, str] = Field(default_factory=dict, description='serial ports: a path, or "auto"')

    def answers(self) -> Answers:
        """Return what a technician would have answered."""
        answers: Answers = {}
        for key in ("language", "tenant", "unit_id", "profile"):
            if (value := getattr(self, key)) is not None:
                answers[key] = value
        if self.pre_alarm_s is not None:
            answers["pre_alarm"] = f"{self.pre_alarm_s:g}"
        for path in self.paths:
            answers[f"{path.name}.host"] = path.host
            answers[f"{path.name}.port"] = str(path.port)
            answers[f"{path.name}.protocol"] = path.protocol
        if self.paths and "secondary.host" not in answers:
            answers["secondary.host"] = ""
        answers |= {f"room.{name}": room.value for name, room in self.rooms.items()}
        answers |= {f"port.{name}": port for name, port in self.ports.items()}
        return answers


class AnswersFile(Plan):
    """What the workshop answers for every unit. Paths start from the file's directory, and may hold `{unit_id}`."""

    claim: str | None = Field(default=None, description="the unit's claim file")
    ca: str | None = Field(default=None, description="PEM file with the centre's authority; left out only for loopback")
    csr: str | None = Field(default=None, description="where to put a copy of the certificate request")
    certificate: str | None = Field(default=None, description="where the signed certificate will be")
    replace: bool = Field(default=False, description="whether a unit that is provisioned already may be replaced")


class Claim(Plan):
    """What the office decided for one unit."""

    kind: Literal["nodkald-claim"] = Field(description="that this is a claim file")
    unit_id: Annotated[str, *_UNIT["unit_id"].metadata] = Field(description="the id that the office will sign")
    ca: str | None = Field(default=None, description="the centre's authority, PEM text")
    enrolment: str | None = Field(default=None, description="one-time secret, 32 bytes in hex")
    signing_key: SigningKey | None = Field(default=None, description="whose fall models the unit accepts")

    @field_validator("enrolment", mode="before")
    @classmethod
    def _is_hex(cls, value: Any, _: ValidationInfo) -> Any:
        if not (isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value)):
            raise ValueError("is damaged; ask the office for the claim file again")
        return value


P = TypeVar("P", bound=Plan)


def read_plan(model: type[P], path: Path) -> P:
    """Read an answers or claim file. Raises ConfigError with every fault of it, Refused where it can't be read."""
    try:
        raw: Mapping[str, Any] = tomllib.loads(path.read_bytes().decode())
    except OSError as error:
        raise refused_by_system(error, path) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([mask(f"{path}: is no TOML file ({error}); take the file from the office again")]) from error
    faults = cpr_faults({key: value for key, value in raw.items() if key not in _RANDOM})
    try:
        plan = model.model_validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        faults += faults_of(model, error)
    if faults:
        raise ConfigError([f"{path}: {fault}" for fault in faults])
    return plan
