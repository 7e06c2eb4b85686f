"""The bookkeeping of the fault trials counts what it says it counts: a trial that can't fail proves nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.effects import Light
from tests.trials.ledger import Ledger, Pull, lies, percentile
from tests.trials.registry import TRIALS
from tests.trials.table import PAGE, read_rows, table, with_table


def test_a_promised_pull_that_never_came_is_lost() -> None:
    pull = Pull(at=10.0, promised_at=10.1, cut_at=10.2)
    assert pull.lost
    assert not pull.beaten


def test_a_pull_that_never_came_is_lost_if_nothing_was_cut() -> None:
    assert Pull(at=10.0).lost


def test_a_pull_that_was_cut_before_the_promise_is_beaten_and_not_lost() -> None:
    pull = Pull(at=10.0, cut_at=10.02)
    assert (pull.lost, pull.beaten) == (False, True)
    pull.arrived_at = 11.0
    assert not pull.beaten


def test_the_delay_runs_from_the_later_of_pull_and_path() -> None:
    assert Pull(at=10.0, arrived_at=10.5).delay_s == 0.5
    assert Pull(at=10.0, path_at=70.0, arrived_at=71.0).delay_s == 1.0
    assert Pull(at=10.0, path_at=9.0, arrived_at=10.25).delay_s == 0.25
    assert Pull(at=10.0).delay_s is None


def test_a_row_sums_up() -> None:
    ledger = Ledger(times=3, false_calls=1)
    ledger.pulls = [Pull(1.0, arrived_at=2.0), Pull(5.0, promised_at=5.1), Pull(9.0, cut_at=9.25)]
    row = ledger.row("kill", "kill -9", "command")
    assert (row.pulls, row.lost, row.beaten, row.beaten_s) == (3, 1, 1, 0.25)
    assert (row.median_s, row.p99_s, row.longest_s, row.armed_s) == (1.0, 1.0, 1.0, None)
    assert not row.clean
    assert not Ledger(lies=["a lie"]).row("kill", "", "").clean
    assert Ledger(unverified=1).row("kill", "", "").clean


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([], 0.99) is None
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([3, 1, 2], 0.5) == 2


@pytest.mark.parametrize(
    ("lights", "said", "count"),
    [
        ([(1, Light.SENDING), (2, Light.RECEIVED)], [(1.9, Light.RECEIVED)], 0),
        ([(1, Light.SENDING), (2, Light.RECEIVED)], [], 1),
        ([(1, Light.SENDING), (2, Light.COMING)], [(1.9, Light.RECEIVED)], 1),
        ([(1, Light.SENDING), (2, Light.READY)], [(1.9, Light.COMING)], 1),
        ([(1, Light.SENDING), (2, Light.READY)], [(1.9, Light.READY)], 0),
        ([(0, Light.READY), (1, Light.LINE_DOWN), (2, Light.READY)], [], 0),
        ([(1, Light.SENDING), (2, Light.RECEIVED)], [(2.05, Light.RECEIVED)], 0),
    ],
)
def test_a_light_may_say_no_more_than_the_centre(
    lights: list[tuple[float, Light]], said: list[tuple[float, Light]], count: int
) -> None:
    assert len(lies(lights, said, slack_s=0.1)) == count


def test_a_trial_that_was_not_run_shows_as_such() -> None:
    assert table({}).count("**not run**") == len(TRIALS)


@pytest.mark.skipif(not PAGE.exists(), reason="docs/reliability.md is not part of this tree")
def test_the_page_shows_the_rows_as_they_were_kept() -> None:
    page = Path(PAGE).read_text()
    assert page == with_table(page, read_rows()), "run `python -m tests.trials table --write`"
