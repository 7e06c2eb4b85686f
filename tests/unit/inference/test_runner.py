from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from agent.inference.cards import ModelCard, Quantisation, load_card, load_file
from agent.inference.channels import channels
from agent.inference.layout import CHANNELS
from agent.inference.policy import Unasked
from agent.inference.runner import Broken, Model
from tests.unit.inference.motions import fall, jolts, times

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def card() -> ModelCard:
    return load_card("fall-waist")


@pytest.fixture(scope="module")
def model(card: ModelCard) -> Model:
    return Model(card, load_file(card))


def windows() -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    t = times(12, start=0.0)
    made = [fall(t, 6.0, peak)[225:425] for peak in (3.0, 4.0, 6.0)]
    made += [jolts(t, every, peak)[200:400] for every, peak in ((0.6, 2.5), (0.9, 1.8), (2.0, 3.0))]
    return channels(np.stack(made))


def broken(card: ModelCard, content: bytes, runtimes: tuple[str, ...] | None = None) -> Broken:
    with pytest.raises(Broken) as raised:
        Model(card, content, runtimes) if runtimes else Model(card, content)
    return raised.value


def test_falls_score_higher_than_walking(card: ModelCard, model: Model) -> None:
    scores = [model.score(window) for window in windows()]
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert min(scores[:3]) >= card.threshold > max(scores[3:])


def test_a_file_that_is_not_the_cards_is_refused(card: ModelCard) -> None:
    error = broken(card, load_file(card) + b"x")
    assert error.code is Unasked.WRONG_HASH
    assert "install the package again" in str(error)


def test_one_flipped_bit_is_refused(card: ModelCard) -> None:
    content = bytearray(load_file(card))
    content[len(content) // 2] ^= 1
    assert broken(card, bytes(content)).code is Unasked.WRONG_HASH


def test_a_file_that_is_no_model_is_refused(card: ModelCard) -> None:
    content = b"not a model at all"
    fitting = card.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    assert broken(fitting, content).code is Unasked.EXCEPTION


def test_another_shape_or_quantisation_than_the_cards_is_refused(card: ModelCard) -> None:
    content = load_file(card)
    into, out = card.input, card.output
    for change in (
        {"after_s": 3.5},
        {"channels": ("x", "y", "z")},
        {"input": Quantisation(scale=into.scale * 1.001, zero_point=into.zero_point)},
        {"input": Quantisation(scale=into.scale, zero_point=into.zero_point + 1)},
        {"output": Quantisation(scale=out.scale * 1.001, zero_point=out.zero_point)},
        {"output": Quantisation(scale=out.scale, zero_point=out.zero_point + 1)},
        {"input": out, "output": into},
    ):
        assert broken(card.model_copy(update=change), content).code is Unasked.WRONG_SHAPE


def test_without_a_runtime_it_says_which_were_tried(card: ModelCard) -> None:
    error = broken(card, load_file(card), ("no_such_runtime.interpreter",))
    assert error.code is Unasked.EXCEPTION
    assert "no_such_runtime" in str(error)


def test_a_window_that_does_not_fit_or_holds_no_numbers_is_refused(model: Model) -> None:
    with pytest.raises(Broken) as raised:
        model.score(np.zeros((199, 4), dtype=np.float32))
    assert raised.value.code is Unasked.WRONG_SHAPE
    for value in (np.nan, np.inf):
        with pytest.raises(Broken) as raised:
            model.score(np.full((200, len(CHANNELS)), value, dtype=np.float32))
        assert raised.value.code is Unasked.NOT_A_NUMBER


_OTHER_RUNTIME = """
import json, sys
import numpy as np
from agent.inference.cards import load_card, load_file
from agent.inference.runner import Model
card = load_card("fall-waist")
model = Model(card, load_file(card), ("tflite_runtime.interpreter",))
print(json.dumps([model.score(window) for window in np.load(sys.argv[1])]))
"""


def test_both_runtimes_say_the_same(model: Model, tmp_path: Path) -> None:
    python = os.environ.get("NODKALD_TFLITE_PYTHON")
    if not python:
        pytest.skip("NODKALD_TFLITE_PYTHON names no Python with tflite-runtime 2.14, numpy<2, pydantic and structlog")
    file = tmp_path / "windows.npy"
    np.save(file, windows())
    done = subprocess.run(
        [python, "-c", _OTHER_RUNTIME, str(file)], capture_output=True, text=True, check=True, cwd=ROOT, timeout=50
    )
    here = [model.score(window) for window in windows()]
    np.testing.assert_allclose(json.loads(done.stdout), here, atol=2 / 256)
