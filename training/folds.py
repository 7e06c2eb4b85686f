"""The five files behind the out-of-fold figures, kept so that they can be asked again: `make evaluate` does.

Rules of this file: a fold file is judged only on subjects that it has not seen; `folds.json` says which those are. Its
card is the shipped one with this file in its place, so the frozen threshold comes along.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from agent.errors import ModelError
from agent.inference.cards import ModelCard
from training.recordings import Recording

if TYPE_CHECKING:
    from training.convert import Converted  # brings TensorFlow, which who only reads the files need not have

INDEX = "folds.json"


class Subject(BaseModel):
    """One person: a name within a dataset."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    subject: str


class Fold(BaseModel):
    """One file, and whom it has not seen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    unseen: tuple[Subject, ...]


class Folds(BaseModel):
    """The index. `shipped_sha256` is the file that learnt from everybody, in the same run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shipped_sha256: str
    folds: tuple[Fold, ...]


def keep(folder: Path, files: Sequence[Converted], shipped: ModelCard, recordings: list[Recording]) -> None:
    """Write `fold-1.tflite`, its card `fold-1.json`, and so on; last `folds.json`. `files` stand in fold order."""
    folder.mkdir(parents=True, exist_ok=True)
    folds: list[Fold] = []
    for number, int8 in enumerate(files):
        name = f"fold-{number + 1}"
        own = {"name": name, "sha256": int8.sha256, "bytes": len(int8.content)}
        card = shipped.model_copy(update={**own, "input": int8.input, "output": int8.output})
        (folder / f"{name}.tflite").write_bytes(int8.content)
        (folder / f"{name}.json").write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
        unseen = sorted({(r.dataset, r.subject) for r in recordings if r.fold == number})
        folds.append(Fold(name=name, unseen=tuple(Subject(dataset=d, subject=s) for d, s in unseen)))
    index = Folds(shipped_sha256=shipped.sha256, folds=tuple(folds))
    (folder / INDEX).write_text(index.model_dump_json(indent=2) + "\n", encoding="utf-8")


def load(folder: Path, shipped: ModelCard) -> Folds:
    """Return the index; ModelError if it is missing, damaged, or of another training than the shipped model."""
    path = folder / INDEX
    try:
        index = Folds.model_validate_json(path.read_bytes())
    except OSError as error:
        raise ModelError(f"{path} is not there: run `make model` first, which leaves the five fold files") from error
    except ValidationError as error:
        raise ModelError(
            f"{path} is no index of fold files ({error.error_count()} faults): run `make model`"
        ) from error
    if index.shipped_sha256 != shipped.sha256:
        raise ModelError(
            f"{path} was made with model {index.shipped_sha256[:12]}…, but {shipped.label} is {shipped.sha256[:12]}…: "
            "run `make model`, so that the fold files and the shipped model are of one training"
        )
    return index


def card_of(folder: Path, name: str) -> ModelCard:
    """Return the card of a fold file; ModelError if it can't be read as one."""
    path = folder / f"{name}.json"
    try:
        return ModelCard.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise ModelError(f"{path} is no model card: run `make model`, which leaves five") from error
