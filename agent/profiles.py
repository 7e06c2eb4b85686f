"""Firmware profiles: what hardware a unit is built of. One TOML file in `firmware_profiles/` for each build.

Rules of this file: models only (frozen, unknown keys refused, unions on `type`); reading files and wording faults is
`agent/config_files.py`. Every number has its unit in its name.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

SensorName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
BcmPin = Annotated[int, Field(ge=0, le=27, description="BCM number of the pin on the 40-pin header")]


class Strict(BaseModel):
    """Base of every configuration model: frozen, and a key that we do not know is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _Contact(Strict):
    pin: BcmPin
    contact: Literal["normally_open", "normally_closed"] = Field(description="the contact while nobody touches it")
    bias: Literal["up", "down", "none"] = Field(
        default="up", description="pull resistor; `up` and `none` read a closed contact as low, `down` as high"
    )
    debounce_ms: int = Field(default=50, ge=5, le=1000, description="a level counts once it has held this long")
    stuck_after_s: float = Field(default=600, ge=10, le=86_400, description="pulled for longer is a `contact.stuck`")


class PullCord(_Contact):
    """A pull-cord; its pull is a manual trigger."""

    type: Literal["pull_cord"] = Field(description="the kind of sensor")

    @property
    def role(self) -> Literal["call", "reset"]:
        """A cord always calls."""
        return "call"


class Button(_Contact):
    """A button that calls, or (role `reset`) the one that cancels a pre-alarm and does nothing else."""

    type: Literal["button"] = Field(description="the kind of sensor")
    role: Literal["call", "reset"] = Field(default="call", description="`reset` only cancels a pre-alarm")


SECOND_LOOK_MARGIN_S = 10.0
"""A fall takes some seconds until it settles, before anybody lies still."""


class FallPolicy(Strict):
    """How a wearable's triggers are judged. Accelerations are of |a| on the 50 Hz grid, in g."""

    model: str = Field(
        default="fall-waist", pattern=r"^[a-z][a-z0-9-]{0,40}$", description="model card, made for the body position"
    )
    reference_g: float = Field(
        default=2.13, ge=1.0, le=16.0, description="a plain threshold sensor would call over this peak"
    )
    uncertain_above: float = Field(
        default=0.3,
        ge=0.0,
        le=1.0,
        description="scores from here to the threshold draw on the budget; see the model card",
    )
    uncertain_budget: int = Field(default=5, ge=0, le=100, description="uncertain suppressions in any 24 hours")
    deadline_s: float = Field(default=2.0, gt=0, le=10, description="the model must answer within this")
    second_look_s: float = Field(
        default=120,
        ge=20,
        le=600,
        description="so long after an impact the unit looks whether the person lies or walks",
    )
    lying_still_s: float = Field(
        default=15,
        ge=10,
        le=60,
        description="lying still for so long raises a score, or calls after an uncertain trigger",
    )

    @model_validator(mode="after")
    def _a_look_is_long_enough(self) -> FallPolicy:
        least = self.lying_still_s + SECOND_LOOK_MARGIN_S
        if self.second_look_s < least:
            raise ValueError(f"second_look_s is shorter than lying_still_s needs; make it at least {least:g}")
        return self


class Wt901(Strict):
    """A WitMotion WT901 accelerometer on a serial port, worn on the body."""

    type: Literal["wt901"] = Field(description="the kind of sensor")
    port: str = Field(pattern=r"^/", description="stable path, e.g. /dev/serial/by-id/…; the unit file may override it")
    baud: Literal[9600, 19200, 38400, 57600, 115200, 230400] = Field(
        default=115200, description="speed of the line, as set in the sensor"
    )
    rate_hz: Literal[50, 100, 200] = Field(default=100, description="samples a second, as set in the sensor")
    body_position: Literal["waist", "wrist", "hip"] = Field(
        description="where it is worn; the model must be made for it"
    )
    silent_after_s: float = Field(
        default=10, ge=1, le=3600, description="no good frame for longer is a `sensor.silent`"
    )
    garbled_above_bytes_per_minute: int = Field(
        default=600, ge=10, le=1_000_000, description="more bytes that are no frame are a `sensor.garbled`"
    )
    not_worn_after_s: float = Field(
        default=3600, ge=60, le=86_400, description="not the least movement for longer is a `sensor.not_worn`"
    )
    not_worn_after_drop_s: float = Field(
        default=300, ge=60, le=86_400, description="the same, for a sensor that was seen to be dropped"
    )
    fall: FallPolicy = Field(default=FallPolicy(), description="how its triggers are judged")


Contact = PullCord | Button
Sensor = Annotated[PullCord | Button | Wt901, Field(discriminator="type")]


class Output(Strict):
    """A light or a sounder on a pin."""

    pin: BcmPin
    active_high: bool = Field(default=True, description="whether a high pin switches it on")


class Profile(Strict):
    """One hardware build."""

    schema_version: Literal[1] = Field(alias="schema", description="version of this file's format")
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,60}$", description="the name that unit files use")]
    title: str = Field(max_length=120, description="one line for people")
    pins: Literal["lgpio", "mock"] = Field(description="gpiozero pin factory; there is no fall-back to another one")
    simulated: bool = Field(default=False, description="opens sim.sock; only with pins = mock")
    sensors: dict[SensorName, Sensor] = Field(min_length=1, description="the sensors, by name")
    light: Output = Field(description="the light that the citizen sees")
    sounder: Output = Field(description="the sounder that the citizen hears")

    @model_validator(mode="after")
    def _pins_are_used_once(self) -> Profile:
        used: dict[int, str] = {self.light.pin: "light"}
        for name, output_pin in [("sounder", self.sounder.pin), *((n, s.pin) for n, s in self.contacts.items())]:
            if output_pin in used:
                raise ValueError(f"pin {output_pin} is used by both {used[output_pin]} and {name}; give each its own")
            used[output_pin] = name
        return self

    @model_validator(mode="after")
    def _there_is_something_to_call_with(self) -> Profile:
        if not any(contact.role == "call" for contact in self.contacts.values()):
            raise ValueError('no sensor can call by hand; add a pull_cord, or a button with role = "call"')
        return self

    @model_validator(mode="after")
    def _simulated_means_mock_pins(self) -> Profile:
        if self.simulated != (self.pins == "mock"):
            raise ValueError('simulated = true goes with pins = "mock", and only with it')
        return self

    @cached_property
    def contacts(self) -> dict[str, Contact]:
        """The sensors that are a contact on a pin, by name."""
        return {name: s for name, s in self.sensors.items() if isinstance(s, PullCord | Button)}

    @cached_property
    def wearables(self) -> dict[str, Wt901]:
        """The sensors that deliver motion, by name."""
        return {name: s for name, s in self.sensors.items() if isinstance(s, Wt901)}
