"""Reading the unit file and its firmware profile: either both are right, or every fault of both is told at once.

Rules of this file: each fault is one line, `FILE: KEY: what is wrong; what would be right`, and all of them are
raised together as one `ConfigError`. Types are strict: `port = "1883"` is a fault, not a guess. Nothing here imports
`agent/inference`; whether a model fits the body position is asked by `agent/check_config.py` and `agent/app.py`.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

import firmware_profiles
from agent.config import LOOPBACK, Room, UnitFile
from agent.config_faults import cpr_faults, did_you_mean, faults_of, mask
from agent.errors import ConfigError
from agent.profiles import Profile

INSTALLED = Path("/etc/nodkald")
"""Where a real unit's file lies: the simulated home is refused below it."""

DEFAULT_UNIT_FILE = INSTALLED / "unit.toml"

_SHIPPED = Path(firmware_profiles.__file__).parent

Model = TypeVar("Model", bound=BaseModel)
Raw = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Unit:
    """A home whose unit file and profile are both right, and right for each other."""

    unit_file: UnitFile
    profile: Profile
    unit_path: Path
    profile_path: Path

    def room_of(self, sensor: str) -> Room:
        """Return where a sensor hangs."""
        return self.unit_file.room_of(sensor, self.profile)

    def port_of(self, sensor: str) -> str:
        """Return the serial port of the wearable `sensor`: the simulator's link, this home's, or the profile's."""
        if self.profile.simulated:
            return str(self.unit_file.runtime_dir / sensor)
        place = self.unit_file.sensors.get(sensor)
        return place.port if place and place.port else self.profile.wearables[sensor].port


def shipped_profiles() -> dict[str, Path]:
    """Return the profiles that ship with this software, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.toml"), key=lambda path: path.stem)}


def load_unit(path: Path | str) -> Unit:
    """Read the unit file at `path` and the profile that it names.

    Raises `ConfigError` with every fault of both files.
    """
    unit_path = Path(path)
    raw_unit, faults = _read(
        unit_path, f"write one as docs/configuration.md shows ({DEFAULT_UNIT_FILE} is the default)"
    )
    if raw_unit is None:
        raise ConfigError(faults)
    unit_file = _validate(UnitFile, raw_unit, unit_path, faults)

    profile, profile_path, raw_profile = None, None, None
    if isinstance(name := raw_unit.get("profile"), str):
        profile_path, missing = _profile_path(name, base=unit_path.parent)
        if profile_path is None:
            faults.append(f"{unit_path}: profile: {missing}")
        else:
            raw_profile, profile_faults = _read(profile_path, "correct `profile` in the unit file")
            profile = _validate(Profile, raw_profile, profile_path, profile_faults) if raw_profile is not None else None
            faults += profile_faults
    faults += [f"{unit_path}: {fault}" for fault in _cross_faults(raw_unit, raw_profile or {}, unit_path)]

    if faults or unit_file is None or profile is None or profile_path is None:
        raise ConfigError(faults)
    return Unit(unit_file, profile, unit_path, profile_path)


def load_profile(name_or_path: str) -> Profile:
    """Read a shipped profile by its name, or the profile file at a path (one that ends in .toml).

    Raises `ConfigError` with every fault of the file.
    """
    path, missing = _profile_path(name_or_path, base=Path())
    if path is None:
        raise ConfigError([f"profile: {missing}"])
    raw, faults = _read(path, "name a profile file that is there")
    profile = _validate(Profile, raw, path, faults) if raw is not None else None
    if profile is None or faults:
        raise ConfigError(faults)
    return profile


def _profile_path(name: str, base: Path) -> tuple[Path | None, str]:
    """Return the file of profile `name`, relative paths from `base`; or None and why not."""
    if name.endswith(".toml"):
        return base / name, ""
    shipped = shipped_profiles()
    if name in shipped:
        return shipped[name], ""
    near = did_you_mean(name, list(shipped))
    return None, mask(f"{name!r} is no shipped profile; {near}; a profile of your own is a path that ends in .toml")


def _read(path: Path, remedy: str) -> tuple[Raw | None, list[str]]:
    """Return the file's tables, or None and one fault."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), []
    except FileNotFoundError:
        return None, [f"{path}: (whole file): does not exist; {remedy}"]
    except UnicodeDecodeError as error:
        return None, [f"{path}: (whole file): byte {error.start} is not UTF-8; save the file as UTF-8 text"]
    except OSError as error:
        return None, [
            f"{path}: (whole file): can't be read ({error.strerror}); it must be a file that this user may read"
        ]
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        where = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
        place = f"line {where[1]}, column {where[2]}" if where and where[1] else "end of file"
        what = message[: where.start()] if where else message
        return None, [
            mask(f"{path}: {place}: is not valid TOML ({what}); look for a missing quote, bracket or = there")
        ]


def _validate(model: type[Model], raw: Raw, path: Path, faults: list[str]) -> Model | None:
    """Return the model, or None; adds what is wrong to `faults`."""
    found = cpr_faults(raw)
    result = None
    try:
        # By way of JSON, because only there strict types and text for paths and enumerations go together.
        result = model.model_validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        found += faults_of(model, error)
    faults += [f"{path}: {fault}" for fault in found]
    return result


def _cross_faults(unit: Raw, profile: Raw, unit_path: Path) -> list[str]:
    """Return what is wrong in the light of both files. Raw tables, so that other faults don't hide these."""
    simulated = profile.get("simulated") is True
    return [
        *_directory_faults(unit),
        *_broker_faults(unit),
        *(_sensor_faults(unit, profile, simulated=simulated) if profile else []),
        *(_simulated_faults(unit, unit_path) if simulated else []),
    ]


def _directory_faults(unit: Raw) -> list[str]:
    return [
        f"{key}: is {value!r}; it must be an absolute path, one that begins with /"
        for key in ("state_dir", "runtime_dir")
        if isinstance(value := unit.get(key, "/"), str) and not value.startswith("/")
    ]


def _broker_faults(unit: Raw) -> list[str]:
    faults: list[str] = []
    seen: dict[tuple[Any, Any], int] = {}
    for index, path in enumerate(_paths(unit)):
        address = (path.get("host"), path.get("port"))
        first = seen.setdefault(address, index)
        if None not in address and first != index:
            faults.append(
                f"uplink.paths[{index}]: goes to the same host and port as uplink.paths[{first}]; "
                "a second path must lead to another broker or listener, or be removed"
            )
    return faults


def _sensor_faults(unit: Raw, profile: Raw, *, simulated: bool) -> list[str]:
    faults: list[str] = []
    known = _table(profile, "sensors")
    for name, place in _table(unit, "sensors").items():
        if name not in known:
            faults.append(f"sensors.{mask(name)}: the profile has no such sensor; {did_you_mean(name, list(known))}")
        elif isinstance(place, Mapping) and "port" in place:
            if simulated:
                faults.append(f"sensors.{name}.port: the simulated home makes its own port; remove this key")
            elif "port" not in _table(known, name):
                faults.append(f"sensors.{name}.port: this sensor sits on a pin and has no port; remove this key")
    return faults


def _simulated_faults(unit: Raw, unit_path: Path) -> list[str]:
    faults = [
        f"uplink.paths[{index}].host: a simulated home may only call a broker on this machine; "
        f"it must be one of {', '.join(sorted(LOOPBACK))}, or choose a hardware profile"
        for index, path in enumerate(_paths(unit))
        if path.get("host") not in LOOPBACK
    ]
    homes = {INSTALLED, INSTALLED.resolve()}
    if any(home in place.parents for home in homes for place in (unit_path.absolute(), unit_path.resolve())):
        faults.append(
            f"profile: a simulated home is refused below {INSTALLED}, where a real unit is configured; "
            "choose a hardware profile, or keep the training unit's file elsewhere"
        )
    return faults


def _paths(unit: Raw) -> list[Raw]:
    paths = _table(unit, "uplink").get("paths")
    return [path for path in paths if isinstance(path, Mapping)] if isinstance(paths, list) else []


def _table(raw: Raw, key: str) -> Raw:
    value = raw.get(key)
    return value if isinstance(value, Mapping) else {}
