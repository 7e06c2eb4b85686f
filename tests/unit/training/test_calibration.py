"""Calibration and the curve of thresholds, against what can be counted by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from agent.assessment import Verdict
from tests.unit.training.made_up import daily, fall, home
from training.evaluate.calibration import asked, calibration
from training.evaluate.counts import Material
from training.evaluate.curve import of_a_plain_sensor, of_the_model

PERSON = ("made", "P1")


def test_a_score_that_is_a_probability_has_no_error() -> None:
    found = calibration([(0.75, number < 3, PERSON) for number in range(4)])
    assert (found.count, found.falls, len(found.bins)) == (4, 3, 1)
    assert found.errors.ece == pytest.approx(0.0)
    assert found.errors.brier == pytest.approx((3 * 0.25**2 + 0.75**2) / 4)
    assert found.errors.guess == pytest.approx(0.75 * 0.25)


def test_a_score_that_is_too_sure_has_the_error_of_its_bins_by_weight() -> None:
    found = calibration([(0.95, False, PERSON), (1.0, True, PERSON), (0.05, False, PERSON), (0.05, False, PERSON)])
    assert [(b.low, b.falls.hits, b.falls.count) for b in found.bins] == [(0.0, 0, 2), (0.9, 1, 2)]
    assert found.errors.ece == pytest.approx(0.5 * 0.05 + 0.5 * 0.475)


def test_falls_are_weighted_to_be_half_of_all() -> None:
    # one fall beside three others, all at 0.5: of these a quarter are falls; weighted 3 to 1, half
    found = calibration([(0.5, number == 0, PERSON) for number in range(4)])
    assert (found.bins[0].falls.share, found.bins[0].even) == (0.25, pytest.approx(0.5))
    assert (found.errors.ece, found.even.ece) == (pytest.approx(0.25), pytest.approx(0.0))
    assert found.even.brier == pytest.approx(0.25) == found.even.guess
    assert found.bins[0].even_interval.low < 0.5 < found.bins[0].even_interval.high


def test_weighting_changes_nothing_where_falls_are_half_of_all() -> None:
    found = calibration([(0.2, False, PERSON), (0.8, False, PERSON), (0.85, True, PERSON), (0.9, True, PERSON)])
    assert (found.errors.ece, found.errors.brier) == (pytest.approx(found.even.ece), pytest.approx(found.even.brier))
    for one in found.bins:
        assert (one.mean, one.falls.share) == (pytest.approx(one.even_mean), pytest.approx(one.even))


def test_of_a_fall_only_its_own_trigger_is_asked_about_and_none_without_score() -> None:
    assert [
        (score, is_fall) for score, is_fall, _ in asked([fall(0.9, 0.2), fall(None), fall(), daily(0.1, None, 0.3)])
    ] == [
        (0.9, True),
        (0.1, False),
        (0.3, False),
    ]


def test_a_higher_threshold_never_calls_more() -> None:
    material = Material.of(home())
    for curve in (of_the_model, of_a_plain_sensor):
        points = curve(material, home())
        assert len(points) > 3
        for lower, higher in pairwise(points):
            assert lower.threshold < higher.threshold
            assert lower.sensitivity.hits >= higher.sensitivity.hits
            assert lower.false_calls.events >= higher.false_calls.events


def test_the_lowest_threshold_calls_at_every_trigger() -> None:
    material = Material.of([fall(0.2), fall(number=2), daily(0.3, 0.2), daily(None)])
    lowest = of_the_model(material, material.judged)[0]
    assert (lowest.sensitivity.hits, lowest.sensitivity.count, lowest.false_calls.events) == (1, 2, 2)


def test_a_sensor_that_fell_alone_calls_with_no_threshold() -> None:
    alone = daily(0.9)
    alone = replace(alone, triggers=(replace(alone.triggers[0], dropped=True, verdict=Verdict.FALSE_ALARM),))
    judged = [fall(0.2), daily(0.9, number=2), alone]
    assert [point.false_calls.events for point in of_the_model(Material.of(judged), judged)] == [1, 1]
