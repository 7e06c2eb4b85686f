"""Intervals that know that one person's recordings are alike: against published numbers, and against chance itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.evaluate.intervals import clustered, correlation, design_effect, rate, wilson

CLUSTERS = st.lists(
    st.integers(1, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=20
)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombes_published_limits(hits: int, count: int, low: float, high: float) -> None:
    # R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3
    found = wilson(hits, count)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_of_nothing_counted_everything_is_possible() -> None:
    assert (wilson(0, 0).low, wilson(0, 0).high) == (0.0, 1.0)
    assert rate([]).high == float("inf")


def test_people_who_are_all_or_nothing_count_once_each() -> None:
    clusters = [(10, 10)] * 6 + [(0, 10)] * 2
    assert correlation(clusters) == pytest.approx(1.0)
    assert design_effect(clusters, 1.0) == pytest.approx(10.0)
    assert clustered(clusters) == wilson(6, 8)


def test_correlation_as_computed_by_hand() -> None:
    # 3 of 4, 1 of 4, 4 of 4: mean squares 7/12 between and 1/6 within (2 and 9 degrees of freedom), clusters of 4
    between, within = 7 / 12, 1 / 6
    assert correlation([(3, 4), (1, 4), (4, 4)]) == pytest.approx((between - within) / (between + 3 * within))


def test_correlation_with_clusters_of_different_size_as_computed_by_hand() -> None:
    # 2 of 2, 1 of 4: share 1/2; between (2 * 1/4 + 4 * 1/16) / 1 = 3/4; within (0 + 3/4) / 4; m0 = (6 - 20/6) / 1
    between, within, size = 3 / 4, 3 / 16, 8 / 3
    assert correlation([(2, 2), (1, 4)]) == pytest.approx((between - within) / (between + (size - 1) * within))
    assert design_effect([(2, 2), (1, 4)], 0.5) == pytest.approx(1 + (20 / 6 - 1) * 0.5)


@pytest.mark.parametrize("clusters", [[(3, 9)], [(1, 1), (0, 1)], [(5, 5), (7, 7)], []])
def test_where_correlation_cannot_be_told_the_least_one_holds(clusters: list[tuple[int, int]]) -> None:
    assert correlation(clusters) is None
    hits, count = sum(h for h, _ in clusters), sum(n for _, n in clusters)
    assert clustered(clusters) == wilson(hits, count)
    effect = design_effect(clusters, 0.3)
    assert clustered(clusters, 0.3) == wilson(hits / effect, count / effect)


def test_people_who_do_not_differ_leave_the_plain_interval() -> None:
    assert correlation([(5, 10)] * 8) == 0.0
    assert clustered([(5, 10)] * 8) == wilson(40, 80)


@given(CLUSTERS, st.floats(0, 1))
@settings(max_examples=60)
def test_no_interval_is_narrower_than_the_plain_one_or_leaves_0_to_1(
    clusters: list[tuple[int, int]], least: float
) -> None:
    hits, count = sum(h for h, _ in clusters), sum(n for _, n in clusters)
    plain, found = wilson(hits, count), clustered(clusters, least)
    assert 0 <= found.low <= hits / count + 1e-12
    assert hits / count - 1e-12 <= found.high <= 1
    assert found.high - found.low >= plain.high - plain.low - 1e-12


def test_it_covers_the_truth_where_the_plain_interval_does_not() -> None:
    rng = np.random.default_rng(11)
    covered = {"plain": 0, "clustered": 0}
    for _ in range(400):  # 20 people with 25 recordings each; how well each is recognised varies from person to person
        clusters = [(int(rng.binomial(25, p)), 25) for p in rng.beta(9, 1, 20)]  # mean 0.9, rho 1/11
        intervals = {"plain": wilson(sum(h for h, _ in clusters), 500), "clustered": clustered(clusters)}
        for name, found in intervals.items():
            covered[name] += found.low <= 0.9 <= found.high
    assert covered["plain"] / 400 < 0.8
    assert covered["clustered"] / 400 > 0.9


@pytest.mark.parametrize(("events", "low", "high"), [(1, 0.0253, 5.572), (10, 4.795, 18.39), (50, 37.11, 65.92)])
def test_rates_follow_the_exact_poisson_limits(events: int, low: float, high: float) -> None:
    found = rate([(events, 2.0)])
    assert found.low * 2 == pytest.approx(low, rel=0.02, abs=0.02)
    assert found.high * 2 == pytest.approx(high, rel=0.01)


def test_a_rate_of_nothing_has_an_upper_limit() -> None:
    found = rate([(0, 1.0), (0, 1.0)])
    assert found.low == 0.0
    assert found.high == pytest.approx(3.689 / 2, rel=0.01)


def test_events_of_one_person_alone_widen_the_rate() -> None:
    spread = rate([(2, 1.0)] * 10)
    alone = rate([(20, 1.0)] + [(0, 1.0)] * 9)
    assert alone.low < spread.low < 2 < spread.high < alone.high
