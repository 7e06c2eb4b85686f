"""The report in the repository is of the model that is shipped: who changes the model makes the report again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agent.inference.cards import load_card

MODEL_DOCS = Path(__file__).parents[3] / "docs" / "model"
REPORT = MODEL_DOCS / "report.md"
AGAIN = "run `make evaluate`, and commit docs/model/report.md with its figures"


@pytest.fixture(scope="module")
def text() -> str:
    if not REPORT.exists():
        pytest.skip("no docs/model/report.md yet: `make evaluate` writes it")
    return " ".join(REPORT.read_text(encoding="utf-8").split())


def test_it_is_of_the_shipped_model(text: str) -> None:
    card = load_card("fall-waist")
    assert f"Model `{card.label}`, sha256 `{card.sha256}`, threshold {card.threshold:g}." in text, AGAIN
    assert f"with the frozen threshold {card.threshold:g}." in text, AGAIN


def test_every_figure_it_shows_is_committed_and_no_trace_is(text: str) -> None:
    figures = re.findall(r"\]\((figures/[^)]+)\)", text)
    assert len(figures) == 5
    assert all((MODEL_DOCS / figure).exists() for figure in figures)
    assert "/docs/model/traces/" in (MODEL_DOCS.parents[1] / ".gitignore").read_text().splitlines()
