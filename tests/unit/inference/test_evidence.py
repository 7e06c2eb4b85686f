"""What is measured in a window, by levels: each number on both sides of the one that makes it."""

from __future__ import annotations

import numpy as np
import pytest

from agent.contract_readme import EVIDENCE
from agent.inference.evidence import FREE_FALL_G, STILL_G, evidence
from agent.inference.layout import AFTER, BEFORE, LENGTH
from tests.unit.inference.motions import LYING, STANDING, Floats


def window(before_g: float = 1.0, at_the_end: float = 0.0) -> Floats:
    """Return a fall: ten samples of `before_g`, a blow, then lying; `at_the_end` is added to sample 150 alone."""
    xyz = np.concatenate((np.tile(STANDING, (BEFORE, 1)), np.tile(LYING, (AFTER, 1))))
    xyz[BEFORE - 11 : BEFORE - 1] *= before_g
    xyz[BEFORE] *= 4.0
    xyz[150] *= 1.0 + at_the_end
    return xyz


def measured(xyz: Floats, before: int = BEFORE, after: int = AFTER - 1) -> dict[str, float]:
    return evidence(xyz, 4.0, before, after)


@pytest.mark.parametrize(("before_g", "free_fall_ms"), [(0.599, 200.0), (0.601, 0.0)])
def test_free_fall_is_time_under_0_6_g(before_g: float, free_fall_ms: float) -> None:
    assert measured(window(before_g))["free_fall_ms"] == free_fall_ms
    assert f"{FREE_FALL_G:g} g" in EVIDENCE["free_fall_ms"]


@pytest.mark.parametrize(("moved_g", "still_s"), [(0.119, 2.48), (0.121, 0.98)])
def test_still_is_the_time_at_the_end_within_0_12_g(moved_g: float, still_s: float) -> None:
    assert measured(window(at_the_end=moved_g))["still_s"] == pytest.approx(still_s)
    assert f"{STILL_G:g} g" in EVIDENCE["still_s"]


@pytest.mark.parametrize("other_g", [0.5, 1.5])
def test_what_is_still_is_what_most_of_the_last_half_second_measured(other_g: float) -> None:
    xyz = window()
    xyz[-25:-13] *= other_g
    assert measured(xyz)["still_s"] == pytest.approx(0.26)


def test_moving_is_the_scatter_from_a_second_after_the_impact_on() -> None:
    assert measured(window())["moving_g"] == 0.0
    assert measured(window(at_the_end=1.0))["moving_g"] == round(float(np.std([1.0] * 74 + [2.0])), 3)
    shaken = window()
    shaken[BEFORE + 49] *= 3.0
    assert measured(shaken)["moving_g"] == 0.0


def test_posture_is_the_angle_between_gravity_before_and_after() -> None:
    assert measured(window())["posture_deg"] == 90.0
    assert measured(np.tile(STANDING, (LENGTH, 1)))["posture_deg"] == 0.0


def test_what_was_not_measured_is_not_there() -> None:
    assert set(measured(window(), after=50 + 23)) == {"peak_g", "free_fall_ms"}
    assert set(measured(window(), after=50 + 24)) == {"peak_g", "free_fall_ms", "moving_g", "still_s", "posture_deg"}
    assert set(measured(window(), before=24)) == {"peak_g", "free_fall_ms", "moving_g", "still_s"}
    assert measured(window(0.2), before=5)["free_fall_ms"] == 80.0
