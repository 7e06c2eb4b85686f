"""Recordings through `nodkald replay`'s unit, each by the fold file that has not seen its subject.

Rules of this file: it decides nothing. Every recording gets a unit of its own, so neither their order nor how many
processes share the work changes a verdict; without a budget, because one recording is not a day. The threshold is the
frozen one of the shipped card.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from agent.config_files import load_profile
from agent.errors import ModelError
from agent.inference.cards import ModelCard, load_card
from agent.inference.runner import Model
from agent.inference.worker import Load
from agent.replay import Unit
from training import folds
from training.evaluate.judged import Judged, Trigger
from training.recordings import TRAINED_ON, Recording

PROFILE, SENSOR = "pi4-cords-wt901", "wearable"
PROCESSES = 2
_AT_ONCE = 16  # recordings handed to a process at a time


class Judge:
    """Fold files, loaded when first asked for."""

    def __init__(self, folder: Path) -> None:
        profile = load_profile(PROFILE)
        self._profile, self._wearable = profile, profile.wearables[SENSOR]
        self._folder = folder
        index = folds.load(folder, load_card(self._wearable.fall.model))
        self._fold_of = {(who.dataset, who.subject): fold.name for fold in index.folds for who in fold.unseen}
        self._first = index.folds[0].name
        self._loaded: dict[str, tuple[ModelCard, Model]] = {}

    def judge(self, recording: Recording) -> Judged:
        """Return what the unit says; ModelError if every fold file has learnt from this person."""
        unit = Unit(self._profile, SENSOR, self._wearable, budget=False, load=self._loader(self._fold(recording)))
        triggers = tuple(
            Trigger(
                at_s=round(at_s, 3),
                peak_g=told.peak_g,
                verdict=told.assessment.verdict,
                advice=told.assessment.advice,
                score=told.assessment.score,
                evidence=told.assessment.evidence,
                reasons=tuple(reason.en for reason in told.assessment.reasons),
                dropped=told.dropped,
            )
            for at_s, told in unit.assess(recording.times, recording.xyz_g)
        )
        said = [look.fields for look in unit.second_looks()]
        raised = any(look["raises"] for look in said)
        return Judged(recording, triggers, raised, tuple(look["phase"] for look in said))

    def _fold(self, recording: Recording) -> str:
        name = self._fold_of.get((recording.dataset, recording.subject))
        if name is not None:
            return name
        if recording.body_position in TRAINED_ON:
            raise ModelError(
                f"{recording.rec_id}: no fold file in {self._folder} has not seen {recording.subject}; run `make model`"
            )
        return self._first  # a person of whom there is nothing that any model learns from

    def _loader(self, name: str) -> Load:
        if name not in self._loaded:
            card = folds.card_of(self._folder, name)
            self._loaded[name] = card, Model(card, (self._folder / f"{name}.tflite").read_bytes())
        return lambda _: self._loaded[name]


_judges: list[Judge] = []


def _start(folder: Path) -> None:
    _judges.append(Judge(folder))


def _judge(recording: Recording) -> Judged:
    return _judges[0].judge(recording)


def judge(recordings: Sequence[Recording], folder: Path, title: str, processes: int = PROCESSES) -> list[Judged]:
    """Judge all of them, in parallel, with a progress bar; in the order given. ModelError as `folds.load` says."""
    Judge(folder)  # says here what is wrong, not in a process that a pool would start again and again
    with multiprocessing.get_context("spawn").Pool(processes, _start, (folder,)) as pool:
        return list(tqdm(pool.imap(_judge, recordings, _AT_ONCE), desc=title, unit="rec", total=len(recordings)))
