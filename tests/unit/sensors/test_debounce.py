"""Debounce on raw edges: whatever was seen last decides in the end."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from agent.profiles import PullCord
from agent.sensors.debounce import CHATTER_S, Change, ContactState, next_deadline, observe, settle

CORD = PullCord(type="pull_cord", pin=4, contact="normally_closed", stuck_after_s=600)
HELD_S = CORD.debounce_ms / 1000


def after(*seen: tuple[float, bool], until: float) -> list[tuple[Change, float]]:
    """Return the changes after edges (at, pulled) on a cord that was released at second 0."""
    state, _ = observe(ContactState(), CORD, closed=True, at=0.0)
    state, changes = settle(state, CORD, 1.0)
    assert not changes
    found = []
    for at, pulled in seen:
        state, changes = observe(state, CORD, closed=not pulled, at=at)
        found += changes
    while (due := next_deadline(state, CORD)) is not None and due <= until:
        state, changes = settle(state, CORD, due)
        found += changes
    state, changes = settle(state, CORD, until)
    return [(change.change, change.at) for change in (*found, *changes)]


def test_a_pull_begins_at_its_first_edge() -> None:
    assert after((2.0, True), (2.01, False), (2.02, True), until=3.0) == [(Change.PULLED, 2.0)]


def test_a_release_begins_at_the_edge_after_which_it_held() -> None:
    assert after((2.0, True), (4.0, False), (4.01, True), (4.02, False), until=5.0) == [
        (Change.PULLED, 2.0),
        (Change.RELEASED, 4.02),
    ]


def test_edges_that_are_read_late_still_make_the_pull_that_they_were() -> None:
    assert after((2.0, True), (2.2, False), until=2.2) == [(Change.PULLED, 2.0)]


def test_a_stale_level_does_not_undo_an_edge() -> None:
    assert after((2.0, True), (1.999, False), until=3.0) == [(Change.PULLED, 2.0)]


def test_chatter_counts_as_pulled_after_a_second_and_is_released_when_it_settles() -> None:
    chatter = [(2.0 + i * 0.02, i % 2 == 0) for i in range(80)]
    assert after(*chatter, until=10.0) == [(Change.PULLED, 2.0), (Change.RELEASED, chatter[-1][0])]
    assert chatter[-1][0] - 2.0 > CHATTER_S


def test_stuck_and_unstuck() -> None:
    changes = after((2.0, True), (700.0, False), until=800.0)
    assert [change for change, _ in changes] == [Change.PULLED, Change.STUCK, Change.UNSTUCK, Change.RELEASED]


@given(st.lists(st.tuples(st.floats(0.001, 0.5), st.booleans()), max_size=40))
def test_the_last_level_always_wins_and_changes_alternate(steps: list[tuple[float, bool]]) -> None:
    at, seen = 2.0, []
    for wait, pulled in steps:
        at += wait
        seen.append((at, pulled))
    changes = [change for change, _ in after(*seen, until=at + 10.0) if change in (Change.PULLED, Change.RELEASED)]
    expected = Change.PULLED if seen and seen[-1][1] else Change.RELEASED
    assert (changes[-1] if changes else Change.RELEASED) is expected
    assert all(one is not other for one, other in pairwise(changes))
