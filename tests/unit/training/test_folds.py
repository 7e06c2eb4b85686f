"""The fold files that `make model` leaves for `make evaluate`: whom each may judge, and of which training."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from agent.errors import ModelError
from agent.inference.cards import ModelCard, Quantisation, load_card
from training import folds
from training.recordings import Recording


@dataclass(frozen=True)
class Converted:
    content: bytes
    input: Quantisation
    output: Quantisation

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def recording(subject: str, fold: int) -> Recording:
    return Recording("made", "made", subject, "young", "waist", "made", False, fold, 50.0, 0.0, 0.0, np.zeros((2, 3)))  # noqa: FBT003 - a dataclass's own order


RECORDINGS = [recording("B", 0), recording("C", 1), recording("A", 0), recording("B", 0)]
PORTS = (Quantisation(scale=0.03, zero_point=1), Quantisation(scale=0.0039, zero_point=-128))
FILES = [Converted(b"first", *PORTS), Converted(b"second", *PORTS)]


def test_each_file_has_a_card_of_its_own_with_the_frozen_threshold(tmp_path: Path) -> None:
    shipped = load_card("fall-waist")
    folds.keep(tmp_path / "build", FILES, shipped, RECORDINGS)  # type: ignore[arg-type]  # because Converted stands in for the one of TensorFlow
    for name, int8 in zip(("fold-1", "fold-2"), FILES, strict=True):
        card = ModelCard.model_validate_json((tmp_path / "build" / f"{name}.json").read_bytes())
        assert (tmp_path / "build" / f"{name}.tflite").read_bytes() == int8.content
        assert (card.name, card.sha256, card.bytes) == (name, int8.sha256, len(int8.content))
        assert (card.input, card.output, card.threshold) == (int8.input, int8.output, shipped.threshold)


def test_the_index_says_whom_each_file_has_not_seen(tmp_path: Path) -> None:
    shipped = load_card("fall-waist")
    folds.keep(tmp_path, FILES, shipped, RECORDINGS)  # type: ignore[arg-type]  # because Converted stands in for the one of TensorFlow
    index = folds.load(tmp_path, shipped)
    assert [(fold.name, [one.subject for one in fold.unseen]) for fold in index.folds] == [
        ("fold-1", ["A", "B"]),
        ("fold-2", ["C"]),
    ]


def test_files_of_another_training_are_refused(tmp_path: Path) -> None:
    shipped = load_card("fall-waist")
    folds.keep(tmp_path, FILES, shipped.model_copy(update={"sha256": "0" * 64}), RECORDINGS)  # type: ignore[arg-type]  # because Converted stands in for the one of TensorFlow
    with pytest.raises(ModelError, match="run `make model`"):
        folds.load(tmp_path, shipped)


@pytest.mark.parametrize("content", [None, "{", '{"folds": []}'])
def test_a_missing_or_damaged_index_says_what_to_run(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / folds.INDEX).write_text(content)
    with pytest.raises(ModelError, match="make model"):
        folds.load(tmp_path, load_card("fall-waist"))
