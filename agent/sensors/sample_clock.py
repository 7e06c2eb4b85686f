"""Gives monotonic times to samples that carry none: a WT901 frame has no time, and USB brings frames in bursts.

All that is known is how many samples each read brought, and when it was read. The clock predicts each sample one
period after the one before, and lets the reads pull gently at the prediction (a phase-locked loop), so that the times
follow the sensor's true rate and not the bursts of the bus.

Rules of this file: pure and immutable; `stamp` returns the times and the next clock. Times are strictly rising, and
never ahead of the read that brought the sample. Time that samples are missing from shows as a gap:

- Samples missing although the port was read regularly were lost on the way (bad line, radio, a silent sensor): the
  gap is before what comes now.
- After the reader itself slept, the kernel's buffer holds the oldest samples and the newest were lost: what it held
  follows on without a gap, and the gap comes before the next read's.
- A read that brings more than its interval can have made is a backlog being delivered: no gap while it lasts.
- Less than `GAP_S` is no gap: a frame lost now and then is stretched over, and shows as garbage in the line's quality.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

GAP_S = 0.1
"""A deficit over this, in seconds, is a gap. USB and receivers burst shorter; a kilobyte lost at 200 Hz is 0.155 s."""

SLEPT_S = 0.25
"""A reader that was away for longer than this slept: it wants to read every 0.1 s."""

BURST_S = 0.05
"""What a read may bring beyond its own interval and still be new rather than a backlog."""

LAG_S = 0.02
"""Mean distance kept between the newest sample and its read, on top of one period."""

RATE_TOLERANCE = 0.08
"""How far the true rate is followed from the nominal one. Oscillators of such sensors are within a few percent."""

SETTLE_S = 1.0
"""Time constant of the loop; three times as fast in its first two seconds."""

SMALLEST_STEP_S = 1e-6
"""Times rise at least by this, even when more samples come than can be true (a sensor set to a higher rate)."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """Times of the samples of one read, oldest first, and how many samples are missing before them."""

    times: tuple[float, ...]
    lost_samples: int = 0


@dataclass(frozen=True, slots=True)
class SampleClock:
    """The clock of one opened port. Make it with `opened`; ask it with `stamp` at every read, the empty ones too.

    `period` is the true one as far as it is known, `last` the newest time given (at first that of the opening),
    `read_at` the latest read, `running_since` the first read that brought anything, and `behind` says that a read
    after a sleep left a deficit.
    """

    nominal_period: float
    period: float
    last: float
    read_at: float
    running_since: float | None = None
    behind: bool = False

    @classmethod
    def opened(cls, rate_hz: float, at: float) -> SampleClock:
        """Return a clock for a port that was opened (and emptied) at `at`: no sample is older than that."""
        return cls(nominal_period=1 / rate_hz, period=1 / rate_hz, last=at, read_at=at)

    @property
    def lag(self) -> float:
        """Seconds from the newest sample to the read that brings it, on average."""
        return self.nominal_period + LAG_S

    def stamp(self, read_at: float, count: int) -> tuple[Stamped, SampleClock]:
        """Return the times of the `count` samples that were read at `read_at`, and the clock for the next read.

        `read_at` is monotonic seconds, taken after the read; one that goes back counts as the one before.
        """
        read_at = max(read_at, self.read_at)
        if count == 0:
            return Stamped(()), replace(self, read_at=read_at)
        if self.running_since is None:
            begin = max(self.last, read_at - self.lag - count * self.period)
            return _spread(replace(self, last=begin, running_since=read_at), read_at, count, self.period)
        late = read_at - self.lag - (self.last + count * self.period)
        if late <= GAP_S:
            return self._follow(read_at, count, late)
        interval = read_at - self.read_at
        slept = interval > SLEPT_S and not self.behind
        backlog = count * self.period > interval + BURST_S
        if slept or backlog:
            return _spread(replace(self, behind=slept or self.behind), read_at, count, self.period)
        after_gap = replace(self, last=self.last + late, behind=False)
        return _spread(after_gap, read_at, count, self.period, lost=round(late / self.period))

    def _follow(self, read_at: float, count: int, late: float) -> tuple[Stamped, SampleClock]:
        """Stamp samples that came as expected, and let `late` (seconds, either sign) correct phase and rate."""
        covered = count * self.period
        young = self.running_since is not None and read_at - self.running_since < 2 * SETTLE_S
        settle = SETTLE_S / 3 if young else SETTLE_S
        step = self.period + late * min(1.0, covered / settle) / count
        # A quarter of the phase gain squared damps the loop critically.
        rate = self.period / self.nominal_period + late * covered / (4 * settle**2)
        period = self.nominal_period * max(1 - RATE_TOLERANCE, min(1 + RATE_TOLERANCE, rate))
        return _spread(replace(self, period=period, behind=False), read_at, count, step)


def _spread(clock: SampleClock, read_at: float, count: int, step: float, lost: int = 0) -> tuple[Stamped, SampleClock]:
    """Give `count` times after `clock.last`, `step` apart or as close as it takes to stay behind the read."""
    room = (read_at - clock.last) * 0.95  # never all of it, so that the next read has some as well
    step = max(SMALLEST_STEP_S, min(step, room / count))
    times = tuple(clock.last + step * (index + 1) for index in range(count))
    return Stamped(times, lost), replace(clock, last=times[-1], read_at=read_at)
