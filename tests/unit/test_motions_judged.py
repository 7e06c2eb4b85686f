"""The shipped model judges the generator's motions as the demo needs it, on the whole way from bytes to assessment."""

from __future__ import annotations

import random

import pytest

from agent.assessment import Assessed, Verdict
from agent.clock import Now
from agent.effects import Effect, Score
from agent.inference import detector
from agent.inference.cards import load_card, load_file
from agent.inference.runner import Model
from agent.inference.start import judged_by
from agent.profiles import Wt901
from agent.readings import Item, MotionBatch, Scored, Tick
from agent.recordings import Sample
from agent.sensors.sample_clock import SampleClock
from agent.sensors.wt901 import Acceleration, FrameId, Wt901Framer, encode_acceleration, encode_words
from agent.simulator.motions import MOTIONS

OPENED = 1000.0
READ_S = 0.05
SEEDS = range(5)
WEARABLE = Wt901(type="wt901", port="/dev/unused", rate_hz=100, body_position="waist")


@pytest.fixture(scope="module")
def model() -> Model:
    card = load_card(WEARABLE.fall.model)
    return Model(card, load_file(card))


def reads_of(samples: list[Sample], rate_hz: float) -> list[MotionBatch]:
    """Send `samples` as the device does, and return what the driver makes of them: bursts, late reads and all."""
    rng = random.Random(3)  # noqa: S311 - because jitter is no secret
    framer = Wt901Framer()
    clock = SampleClock.opened(rate_hz, OPENED)
    waiting = [
        (
            OPENED + t + 0.02,
            encode_acceleration(x, y, z)
            + encode_words(FrameId.ANGULAR_RATE, 1, 2, 3, 0)
            + encode_words(FrameId.ANGLE, 4, 5, 6, 0),
        )
        for t, x, y, z in samples
    ]
    batches = []
    read_at = OPENED
    while waiting:
        read_at += READ_S + rng.uniform(0, 0.01)
        arrived = sum(at <= read_at for at, _ in waiting[:40])
        frames = framer.feed(b"".join(frame for _, frame in waiting[:arrived]))
        del waiting[:arrived]
        xyz = tuple((f.x, f.y, f.z) for f in frames if isinstance(f, Acceleration))
        stamped, clock = clock.stamp(read_at, len(xyz))
        assert stamped.lost_samples == 0
        batches.append(MotionBatch("wearable", stamped.times, xyz))
    return batches


def assessed(model: Model, batches: list[MotionBatch]) -> list[Assessed]:
    """Return the assessments of all triggers in `batches`, with a model that answers at once."""
    found: list[Assessed] = []
    start = Now(OPENED, 0)
    detection, _ = detector.start({"wearable": judged_by(WEARABLE)}, None, start, id_prefix="test.")
    end = Now(batches[-1].times[-1] + 1, 0)
    steps: list[tuple[Item, Now]] = [(batch, Now(batch.times[-1], 0)) for batch in batches if batch.times]
    for item, now in [*steps, (Tick(), end)]:
        detection, out = detection.step(item, now)
        waiting: list[object | Effect] = list(out)
        while waiting:
            following = waiting.pop(0)
            if isinstance(following, Score):
                scored = Scored(following.trigger_id, model.score(following.window), 0.01)
                detection, more = detection.step(scored, now)
                waiting += more
            elif isinstance(following, Assessed):
                found.append(following)
    return found


@pytest.mark.parametrize("rate_hz", [50, 100])
def test_a_hard_sit_down_is_over_the_reference_and_a_false_alarm(model: Model, rate_hz: float) -> None:
    for seed in SEEDS:
        found = assessed(model, reads_of(MOTIONS["sitting-down-hard"](rate_hz, seed), rate_hz))
        assert [a.assessment.verdict for a in found] == [Verdict.FALSE_ALARM], seed
        assert found[0].over_reference, seed
        assert found[0].audited, seed


@pytest.mark.parametrize("rate_hz", [50, 100])
def test_a_fall_is_confirmed_once(model: Model, rate_hz: float) -> None:
    for seed in SEEDS:
        found = assessed(model, reads_of(MOTIONS["fall-forward"](rate_hz, seed), rate_hz))
        assert [a.assessment.verdict for a in found] == [Verdict.CONFIRMED], seed


@pytest.mark.parametrize("name", ["standing", "lying", "walking", "sitting-down-softly"])
def test_quiet_motions_are_no_trigger(model: Model, name: str) -> None:
    for seed in SEEDS:
        assert assessed(model, reads_of(MOTIONS[name](100, seed), 100)) == [], seed


def test_jogging_triggers_and_calls_nobody(model: Model) -> None:
    for seed in SEEDS:
        found = assessed(model, reads_of(MOTIONS["jogging"](100, seed), 100))
        assert found, seed
        assert not [a for a in found if a.assessment.verdict.is_call], seed
