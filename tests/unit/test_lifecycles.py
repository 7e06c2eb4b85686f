"""The pictures in the docs are the tables in the code."""

from __future__ import annotations

import pytest

from agent import lifecycles


def test_the_page_is_up_to_date() -> None:
    if not lifecycles.TARGET.exists():
        pytest.skip("docs/ is not beside an installed package")
    assert lifecycles.TARGET.read_text(encoding="utf-8") == lifecycles.page()


def test_every_transition_is_drawn() -> None:
    assert lifecycles.page().count(" --> ") >= 30
    assert "pre_alarm --> cancelled: reset_pressed" in lifecycles.page()
