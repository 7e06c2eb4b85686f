"""What was chosen, as far as it holds: the model that judges, and what was refused.

Rules of this file: never raises, and always leaves a model: the chosen one, else the one before it, else the one that
the package ships. What is refused, and why, is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from agent.models import choice
from agent.models.choice import Choice

if TYPE_CHECKING:
    from agent.models.folder import Candidate, ModelFolder

_LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Chosen:
    """A unit's models. `live` None: the one that the package ships for each sensor."""

    live: Candidate | None = None
    refused: str = ""
    """Why the model that was promoted is not `live`."""
    shadow: str | None = None
    """The name of the model to be tried beside it, unchecked: that is the business of who tries it."""


SHIPPED = Chosen()


def choose(folder: ModelFolder) -> Chosen:
    """Check what was chosen to judge in the folder. Takes a moment: it starts `openssl`."""
    try:
        asked = choice.read(folder.path)
    except Exception as error:  # noqa: BLE001 - fail open: whatever is wrong with it, the shipped model judges
        return Chosen(refused=_told("choice", error))
    live, refused = _live(folder, asked)
    return Chosen(live, refused, asked.shadow)


def _live(folder: ModelFolder, asked: Choice) -> tuple[Candidate | None, str]:
    if asked.live is None:
        return None, ""
    live, refused = _load(folder, asked.live)
    if live is None and asked.previous is not None:
        live, _ = _load(folder, asked.previous)
    return live, refused


def _load(folder: ModelFolder, name: str) -> tuple[Candidate | None, str]:
    try:
        return folder.load(name), ""
    except Exception as error:  # noqa: BLE001 - as above: another model stands in
        return None, _told(name, error)


def _told(name: str, error: Exception) -> str:
    detail = f"{name} is refused: {error}"
    _LOG.error("model_refused", model=name, detail=detail)
    return detail[:300]
