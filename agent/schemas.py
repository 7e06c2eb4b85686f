"""What editors and readers know of the unit file and the profiles, made from the models: JSON Schemas and key tables.

    python -m agent.schemas --write    write docs/schemas/*.json and the tables in docs/configuration.md
    python -m agent.schemas --check    exit 1 if they are not what would be written

Rules of this file: nothing is said here that the models don't say.
"""

from __future__ import annotations

import argparse
import json
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config import BrokerPath, Consent, Models, PreAlarm, SensorPlace, Tls, UnitFile, Uplink
from agent.config_faults import wanted
from agent.profiles import Button, FallPolicy, Output, Profile, PullCord, Wt901

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

REPOSITORY = Path(__file__).parent.parent
BEGIN, END = "<!-- keys: {} -->", "<!-- end of keys -->"

SCHEMAS: Mapping[str, type[BaseModel]] = {"unit.schema.json": UnitFile, "profile.schema.json": Profile}

TABLES: Mapping[str, type[BaseModel]] = {
    "unit file": UnitFile,
    "unit file [pre_alarm]": PreAlarm,
    "unit file [uplink]": Uplink,
    "unit file [[uplink.paths]]": BrokerPath,
    "unit file [uplink.paths.tls]": Tls,
    "unit file [sensors.NAME]": SensorPlace,
    "unit file [consent]": Consent,
    "unit file [model]": Models,
    "profile": Profile,
    "profile [sensors.NAME] pull_cord": PullCord,
    "profile [sensors.NAME] button": Button,
    "profile [sensors.NAME] wt901": Wt901,
    "profile [sensors.NAME.fall]": FallPolicy,
    "profile [light] and [sounder]": Output,
}


def schema_text(model: type[BaseModel]) -> str:
    """Return the JSON Schema (2020-12) of `model`, with the keys as they stand in the file."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema(by_alias=True)}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def key_table(model: type[BaseModel]) -> str:
    """Return a Markdown table of the model's keys: what each must be, its default, what it means."""
    rows = [
        f"| `{field.alias or name}` | {wanted(field.annotation, field.metadata)} | {_default(field)} "
        f"| {field.description or ''} |"
        for name, field in model.model_fields.items()
    ]
    return "\n".join(["| key | must be | default | meaning |", "|---|---|---|---|", *rows])


def generated(repository: Path = REPOSITORY) -> dict[Path, str]:
    """Return every generated file and what must stand in it."""
    files = {repository / "docs" / "schemas" / name: schema_text(model) for name, model in SCHEMAS.items()}
    document = repository / "docs" / "configuration.md"
    files[document] = _with_tables(document.read_text(encoding="utf-8"))
    return files


def main(arguments: list[str] | None = None) -> int:
    """Write or check; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m agent.schemas", description="schemas and tables of configuration")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files")
    action.add_argument("--check", action="store_true", help="exit 1 if a file is not up to date")
    args = parser.parse_args(arguments)
    stale = [
        (path, text)
        for path, text in generated().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if args.check:
        for path, _ in stale:
            sys.stderr.write(f"{path}: is not up to date; run python -m agent.schemas --write\n")
        return 1 if stale else 0
    for path, text in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


def _with_tables(document: str) -> str:
    for title, model in TABLES.items():
        begin = BEGIN.format(title)
        before, found, rest = document.partition(begin + "\n")
        _, closed, after = rest.partition(END)
        if not (found and closed):
            raise SystemExit(f"docs/configuration.md: the lines {begin} and {END} are missing; put them back")
        document = f"{before}{begin}\n{key_table(model)}\n{END}{after}"
    return document


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value: Any = field.get_default(call_default_factory=True)
    if value is None:
        return "none"
    if isinstance(value, bool | int | float):
        return f"`{str(value).lower()}`"
    if isinstance(value, Enum):
        return f"`{value.value}`"
    return f"`{value}`" if isinstance(value, str | Path) else "see its table"


if __name__ == "__main__":
    sys.exit(main())
