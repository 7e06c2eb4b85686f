"""A pull is thought through while its debounce runs: the same decision before its time, void if a hand moves."""

from __future__ import annotations

import pytest

from agent import core
from agent.clock import Now
from agent.core_state import CoreState
from agent.effects import Publish
from agent.readings import Edge, Tick
from tests.home_bench import HomeBench

CORD = "bathroom-cord"
DEBOUNCE_S = 0.05


@pytest.fixture
def settled() -> HomeBench:
    home = HomeBench()
    home.advance(2)
    return home


def edge(home: HomeBench, *, pulled: bool, after_s: float = 0.0) -> tuple[CoreState, Now]:
    now = home.clock.now()
    at = Now(now.mono + after_s, now.wall + after_s, now.synced)
    state, _ = core.step(home.state, Edge(CORD, closed=not pulled, at=at.mono), at)
    return state, at


def test_a_settled_home_has_nothing_to_think_about(settled: HomeBench) -> None:
    assert core.hands_ahead(settled.state, settled.clock.now()) is None


def test_it_is_the_decision_that_the_step_would_make(settled: HomeBench) -> None:
    state, now = edge(settled, pulled=True)
    ahead = core.hands_ahead(state, now)
    assert ahead is not None
    assert ahead.at == pytest.approx(now.mono + DEBOUNCE_S)
    then = Now(ahead.at, now.wall + ahead.at - now.mono, now.synced)
    at_the_time, effects = core.step(state, Tick(), then)
    thought, rest = core.step(ahead.state, Tick(), then)
    assert thought == at_the_time
    assert [*ahead.effects, *rest] == list(effects)
    assert any(isinstance(effect, Publish) for effect in ahead.effects)


def test_a_bounce_begins_it_anew(settled: HomeBench) -> None:
    settled.state, now = edge(settled, pulled=True)
    first = core.hands_ahead(settled.state, now)
    settled.state, now = edge(settled, pulled=False, after_s=0.02)
    settled.state, now = edge(settled, pulled=True, after_s=0.03)
    second = core.hands_ahead(settled.state, now)
    assert first is not None
    assert second is not None
    assert second.at == pytest.approx(first.at + 0.03)
