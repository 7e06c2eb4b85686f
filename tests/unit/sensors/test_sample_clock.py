"""Times for samples that carry none: rates, bursts, losses, a sleeping process. All on a clock made of numbers."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sensors.sample_clock import SampleClock

OPENED = 5000.0
READ_S = 0.05


@dataclass
class Run:
    """What a clock made of a simulated line: the true and the given time of each sample that arrived."""

    true: list[float] = field(default_factory=list)
    given: list[float] = field(default_factory=list)
    lost: int = 0
    clock: SampleClock | None = None

    @property
    def errors(self) -> list[float]:
        return [given - true for given, true in zip(self.given, self.true, strict=True)]

    @property
    def steps(self) -> list[float]:
        return [after - before for before, after in pairwise(self.given)]

    def error_around(self, moment: float) -> float:
        """Return the largest error of the samples within a second of `moment` (seconds after the opening)."""
        near = [e for e, t in zip(self.errors, self.true, strict=True) if abs(t - OPENED - moment) < 1]
        return max(map(abs, near))


def run(
    nominal: float,
    true_rate: float,
    *,
    seconds: float = 20.0,
    burst_s: float = 0.02,
    missing: tuple[float, float] | None = None,
    sleeping: tuple[float, float] | None = None,
    kernel_keeps: int = 10_000,
) -> Run:
    """Run a sensor of `true_rate` on a clock of `nominal`; all moments are seconds after the opening.

    Samples taken during `missing` never arrive. The reader is away during `sleeping`, in which time the kernel keeps
    the oldest `kernel_keeps` samples. Reads are 0 to 4 ms late, as on a busy machine.
    """
    rng = random.Random(7)  # noqa: S311 - because jitter is no secret
    out = Run()
    clock = SampleClock.opened(nominal, OPENED)
    pending: list[float] = []
    number = 0
    read_at = 0.0
    while read_at < seconds:
        read_at += READ_S + rng.uniform(0, 0.004)
        if sleeping and sleeping[0] < read_at < sleeping[1]:
            read_at = sleeping[1]
        while True:
            sample = 0.0031 + number / true_rate
            if math.ceil(sample / burst_s) * burst_s > read_at:
                break
            number += 1
            if not (missing and missing[0] <= sample < missing[1]) and len(pending) < kernel_keeps:
                pending.append(OPENED + sample)
        stamped, clock = clock.stamp(OPENED + read_at, len(pending))
        assert len(stamped.times) == len(pending)
        assert not stamped.times or stamped.times[-1] <= OPENED + read_at
        out.true += pending
        out.given += stamped.times
        out.lost += stamped.lost_samples
        pending = []
    assert min(out.steps) > 0
    out.clock = clock
    return out


@pytest.mark.parametrize("nominal", [50, 100, 200])
@pytest.mark.parametrize("off", [0.95, 0.98, 1.0, 1.02, 1.05])
def test_a_rate_a_few_percent_off_is_followed(nominal: float, off: float) -> None:
    result = run(nominal, nominal * off)
    assert result.lost == 0
    assert max(map(abs, result.errors)) < 0.045
    assert result.clock is not None
    assert result.clock.period * nominal * off == pytest.approx(1, abs=0.003)
    settled = result.steps[len(result.steps) // 2 :]
    assert min(settled) * nominal * off > 0.97
    assert max(settled) * nominal * off < 1.03


@pytest.mark.parametrize("nominal", [50, 100, 200])
@pytest.mark.parametrize("burst_s", [0.001, 0.016, 0.05])
def test_bursts_are_spread(nominal: float, burst_s: float) -> None:
    result = run(nominal, nominal, burst_s=burst_s)
    assert result.lost == 0
    assert min(result.steps) * nominal > 0.8
    assert max(result.steps) * nominal < 1.2


@pytest.mark.parametrize(("nominal", "kilobytes"), [(200, 1), (100, 1), (50, 1), (100, 4)])
def test_lost_kilobytes_are_counted_and_leave_a_gap_where_they_are_missing(nominal: float, kilobytes: float) -> None:
    samples = kilobytes * 1024 / 33  # a sample is three frames of eleven bytes
    away = samples / nominal
    result = run(nominal, nominal * 1.02, missing=(10, 10 + away))
    assert result.lost == pytest.approx(samples, abs=4)
    assert max(result.steps) == pytest.approx(away, abs=0.04)
    assert result.error_around(10) < 0.05
    assert result.error_around(10 + away) < 0.05


def test_a_silent_sensor_leaves_a_gap_before_what_comes_after() -> None:
    result = run(100, 100, missing=(8, 12))
    assert result.lost == pytest.approx(400, abs=4)
    assert max(result.steps) == pytest.approx(4, abs=0.04)
    assert max(map(abs, result.errors)) < 0.05


def test_a_lost_frame_now_and_then_is_no_gap() -> None:
    result = run(100, 100, missing=(10, 10.03))
    assert result.lost == 0
    assert max(result.steps) < 0.012


def test_a_process_that_slept_while_the_kernel_kept_everything_has_no_gap() -> None:
    result = run(100, 101, sleeping=(10, 11.2))
    assert result.lost == 0
    assert max(result.steps) < 0.011
    assert max(map(abs, result.errors)) < 0.05


@pytest.mark.parametrize("nominal", [50, 100, 200])
def test_a_process_that_slept_too_long_has_a_gap_after_what_the_kernel_kept(nominal: float) -> None:
    result = run(nominal, nominal * 1.01, sleeping=(10, 17), kernel_keeps=124)
    true_gap = max(after - before for before, after in pairwise(result.true))
    assert true_gap > 4
    assert result.lost == pytest.approx(true_gap * nominal * 1.01, abs=5)
    assert max(result.steps) == pytest.approx(true_gap, abs=0.05)
    assert max(map(abs, result.errors)) < 0.06


def test_a_backlog_that_comes_in_pieces_has_no_gap_and_is_not_counted_as_lost() -> None:
    clock = SampleClock.opened(100, OPENED)
    reads = [(0.05 * (i + 1), 5) for i in range(100)]
    reads += [(5.05 + 0.05 * i, 0) for i in range(20)]  # the bus hangs for a second
    reads += [(6.05, 40), (6.10, 40), (6.15, 30), (6.20, 5), (6.25, 5)]
    given: list[float] = []
    for at, count in reads:
        stamped, clock = clock.stamp(OPENED + at, count)
        assert stamped.lost_samples == 0
        given += stamped.times
    assert max(after - before for before, after in pairwise(given)) < 0.012


def test_the_first_samples_are_not_older_than_the_opening() -> None:
    stamped, _ = SampleClock.opened(100, OPENED).stamp(OPENED + 0.05, 30)
    assert stamped.lost_samples == 0
    assert stamped.times[0] > OPENED
    assert stamped.times[-1] < OPENED + 0.05


def test_silence_before_the_first_sample_is_not_lost() -> None:
    clock = SampleClock.opened(100, OPENED)
    _, clock = clock.stamp(OPENED + 3, 0)
    stamped, _ = clock.stamp(OPENED + 3.05, 5)
    assert stamped.lost_samples == 0
    assert stamped.times[0] > OPENED + 2.9


def test_a_sensor_at_twice_the_rate_stays_behind_its_reads() -> None:
    assert run(100, 200).lost == 0  # run() checks that times rise and are not ahead


def test_a_sensor_at_half_the_rate_shows_as_lost_samples() -> None:
    assert run(100, 50).lost > 500


@given(
    reads=st.lists(st.tuples(st.floats(0.001, 20), st.integers(0, 800)), max_size=60),
    rate=st.sampled_from([50, 100, 200]),
)
def test_whatever_the_reads_bring_times_rise_and_stay_behind(reads: list[tuple[float, int]], rate: float) -> None:
    clock = SampleClock.opened(rate, OPENED)
    at = OPENED
    newest = OPENED
    for interval, count in reads:
        at += interval
        stamped, clock = clock.stamp(at, count)
        assert len(stamped.times) == count
        assert stamped.lost_samples >= 0
        for time in stamped.times:
            assert time > newest
            newest = time
        # More than a sample a microsecond can't both rise and stay behind; rising wins.
        assert newest <= at + 800e-6 * len(reads)
        if count * 1e-6 * 20 < interval:
            assert newest <= at


def test_a_read_time_that_goes_back_counts_as_the_one_before() -> None:
    clock = SampleClock.opened(100, OPENED)
    first, clock = clock.stamp(OPENED + 0.05, 5)
    second, clock = clock.stamp(OPENED + 0.01, 5)
    assert second.times[0] > first.times[-1]
    assert second.times[-1] < OPENED + 0.05
