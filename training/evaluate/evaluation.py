"""All that the report tells of, and how its recordings are grouped.

Rules of this file: no words but the groups' names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent.inference.cards import ModelCard
from training.evaluate.activities import AGES, in_words, source_words
from training.evaluate.counts import Material
from training.evaluate.judged import Judged

Groups = list[tuple[str, list[Judged]]]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What was judged and by what. `wrist` are recordings of a place that the model is not made for."""

    card: ModelCard
    material: Material
    wrist: Material
    reference_g: float
    uncertain_above: float
    budget: int
    lying_still_s: float
    folds: tuple[tuple[str, str], ...]
    """Name and sha256 of each fold file."""


def groups(chosen: list[Judged], key: Callable[[Judged], str]) -> Groups:
    """Return the recordings by key, the keys in order."""
    found: dict[str, list[Judged]] = {}
    for one in chosen:
        found.setdefault(key(one), []).append(one)
    return sorted(found.items())


def by_source(material: Material) -> Groups:
    """Return the recordings by dataset and body position."""
    return [(source_words(source), material.from_source(source)) for source in material.sources]


def by(material: Material, key: Callable[[Judged], str]) -> Groups:
    """Return the recordings by source, and within it by key."""
    return [(f"{words}: {name}", of) for words, chosen in by_source(material) for name, of in groups(chosen, key)]


def activity(judged: Judged) -> str:
    """Return what was done in a recording."""
    return in_words(judged.recording)


def age(judged: Judged) -> str:
    """Return how old its person is."""
    return AGES[judged.recording.age_group]


def subject(judged: Judged) -> str:
    """Return its person's code in the dataset."""
    return judged.recording.subject
