"""What a person reads is what was measured: the words are read back and held against the evidence, in both languages.

The oracle of this file is a table of its own: what must be true of the evidence for each sentence, and which number of
it stands in the words. It knows nothing of how `agent/inference/reasons.py` chooses them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assessment import Verdict
from agent.inference.policy import Unasked
from agent.inference.reasons import reasons
from agent.texts import Text

Evidence = Mapping[str, float]


@dataclass(frozen=True)
class Sentence:
    """One sentence in both languages; `{}` is `key` of the evidence, rounded down to `step`."""

    en: str
    da: str
    holds: Callable[[Evidence], bool]
    key: str = ""
    step: float = 1.0
    speaks: str = ""
    """`for` a fall or `against` one; empty where it does neither."""


def moved_on(e: Evidence) -> bool:
    return e.get("moving_g", 0) >= 0.15 and e.get("still_s", 9) < 0.5


def turned(e: Evidence) -> bool:
    return e.get("posture_deg", 0) >= 50


def still(e: Evidence) -> bool:
    return e.get("still_s", 0) >= 1.0


SENTENCES = (
    Sentence("impact {} g", "stød {} g", lambda _: True, "peak_g", 0.1),
    Sentence("free fall {} ms", "frit fald {} ms", lambda e: e["free_fall_ms"] >= 100, "free_fall_ms", speaks="for"),
    Sentence("posture changed {} degrees", "kropsstilling ændret {} grader", turned, "posture_deg", speaks="for"),
    Sentence("lying still {} s", "ligger stille {} s", lambda e: still(e) and turned(e), "still_s", 0.1, speaks="for"),
    Sentence(
        "still {} s after the impact",
        "i ro {} s efter stødet",
        lambda e: still(e) and not turned(e),
        "still_s",
        0.1,
        speaks="for",
    ),
    Sentence("no free fall", "intet frit fald", lambda e: e["free_fall_ms"] < 60, speaks="against"),
    Sentence("posture unchanged", "kropsstilling uændret", lambda e: e.get("posture_deg", 99) <= 25, speaks="against"),
    Sentence("moved on after the impact", "bevægede sig videre efter stødet", moved_on, speaks="against"),
)
CONFIRMED_WITHOUT_A_REASON = Text(
    "modellen bekræfter et fald, men ud over stødet er der intet tegn, der forklarer det",
    "the model confirms a fall, but beside the impact no sign explains it",
)


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Evidence as a window gives it: less of it where less was measured."""
    found = {
        "peak_g": round(draw(st.floats(1.6, 16)), 3),
        "free_fall_ms": 20.0 * draw(st.integers(0, 40)),
    }
    if draw(st.booleans()):
        found["moving_g"] = round(draw(st.floats(0, 1)), 3)
        found["still_s"] = draw(st.integers(0, 125)) / 50
        if draw(st.booleans()):
            found["posture_deg"] = round(draw(st.floats(0, 180)), 1)
    return found


def read(words: str, language: str) -> tuple[Sentence, float | None] | None:
    """Return the sentence that a person reads, and its number."""
    for sentence in SENTENCES:
        pattern = re.escape(getattr(sentence, language)).replace(r"\{\}", r"([\d.,]+)")
        match = re.fullmatch(pattern, words)
        if match:
            number = match[1].replace(",", ".") if match.groups() else None
            return sentence, None if number is None else float(number)
    return None


@given(evidences(), st.sampled_from(Verdict), st.sampled_from(Unasked), st.booleans())
@settings(max_examples=300, deadline=None)
def test_reasons_are_the_evidence_in_words(evidence: Evidence, verdict: Verdict, cause: Unasked, near: bool) -> None:  # noqa: FBT001 - drawn
    unasked = cause if verdict is Verdict.UNVERIFIED else None
    told = [reason.text() for reason in reasons(verdict, evidence, unasked, near=near)]
    said = {sentence.en: number for sentence, number in filter(None, (read(text.en, "en") for text in told))}
    for text in told:
        assert read(text.da, "da") == read(text.en, "en"), "both languages say the same"
    assert len({text.en for text in told}) == len(told), "nothing is said twice"
    for sentence in SENTENCES:
        if sentence.en in said:
            assert sentence.holds(evidence), f"said without evidence: {sentence.en}"
            number = said[sentence.en]
            if number is not None:
                assert evidence[sentence.key] - sentence.step < number <= evidence[sentence.key] + 1e-9
        elif sentence.holds(evidence):
            assert verdict.is_call, f"not said: {sentence.en}"
            assert sentence.speaks == "against", f"not said: {sentence.en}"
    assert ("moved on after the impact" in said) == moved_on(evidence), "it is why the advice is to phone first"
    stated = any(sentence.en in said for sentence in SENTENCES if sentence.speaks == "for")
    assert (CONFIRMED_WITHOUT_A_REASON in told) == (verdict is Verdict.CONFIRMED and not stated)


@given(evidences(), st.sampled_from(Unasked))
def test_what_kept_the_model_from_being_asked_comes_first(evidence: Evidence, cause: Unasked) -> None:
    first, second = reasons(Verdict.UNVERIFIED, evidence, cause)[:2]
    assert first.code is cause
    assert second.text().en == f"impact {math.floor(evidence['peak_g'] * 10 + 1e-9) / 10:g} g"
