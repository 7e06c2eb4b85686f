"""The folder of models beside the unit file: what a municipality brought, each a card, a model file and a signature.

    /etc/nodkald/models/fall-waist-1.2.0.json      the card
                        fall-waist-1.2.0.tflite    the model file
                        fall-waist-1.2.0.sig       the signature over both
                        choice.json                which is live, and which is tried beside it

Rules of this file: nothing is used that was not checked: signature, name, hash, pipeline. What was checked is held in
memory and used from there, so that no file can be changed in between. Sizes are bounded before anything is read.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.errors import ModelError
from agent.inference.cards import ModelCard, parse_card
from agent.models import choice, signature

if TYPE_CHECKING:
    from pathlib import Path

    from agent.config_files import Unit

CARD, MODEL, SIGNATURE = ".json", ".tflite", ".sig"
LARGEST = {CARD: 256_000, MODEL: 1_000_000, SIGNATURE: signature.SIGNATURE_BYTES}
"""In bytes. A model of 24 kB answers in under a millisecond; one of a megabyte would still answer in time."""

NO_KEY = "the unit file has no [model] signing_key"


@dataclass(frozen=True, slots=True)
class Files:
    """The three files of a model, as they were read."""

    card: bytes
    model: bytes
    signature: bytes

    def parts(self) -> dict[str, bytes]:
        """Return each by the end of its name."""
        return {MODEL: self.model, SIGNATURE: self.signature, CARD: self.card}


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that was checked: its signature is the municipality's, and it fits this software."""

    name: str
    card: ModelCard
    files: Files


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The folder, and the key (base64) whose owner must have signed what is in it."""

    path: Path
    key: str | None

    def names(self) -> list[str]:
        """Return what lies there, whether it can be used or not; a model is there as soon as its card is."""
        try:
            found = [entry.stem for entry in self.path.iterdir() if entry.suffix == CARD]
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name for name in found if choice.NAME.fullmatch(name))

    def load(self, name: str) -> Candidate:
        """Return the model `name`, checked; ModelError says what is wrong with it."""
        candidate = checked(read_files(self.place_of(name)), self.key)
        if candidate.name != name:
            raise ModelError(f"is {candidate.name} under another name")
        return candidate

    def place_of(self, name: str) -> Path:
        """Return where the card of `name` is; ModelError if it is no model's name: none leads out of the folder."""
        if not choice.NAME.fullmatch(name):
            raise ModelError("is no name of a model, such as fall-waist-1.2.0")
        return self.path / f"{name}{CARD}"


def folder_of(unit: Unit) -> ModelFolder:
    """Return a unit's folder of models."""
    return ModelFolder(unit.unit_path.parent / "models", unit.unit_file.model.signing_key)


def read_files(card: Path) -> Files:
    """Return the three files of the model with this card; ModelError if one is missing, too large or can't be read."""
    return Files(*(_read(card.with_suffix(end), LARGEST[end]) for end in (CARD, MODEL, SIGNATURE)))


def checked(files: Files, key: str | None) -> Candidate:
    """Return the model in these files; ModelError unless the owner of `key` signed them, and they fit this software."""
    if key is None:
        raise ModelError(NO_KEY)
    signature.check(key, files.card, files.model, files.signature)
    card = parse_card(files.card)
    if hashlib.sha256(files.model).hexdigest() != card.sha256:
        raise ModelError("has a card of another model file: their sha256 differ")
    name = f"{card.name}-{card.version}"
    if not choice.NAME.fullmatch(name):
        raise ModelError("has a version that is no version")
    return Candidate(name, card, files)


def _read(path: Path, largest: int) -> bytes:
    try:
        if not path.is_file():
            raise ModelError(f"{path} is missing")
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise ModelError(f"{path} can't be read ({error.strerror})") from error
    if len(content) > largest:
        raise ModelError(f"{path} is larger than {largest} bytes")
    return content
