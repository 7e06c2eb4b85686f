"""Takes out what a bad line invents: a sample of motion that stands alone between two others, near garbage.

A WT901 frame has a sum of one byte, so one in 256 damaged frames is taken for a good one, and its values are noise:
often 10 g and more, which looks like the hardest of falls. What tells it from an impact is that it is alone: an impact
through clothes and a body lasts 30 ms and longer, three samples at 100 Hz, and even the top of one so short leaves its
neighbours over the level at which a plain threshold calls.

Rules of this file: pure and immutable. Only where garbage came in the last `DOUBT_S`: on a clean line nothing is taken
out, whatever it is, and nothing is held back. What is taken out counts as garbage, so that it is told. Meanwhile the
newest sample waits for its successor, and leaves with the next read at the latest in which the doubt is over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

Sample = tuple[float, float, float]

DOUBT_S = 10.0
"""How long after garbage a good sum alone does not prove a sample."""

LONE_G = 2.0
"""How far, at 100 Hz and more, a sample must be from where its neighbours would have it to be alone."""


@dataclass(frozen=True, slots=True)
class LoneSamples:
    """What must be remembered from read to read. Make it with `at`."""

    lone_g: float
    doubt_until: float = -math.inf
    before: Sample | None = None
    """The last sample that was let through."""
    held: Sample | None = None
    """The newest one, whose successor has not come yet."""

    @classmethod
    def at(cls, rate_hz: float) -> LoneSamples:
        """Return the beginning, for a sensor of this rate: a slower one has fewer samples to show an impact by."""
        return cls(LONE_G * max(1.0, 100 / rate_hz))

    def sift(self, at: float, samples: tuple[Sample, ...], garbage: int) -> tuple[LoneSamples, tuple[Sample, ...], int]:
        """Return the next state, the samples that may be believed, and how many were taken out.

        `at` is the monotonic second of the read that brought `samples` (g, oldest first) and `garbage` bytes.
        """
        doubt_until = at + DOUBT_S if garbage else self.doubt_until
        waiting = samples if self.held is None else (self.held, *samples)
        if at >= doubt_until:
            newest = waiting[-1] if waiting else self.before
            return replace(self, doubt_until=doubt_until, before=newest, held=None), waiting, 0
        before, kept, alone = self.before, list[Sample](), 0
        for sample, after in pairwise(waiting):
            if before is not None and _detour(before, sample, after) > 2 * self.lone_g:
                alone += 1
                continue
            kept.append(sample)
            before = sample
        state = replace(self, doubt_until=doubt_until, before=before, held=waiting[-1] if waiting else None)
        return state, tuple(kept), alone


def _detour(before: Sample, sample: Sample, after: Sample) -> float:
    """Return how much longer the way over `sample` is than the direct one, in g: nothing on the flank of an impact."""
    return math.dist(before, sample) + math.dist(sample, after) - math.dist(before, after)
