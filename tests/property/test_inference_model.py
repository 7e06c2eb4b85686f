"""The shipped model on clear cases: another sensor, mounting or rate changes no verdict."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.inference import stream
from agent.inference.cards import load_card
from agent.inference.channels import channels
from agent.inference.stream import MotionStream, Ready
from agent.inference.worker import load_shipped
from tests.unit.inference.motions import Floats, fall, jolts, times

CARD = load_card("fall-waist")
_, MODEL = load_shipped("fall-waist")


def calls(t: Floats, xyz: Floats) -> list[bool]:
    state, events = stream.push(MotionStream(), t, xyz)
    events += stream.finish(state)[1]
    windows = [event.xyz for event in events if isinstance(event, Ready) and not event.damaged]
    return [MODEL.score(channels(window)) >= CARD.threshold for window in windows]


@st.composite
def sensors(draw: st.DrawFn) -> tuple[float, np.random.Generator, float, float]:
    """Rate, randomness for mounting, offset and noise, gain, and the smallest step in g."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    return (
        draw(st.sampled_from([25.0, 50.0, 100.0, 200.0])),
        rng,
        draw(st.floats(0.95, 1.05)),
        draw(st.sampled_from([0.001, 1 / 16])),
    )


def measured(xyz: Floats, rng: np.random.Generator, gain: float, step: float) -> Floats:
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    offset, noise = rng.normal(0, 0.02, 3), rng.normal(0, 0.01, xyz.shape)
    return np.round((xyz @ turn * gain + offset + noise) / step) * step


@given(sensors(), st.floats(3.5, 8.0))
@settings(max_examples=40, deadline=None)
def test_a_clear_fall_is_a_call_whatever_measures_it(
    sensor: tuple[float, np.random.Generator, float, float], peak_g: float
) -> None:
    rate, rng, gain, step = sensor
    t = times(12, rate)
    assert any(calls(t, measured(fall(t, 1006.0, peak_g), rng, gain, step)))


@given(sensors(), st.floats(0.5, 1.2))
@settings(max_examples=40, deadline=None)
def test_steady_walking_is_none(sensor: tuple[float, np.random.Generator, float, float], every_s: float) -> None:
    rate, rng, gain, step = sensor
    t = times(15, rate)
    assert not any(calls(t, measured(jolts(t, every_s, 2.2), rng, gain, step)))
