"""However motion is cut into batches, turned, or damaged, the pipeline gives the same, or something sane."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from agent.inference import stream
from agent.inference.channels import channels
from agent.inference.evidence import evidence
from agent.inference.stream import Began, Found, MotionStream, Ready
from agent.inference.trigger import SOFT, TRIGGER_G

Floats = NDArray[np.float64]


@st.composite
def motions(draw: st.DrawFn) -> tuple[Floats, Floats]:
    """Up to 20 s of noise, jolts, jitter, holes and gaps, at any rate."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    rate = draw(st.floats(18.0, 200.0))
    count = draw(st.integers(0, 1500))
    jitter = draw(st.sampled_from([0.0, 0.1, 0.6]))
    steps = (1 + jitter * rng.uniform(-1, 1, count)) / rate
    holes = rng.random(count) < draw(st.sampled_from([0.0, 0.005]))
    t = draw(st.sampled_from([0.0, 86_400.0, 1e7])) + np.cumsum(steps + holes * rng.uniform(0, 1.5, count))
    xyz = rng.normal(0, 0.1, (count, 3)) + rng.normal(0, 1, 3)
    jolts = rng.random(count) < 0.02
    xyz[jolts] += rng.normal(0, 2, (int(jolts.sum()), 3))
    return t, xyz


def run(t: Floats, xyz: Floats, cuts: list[int]) -> list[tuple[object, ...]]:
    state, events = MotionStream(), list[Found]()
    for start, stop in pairwise([0, *sorted(cuts), len(t)]):
        state, news = stream.push(state, t[start:stop], xyz[start:stop])
        events += news
    events += stream.finish(state)[1]
    return [_plain(event) for event in events]


def _plain(event: Found) -> tuple[object, ...]:
    fields = {name: getattr(event, name) for name in event.__dataclass_fields__}
    return tuple(value.tobytes() if isinstance(value, np.ndarray) else value for value in fields.values())


@given(motions(), st.data())
@settings(max_examples=60, deadline=None)
def test_chunking_changes_not_one_bit(motion: tuple[Floats, Floats], data: st.DataObject) -> None:
    t, xyz = motion
    cuts = data.draw(st.lists(st.integers(0, len(t)), max_size=30))
    assert run(t, xyz, cuts) == run(t, xyz, [])


@given(motions())
@settings(max_examples=8, deadline=None)
def test_sample_by_sample_changes_not_one_bit(motion: tuple[Floats, Floats]) -> None:
    t, xyz = motion[0][:400], motion[1][:400]
    assert run(t, xyz, list(range(1, len(t)))) == run(t, xyz, [])


@given(motions(), st.integers(0, 2**32), st.data())
@settings(max_examples=40, deadline=None)
def test_samples_that_come_too_late_or_twice_change_not_one_bit(
    motion: tuple[Floats, Floats], seed: int, data: st.DataObject
) -> None:
    t, xyz = motion
    rng = np.random.default_rng(seed)
    behind = np.flatnonzero(rng.random(len(t)) < 0.05)
    stamps = t[np.maximum(behind - rng.integers(0, 5, len(behind)), 0)]
    late_t = np.insert(t, behind + 1, stamps)
    late_xyz = np.insert(xyz, behind + 1, rng.normal(0, 3, (len(behind), 3)), axis=0)
    cuts = data.draw(st.lists(st.integers(0, len(late_t)), max_size=10))
    assert run(late_t, late_xyz, cuts) == run(t, xyz, [])


@given(motions(), st.floats(0.0, 1e7))
@settings(max_examples=40, deadline=None)
def test_how_long_the_machine_has_run_changes_not_one_bit(motion: tuple[Floats, Floats], uptime_s: float) -> None:
    t, xyz = np.round(motion[0] - motion[0][:1], 6), motion[1]
    since_start = [event for event in run(t, xyz, []) if len(event) == _READY]
    later = [event for event in run(t + round(uptime_s, 3), xyz, []) if len(event) == _READY]
    assert [_without_times(event) for event in later] == [_without_times(event) for event in since_start]


_READY = len(Ready.__dataclass_fields__)


def _without_times(event: tuple[object, ...]) -> list[object]:
    return [value for name, value in zip(Ready.__dataclass_fields__, event, strict=True) if not name.endswith("_at")]


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_how_the_sensor_hangs_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    window = rng.normal(0, 0.5, (200, 3)) + rng.normal(0, 1, 3)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    np.testing.assert_allclose(channels(window @ turn), channels(window), atol=1e-5)


@given(motions(), st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_any_garbage_gives_windows_of_numbers_or_none(motion: tuple[Floats, Floats], seed: int) -> None:
    t, xyz = motion
    rng = np.random.default_rng(seed)
    bad = rng.random(len(t)) < 0.1
    xyz[bad] = rng.choice([np.nan, np.inf, -np.inf, 1e300, 999.0, 0.0], (int(bad.sum()), 3))
    t[rng.random(len(t)) < 0.02] = rng.choice([np.nan, np.inf, 0.0, -5.0])
    state, events = stream.push(MotionStream(), t, xyz)
    events += stream.finish(state)[1]
    for event in events:
        if isinstance(event, Ready):
            assert np.isfinite(channels(event.xyz)).all()
            assert event.peak_g >= (SOFT.level_g if _turned_deg(event) >= SOFT.turned_deg else TRIGGER_G)


def _turned_deg(event: Ready) -> float:
    return evidence(event.xyz, event.peak_g, event.before, event.after).get("posture_deg", 0.0)


@given(motions())
@settings(max_examples=40, deadline=None)
def test_every_trigger_gets_exactly_one_window_after_it_began(motion: tuple[Floats, Floats]) -> None:
    state, events = stream.push(MotionStream(), *motion)
    events += stream.finish(state)[1]
    began = [e.number for e in events if isinstance(e, Began)]
    ready = [e.number for e in events if isinstance(e, Ready)]
    assert sorted(set(began)) == sorted(ready) == list(range(1, len(ready) + 1))
    for event in events:
        if isinstance(event, Ready):
            assert event.crossing_at <= event.impact_at <= event.crossing_at + 1.0 + 1e-6
