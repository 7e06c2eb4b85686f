"""Claim files from a CSV: one row a unit.

Rules of this file: every column is known, and every value is a slug, a host or of an enumeration: a list with names,
addresses or CPR numbers is refused as a whole, and a value that was refused is never repeated. All rows are checked
before anything is written. Comma or semicolon, with or without a byte order mark, as spreadsheets write them.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from agent.config import Room
from agent.config_faults import CPR_LIKE, mask
from agent.config_files import load_profile
from agent.errors import ConfigError
from agent.provision.identity import new_unit_id
from agent.provision.plan import Claim
from agent.provision.refusal import refused_by_system

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEEDED = ("tenant", "primary")
COLUMNS = ("unit_id", "tenant", "profile", "language", "pre_alarm_s", "primary", "secondary", "protocol")
ROOM = "room."

_WORDS: Mapping[str, str] = {
    "tenant": "a municipality's slug, such as aabenraa",
    "unit_id": "u- and 4 to 26 small letters or digits, or nothing (then one is made)",
    "profile": "a shipped profile, such as pi4-cords",
    "language": "da or en",
    "pre_alarm_s": "a number from 0 to 60",
    "paths": "primary and secondary: host or host:port, and protocol: mqtt5 or mqtt311",
    "rooms": f"one of {', '.join(room.value for room in Room)}",
}


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows as claims without schema, kind and secret. Raises ConfigError with every fault of the file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8; save it as CSV UTF-8, without names or addresses"]) from error
    except OSError as error:
        raise refused_by_system(error, path) from error
    header = text.splitlines()[0] if text.strip() else ""
    rows = list(csv.reader(io.StringIO(text), delimiter=";" if header.count(";") > header.count(",") else ","))
    if len(rows) < 2:
        raise ConfigError([f"{path}: holds no unit; it needs a line of column names and one line a unit"])
    columns = [column.strip() for column in rows[0]]
    faults = [f"{path}: {fault}" for fault in _column_faults(columns)]
    claims: list[dict[str, Any]] = []
    seen: set[str] = set()
    for number, row in enumerate(rows[1:], 2):
        if not any(cell.strip() for cell in row):
            continue
        found, claim = _row(columns, [cell.strip() for cell in row], seen)
        faults += [f"{path}: row {number}: {fault}" for fault in found]
        claims.append(claim)
    if faults:
        raise ConfigError(faults)
    return claims


def claim_text(claim: Mapping[str, Any]) -> str:
    """Return the text of a claim file."""
    lines = [
        "# One unit's claim. Until it is used, whoever has it can be the unit: hand it over, and delete it after.",
        "schema = 1",
        'kind = "nodkald-claim"',
    ]
    lines += [f"{key} = {_value(value)}" for key, value in claim.items() if key not in ("paths", "rooms")]
    for path in claim["paths"]:
        lines += ["", "[[paths]]", *(f"{key} = {_value(value)}" for key, value in path.items())]
    if claim["rooms"]:
        lines += ["", "[rooms]", *(f"{key} = {_value(value)}" for key, value in claim["rooms"].items())]
    return "\n".join([*lines, ""])


def _column_faults(columns: list[str]) -> list[str]:
    faults = [
        f"column {mask(column) or '(without a name)'}: is not known; a claim holds nothing about a person. Known are "
        f"{', '.join(COLUMNS)}, and {ROOM}SENSOR"
        for column in columns
        if column not in COLUMNS and not column.startswith(ROOM)
    ]
    faults += [f"column {column}: is missing" for column in NEEDED if column not in columns]
    faults += [f"column {mask(column)}: stands there twice" for column in set(columns) if columns.count(column) > 1]
    return faults


def _row(columns: list[str], row: list[str], seen: set[str]) -> tuple[list[str], dict[str, Any]]:
    if len(row) != len(columns):
        return [f"has {len(row)} cells, and there are {len(columns)} columns"], {}
    cells = {column: cell for column, cell in zip(columns, row, strict=True) if cell}
    faults = [
        f"column {column}: holds something that looks like a CPR number; remove it" for column in cells
        if CPR_LIKE.search(cells[column])
    ]  # fmt: skip
    claim = _claim_of(cells)
    faults += _claim_faults(claim) if not faults else []
    if claim["unit_id"] in seen:
        faults.append("column unit_id: the same id stands in another row")
    seen.add(claim["unit_id"])
    return faults, claim


def _claim_of(cells: Mapping[str, str]) -> dict[str, Any]:
    claim: dict[str, Any] = {"unit_id": cells.get("unit_id") or new_unit_id()}
    claim |= {key: cells[key] for key in ("tenant", "profile", "language") if key in cells}
    if "pre_alarm_s" in cells:
        number = cells["pre_alarm_s"].replace(",", ".")
        claim["pre_alarm_s"] = float(number) if re.fullmatch(r"\d{1,2}(\.\d)?", number) else number
    claim["paths"] = [
        _path(name, cells[name], cells.get("protocol", "mqtt5")) for name in ("primary", "secondary") if name in cells
    ]
    claim["rooms"] = {column.removeprefix(ROOM): cell for column, cell in cells.items() if column.startswith(ROOM)}
    return claim


def _path(name: str, address: str, protocol: str) -> dict[str, Any]:
    found = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:]*):(\d{1,5})", address)
    host, port = (found[1].strip("[]"), int(found[2])) if found else (address, 8883)
    return {"name": name, "host": host, "port": port, "protocol": protocol}


def _claim_faults(claim: Mapping[str, Any]) -> list[str]:
    """Return what is wrong, without repeating a value: it may be a name that was typed into the wrong column."""
    faults: list[str] = []
    try:
        Claim.model_validate_json(json.dumps({"schema": 1, "kind": "nodkald-claim", **claim}), strict=True)
    except ValidationError as error:
        wrong = dict.fromkeys(str(e["loc"][0]) for e in error.errors(include_url=False, include_input=False))
        faults += [f"column {column}: must be {_WORDS[column]}" for column in wrong]
    if not claim["paths"] or claim["paths"][0]["name"] != "primary":
        faults.append("column primary: is empty; it must be host or host:port")
    if "profile" in claim:
        try:
            sensors = load_profile(claim["profile"]).sensors
        except ConfigError:
            return [*faults, f"column profile: must be {_WORDS['profile']}"]
        known = ", ".join(ROOM + name for name in sensors)
        faults += [
            f"column {ROOM}{mask(name)}: the profile has no such sensor; known are {known}"
            for name in claim["rooms"]
            if name not in sensors
        ]
    return faults


def _value(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
