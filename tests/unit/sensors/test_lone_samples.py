"""What a bad line invents is taken out, and nothing else: not on a clean line, and not the impact of a fall."""

from __future__ import annotations

import math
import random

import pytest

from agent.sensors.lone_samples import DOUBT_S, LONE_G, LoneSamples, Sample
from agent.sensors.wt901 import Acceleration, FrameId, Wt901Framer, encode_acceleration, encode_words
from agent.simulator.motions import fall_forward

STILL: Sample = (0.0, 0.0, 1.0)
SPIKE: Sample = (13.0, 0.0, 1.0)
REFERENCE_G = 2.13
"""A plain threshold sensor calls over this."""


def sifted(*reads: tuple[tuple[Sample, ...], int], rate_hz: float = 100) -> tuple[list[Sample], int]:
    """Return what goes through of reads of (samples, bytes of garbage) every tenth of a second, and what does not."""
    state, through, alone = LoneSamples.at(rate_hz), list[Sample](), 0
    for number, (samples, garbage) in enumerate(reads):
        state, some, more = state.sift(number / 10, samples, garbage)
        through += some
        alone += more
    return through, alone


def test_on_a_clean_line_everything_goes_through_at_once() -> None:
    assert sifted(((STILL, SPIKE, STILL, SPIKE), 0)) == ([STILL, SPIKE, STILL, SPIKE], 0)


def test_near_garbage_a_sample_that_stands_alone_is_taken_out_and_counted() -> None:
    assert sifted(((STILL, SPIKE, STILL, STILL), 3)) == ([STILL, STILL], 1)
    assert sifted(((STILL, STILL), 1), ((SPIKE, STILL, STILL), 0)) == ([STILL] * 3, 1)


def test_two_false_ones_in_a_row_are_both_taken_out() -> None:
    assert sifted(((STILL, SPIKE, (0.0, -9.0, 5.0), STILL, STILL), 8)) == ([STILL, STILL], 2)


def test_the_newest_waits_for_its_successor_over_any_number_of_reads() -> None:
    assert sifted(((STILL, SPIKE), 1), ((), 1), ((STILL, STILL), 1)) == ([STILL, STILL], 1)


def test_what_waited_goes_out_when_the_doubt_is_over() -> None:
    state, through, _ = LoneSamples.at(100).sift(0.0, (STILL, SPIKE), 1)
    assert through == (STILL,)
    state, through, _ = state.sift(DOUBT_S - 0.1, (), 0)
    assert through == ()
    _, through, alone = state.sift(DOUBT_S, (STILL,), 0)
    assert (through, alone) == ((SPIKE, STILL), 0)


def test_an_impact_of_thirty_milliseconds_leaves_its_shoulders_over_the_reference() -> None:
    # A half-sine of 30 ms at 100 Hz, in the phase that is worst for us: one top, and two shoulders of half of it.
    for peak in (5.0, 8.0, 16.0):
        shoulders: list[Sample] = [(0.0, 0.0, peak * math.sin(math.pi * t / 3)) for t in (0.5, 1.5, 2.5)]
        through, _ = sifted(((STILL, *shoulders, STILL, STILL), 1))
        assert max(z for _, _, z in through) > REFERENCE_G


@pytest.mark.parametrize("rate_hz", [50, 100, 200])
def test_no_sample_of_a_fall_is_taken_out(rate_hz: int) -> None:
    for seed in range(20):
        samples = tuple((x, y, z) for _, x, y, z in fall_forward(rate_hz, seed))
        through, alone = sifted(*((samples[at : at + 10], 1) for at in range(0, len(samples), 10)), rate_hz=rate_hz)
        assert alone == 0
        assert through == list(samples[:-1])  # the last one waits


@pytest.mark.parametrize("share", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("missing", [True, False])
def test_on_a_damaged_line_nothing_is_left_that_looks_like_a_fall(share: float, missing: bool) -> None:  # noqa: FBT001 - a parameter
    rng = random.Random(3)  # noqa: S311 - because a test's noise is no secret

    def on_the_line(frames: bytes) -> bytes:
        if missing:
            return bytes(byte for byte in frames if rng.random() >= share)
        return bytes(rng.randrange(256) if rng.random() < share else byte for byte in frames)

    framer, state = Wt901Framer(), LoneSamples.at(100)
    invented, left = 0, list[float]()
    for read in range(600):
        before = framer.garbage_bytes
        said = b"".join(
            encode_acceleration(0, 0, 1 + rng.gauss(0, 0.01))
            + encode_words(FrameId.ANGULAR_RATE, rng.randint(-3, 3), rng.randint(-3, 3), rng.randint(-3, 3), 0)
            for _ in range(10)
        )
        frames = framer.feed(on_the_line(said))
        samples = tuple((f.x, f.y, f.z) for f in frames if isinstance(f, Acceleration))
        invented += sum(math.dist(sample, STILL) > LONE_G for sample in samples)
        state, through, _ = state.sift(read / 10, samples, framer.garbage_bytes - before)
        left += [math.dist(sample, STILL) for sample in through]
    assert invented or share < 0.1  # else there was nothing to take out
    assert max(left) <= LONE_G
