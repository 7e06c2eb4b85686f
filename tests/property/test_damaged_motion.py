"""Motion that was measured badly: a window is `unverified` or right, and nothing breaks.

Rules of this file: the real detector, model and policy. A fall stays a call, and daily life is not confirmed, under:
samples that are no numbers or lost, less than a gap in a row; neighbours that come in the wrong order; clipping at any
full scale from 2 g on; a sensor that sticks at its full scale for 0.1 s or more; a gap that leaves the second on both
sides of the impact whole. A gap that begins sooner after the impact makes a call of whatever it was. Losses that
swallow the impact itself leave nothing to judge: there it is asked only that nothing breaks. Where a sensor
sticks, its own trigger is `unverified`; a later one's window may begin in the midst of it and not know it.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.assessment import Assessed, Verdict
from agent.clock import Now
from agent.effects import Score
from agent.inference import detector
from agent.inference.detector import Wearable
from agent.inference.worker import load_shipped
from agent.profiles import FallPolicy
from agent.readings import Item, MotionBatch, Scored, Tick
from agent.simulator.motions import MOTIONS

Floats = NDArray[np.float64]
FALLS = ("fall-forward", "fall-and-get-up")
DAILY = ("standing", "lying", "walking", "sitting-down-softly", "sitting-down-hard")
CARD, MODEL = load_shipped("fall-waist")


@functools.cache
def motion(name: str, rate_hz: float, seed: int) -> tuple[Floats, Floats, float]:
    """Return times, samples, and the moment of the largest |a|."""
    samples = np.array(MOTIONS[name](rate_hz, seed))
    t, xyz = samples[:, 0] + 100.0, samples[:, 1:]
    return t, xyz, float(t[int((xyz * xyz).sum(axis=1).argmax())])


def verdicts(t: Floats, xyz: Floats) -> list[Verdict]:
    """Return the verdict of each trigger; the budget is not in the way."""
    state, _ = detector.start({"w": Wearable(FallPolicy(), CARD)}, None, Now(0.0, 0.0), id_prefix="", budget=False)
    found: list[Verdict] = []
    waiting: list[tuple[Item, float]] = [
        (MotionBatch("w", t[i : i + 64], xyz[i : i + 64]), 200.0) for i in range(0, len(t), 64)
    ]
    waiting.append((Tick(), 300.0))
    while waiting:
        item, mono = waiting.pop(0)
        state, out = state.step(item, Now(0.0 if isinstance(item, Scored) else mono, 0.0))
        found += [told.assessment.verdict for told in out if isinstance(told, Assessed)]
        scores = [effect for effect in out if isinstance(effect, Score)]
        waiting[:0] = [(Scored(asked.trigger_id, MODEL.score(asked.window), 0.0), mono) for asked in scores]
    return found


@st.composite
def damaged(draw: st.DrawFn, names: tuple[str, ...]) -> tuple[str, Floats, Floats]:
    """Return what was done, times and samples."""
    rate = draw(st.sampled_from([25.0, 50.0, 100.0, 200.0]))
    t, xyz, impact = motion(draw(st.sampled_from(names)), rate, draw(st.integers(0, 5)))
    xyz = xyz.copy()
    at = min(max(impact + draw(st.floats(-2.0, 2.0)), t[0] + 2.0), t[-1] - 2.0)
    what = draw(st.sampled_from(["no numbers", "lost", "wrong order", "clipped", "stuck", "stuck axis", "gap"]))
    if what in ("no numbers", "lost"):
        bad = (t >= at) & (t < at + draw(st.floats(0.0, 0.45))) & (np.abs(t - impact) > 0.12)
        if what == "lost":
            return what, t[~bad], xyz[~bad]
        xyz[bad] = draw(st.sampled_from([np.nan, np.inf, -np.inf]))
    elif what == "wrong order":
        first = np.flatnonzero((np.arange(len(t)) % 8 == 0) & (np.abs(t - impact) > 0.12))[:-1]
        order = np.arange(len(t))
        order[first], order[first + 1] = first + 1, first
        return what, t[order], xyz[order]
    elif what == "clipped":
        limit = draw(st.sampled_from([2.0, 4.0, 8.0]))
        xyz = np.clip(xyz, -limit, limit)
    elif what == "gap":
        length, after = draw(st.floats(0.55, 3.0)), draw(st.booleans())
        start = impact + 1.05 if after else impact - 1.05 - length
        keep = (t < start) | (t >= start + length)
        return what, t[keep], xyz[keep]
    else:
        bad = (t >= at) & (t < at + draw(st.floats(0.1, 1.0)) + 1 / rate)
        full_scale = draw(st.sampled_from([-16.0, 16.0]))
        xyz[np.flatnonzero(bad), 0 if what == "stuck axis" else slice(None)] = full_scale
    return what, t, xyz


@given(damaged(FALLS))
@settings(max_examples=40)
def test_a_fall_that_was_measured_badly_is_a_call(case: tuple[str, Floats, Floats]) -> None:
    _, t, xyz = case
    assert any(verdict.is_call for verdict in verdicts(t, xyz))


@given(damaged(DAILY))
@settings(max_examples=40)
def test_daily_life_that_was_measured_badly_is_not_confirmed(case: tuple[str, Floats, Floats]) -> None:
    what, t, xyz = case
    found = verdicts(t, xyz)
    if what.startswith("stuck"):
        assert found[0] is Verdict.UNVERIFIED
    else:
        assert Verdict.CONFIRMED not in found


@given(
    st.sampled_from((*FALLS, "sitting-down-hard")), st.sampled_from([25.0, 50.0, 200.0]), st.integers(0, 5),
    st.floats(0.05, 0.9), st.floats(0.55, 3.0),
)  # fmt: skip
@settings(max_examples=20)
def test_a_gap_within_a_second_of_the_impact_is_unverified(
    name: str, rate_hz: float, seed: int, after_s: float, length_s: float
) -> None:
    t, xyz, impact = motion(name, rate_hz, seed)
    keep = (t < impact + after_s) | (t >= impact + after_s + length_s)
    assert Verdict.UNVERIFIED in verdicts(t[keep], xyz[keep])


@given(st.sampled_from(FALLS + DAILY), st.integers(0, 5), st.data())
@settings(max_examples=20)
def test_nothing_breaks_whatever_is_lost(name: str, seed: int, data: st.DataObject) -> None:
    t, xyz, impact = motion(name, 50.0, seed)
    keep = np.ones(len(t), dtype=np.bool_)
    for _ in range(data.draw(st.integers(1, 4))):
        start = impact + data.draw(st.floats(-4.0, 4.0))
        keep &= (t < start) | (t >= start + data.draw(st.floats(0.0, 3.0)))
    verdicts(t[keep], xyz[keep])


@pytest.mark.parametrize("name", FALLS + DAILY)
def test_the_motions_themselves_are_judged_right(name: str) -> None:
    for seed in range(6):
        t, xyz, _ = motion(name, 50.0, seed)
        assert any(verdict.is_call for verdict in verdicts(t, xyz)) is (name in FALLS)
