"""Which model was chosen to judge, and which to try beside it: a small file in the folder of models.

Rules of this file: the file is there whole or not at all. A name is a model's name and version, checked before it
becomes a path. A file that can't be understood is told, and means the shipped model: fail open.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

FILE = "choice.json"
LARGEST = 4096

NAME = re.compile(r"(?P<name>[a-z][a-z0-9-]{0,40})-(?P<version>\d{1,6}\.\d{1,6}\.\d{1,6})", re.ASCII)
"""How a model of a municipality is called: `fall-waist-1.2.0`."""

_Name = Annotated[str, Field(pattern=f"^(?:{NAME.pattern})$".replace(r"\d", "[0-9]"))]


class Choice(BaseModel):
    """What was chosen. `live` None is the model that the package ships; `shadow` None is none."""

    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version may say more

    format: Literal[1] = 1
    live: _Name | None = None
    previous: _Name | None = None
    """What stands in where `live` can't be used. Never a model that was rolled back from."""
    shadow: _Name | None = None


def read(folder: Path) -> Choice:
    """Return what was chosen; nothing where no file is. ModelError if the file can't be read or understood."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            return Choice.model_validate_json(file.read(LARGEST))
    except (FileNotFoundError, NotADirectoryError):
        return Choice()
    except OSError as error:
        raise ModelError(f"{path} can't be read ({error.strerror})") from error
    except ValidationError as error:
        raise ModelError(f"{path} can't be understood; choose again with: sudo nodkald model promote NAME") from error


def promoted(choice: Choice, name: str | None) -> Choice:
    """Return the choice with `name` live (None: the shipped model).

    What was live stands in should `name` fail, unless `name` is an older version of it: then nobody trusts it any more.
    """
    if name == choice.live:
        return choice
    previous = None if name is None or is_older(name, choice.live) else choice.live
    return Choice(live=name, previous=previous, shadow=None if choice.shadow == name else choice.shadow)


def is_older(name: str, other: str | None) -> bool:
    """Whether `name` is an earlier version of the same model as `other`."""
    one, two = NAME.fullmatch(name), NAME.fullmatch(other or "")
    return bool(one and two and one["name"] == two["name"] and _version(one) < _version(two))


def _version(found: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(part) for part in found["version"].split("."))
