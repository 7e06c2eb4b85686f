"""Recordings judged by fold files: by the file that may, and with the verdicts of `nodkald replay`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from agent.assessment import Verdict
from agent.config_files import load_profile
from agent.errors import ModelError
from agent.inference.cards import load_card, load_file
from agent.replay import Unit
from agent.simulator.motions import MOTIONS
from training import folds
from training.evaluate.judge import PROFILE, SENSOR, Judge
from training.evaluate.judged import Judged
from training.recordings import Recording


def acted(move: str, subject: str, fold: int, position: str = "waist") -> Recording:
    samples = np.round(np.array(MOTIONS[move](100.0, 7)), 4)
    return Recording(move, "made", subject, "young", position, move, False, fold, 100.0, 0.0, 10.0, samples[:, 1:])  # noqa: FBT003 - a dataclass's own order


FALL, WALK = acted("fall-forward", "A", 0), acted("walking", "B", 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two fold files that are the shipped model: whose verdicts they give can be told by whether they are there."""
    card = load_card("fall-waist")
    file = SimpleNamespace(content=load_file(card), sha256=card.sha256, input=card.input, output=card.output)
    folds.keep(tmp_path, [file, file], card, [FALL, WALK])  # type: ignore[list-item]  # because it stands in for the one of TensorFlow
    return tmp_path


def test_the_verdicts_are_those_of_replay(folder: Path) -> None:
    profile = load_profile(PROFILE)
    unit = Unit(profile, SENSOR, profile.wearables[SENSOR], budget=False)
    replayed = [line for line in unit.play("x", FALL.times, FALL.xyz_g) if "verdict" in line]
    judged = Judge(folder).judge(FALL).triggers
    assert [(t.at_s, t.verdict, t.score, t.peak_g, list(t.reasons)) for t in judged] == [
        (line["t_s"], line["verdict"], line["score"], line["peak_g"], line["reasons"]) for line in replayed
    ]
    assert Verdict.CONFIRMED in [trigger.verdict for trigger in judged]


def test_a_recording_does_not_depend_on_those_judged_before_it(folder: Path) -> None:
    alone, after = Judge(folder), Judge(folder)
    after.judge(WALK)
    after.judge(FALL)
    assert after.judge(FALL).triggers == alone.judge(FALL).triggers


@pytest.mark.parametrize(("recording", "fold"), [(FALL, "fold-1"), (WALK, "fold-2")])
def test_the_file_that_has_not_seen_the_person_judges(folder: Path, recording: Recording, fold: str) -> None:
    (folder / f"{fold}.tflite").unlink()
    with pytest.raises(FileNotFoundError, match=fold):
        Judge(folder).judge(recording)


def test_a_person_whom_every_file_has_seen_is_not_judged(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"no fold file .* has not seen C"):
        Judge(folder).judge(replace(FALL, subject="C"))


def test_a_person_of_whom_nothing_is_learnt_from_is_judged_by_any(folder: Path) -> None:
    assert Judge(folder).judge(replace(FALL, subject="C", body_position="wrist_left")).called


def test_without_fold_files_it_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run `make model` first"):
        Judge(tmp_path)


def test_a_damaged_card_says_what_to_run(folder: Path) -> None:
    path = folder / "fold-1.json"
    path.write_text(path.read_text()[:-9])
    with pytest.raises(ModelError, match="run `make model`"):
        Judge(folder).judge(FALL)


def test_the_trigger_of_the_fall_itself_is_the_one_at_its_peak(folder: Path) -> None:
    triggers = Judge(folder).judge(FALL).triggers
    at_s = max(triggers, key=lambda trigger: trigger.peak_g).at_s
    assert Judged(replace(FALL, is_fall=True, peak_s=at_s), triggers).of_the_fall in triggers
    assert Judged(replace(FALL, is_fall=True, peak_s=at_s + 60), triggers).of_the_fall is None
    assert Judged(FALL, triggers).of_the_fall is None
