"""95 % intervals that know that one person's recordings are alike.

Rules of this file: pure arithmetic. A share is counted in clusters, one for each person: (hits, recordings). Recordings
of one person carry less news than as many of different people; how much less is the design effect, and the interval is
Wilson's for the effective number of recordings.

    rho   = (MSB - MSW) / (MSB + (m0 - 1) MSW)       intra-cluster correlation, by analysis of variance
    m0    = (N - sum(m²) / N) / (k - 1)
    deff  = 1 + (sum(m²) / N - 1) rho                design effect, for clusters of different sizes
    n_eff = N / deff

where the k people have m recordings each and N together, MSB is the mean square between people, and MSW within.

- rho: Ridout, Demétrio, Firth, "Estimating intraclass correlation for binary data", Biometrics 55 (1999) 137-148, the
  estimator by analysis of variance. deff: Kish, "Survey Sampling" (1965); for sizes that differ: Eldridge, Ashby and
  Kerry, Int. J. Epidemiology 35 (2006) 1292-1300. Wilson's interval with n_eff: Franco, Little, Louis and Slud, J.
  Survey Statistics and Methodology 7 (2019) 334-364, who recommend it; with clusters, they say, it is a little narrow.
- Calls an hour: Byar's approximation to the exact Poisson limits (Breslow and Day, "Statistical Methods in Cancer
  Research II", 1987), with calls and hours divided by their design effect.
- rho below 0 counts as 0: no interval is narrower than the plain one. In a small group, and where all are hits, rho can
  hardly be told or not at all: then the `least` one holds, which the caller takes from all recordings of the same kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Z = 1.959964
Cluster = tuple[int, float]
"""Of one person: hits of so many recordings, or events in so many hours."""


@dataclass(frozen=True, slots=True)
class Interval:
    """From `low` to `high`; of shares from 0 to 1, of rates in calls an hour."""

    low: float
    high: float


def wilson(hits: float, count: float) -> Interval:
    """Return Wilson's interval of a share; of nothing counted, all is possible."""
    if count <= 0:
        return Interval(0.0, 1.0)
    share, square = hits / count, Z * Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = Z * math.sqrt(share * (1 - share) / count + square / (4 * count * count)) / (1 + square / count)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def correlation(clusters: Sequence[Cluster]) -> float | None:
    """Return rho, at least 0; None where it can't be told: one person, one recording each, or no difference at all."""
    sizes = [count for _, count in clusters if count]
    people, total = len(sizes), sum(sizes)
    if people < 2 or total == people:
        return None
    share = sum(hits for hits, _ in clusters) / total
    between = sum(n * (hits / n - share) ** 2 for hits, n in clusters if n) / (people - 1)
    within = sum(hits * (1 - hits / n) for hits, n in clusters if n) / (total - people)
    size = (total - sum(n * n for n in sizes) / total) / (people - 1)
    below = between + (size - 1) * within
    return max(0.0, (between - within) / below) if below > 0 else None


def design_effect(clusters: Sequence[Cluster], rho: float) -> float:
    """Return how many times more recordings are needed than if each were of another person; at least 1."""
    total = sum(count for _, count in clusters)
    return 1 + (sum(count * count for _, count in clusters) / total - 1) * rho if total else 1.0


def clustered(clusters: Sequence[Cluster], least: float = 0.0) -> Interval:
    """Return the interval of the share of hits; `least` is the smallest rho to believe."""
    rho = max(least, correlation(clusters) or 0.0)
    effect = design_effect(clusters, rho)
    return wilson(sum(hits for hits, _ in clusters) / effect, sum(count for _, count in clusters) / effect)


def rate(people: Sequence[Cluster]) -> Interval:
    """Return the interval of events an hour; of each person: events, and hours. Of no hours, nothing is known.

    The design effect is the variance between people over that of a Poisson process, at least 1 (a ratio estimate).
    """
    events, hours = sum(n for n, _ in people), sum(h for _, h in people)
    if hours <= 0:
        return Interval(0.0, math.inf)
    effect = 1.0
    if events and len(people) > 1:
        mean = events / hours
        spread = sum((n - mean * h) ** 2 for n, h in people) * len(people) / (len(people) - 1)
        effect = max(1.0, spread / events)
    count, exposure = events / effect, hours / effect
    low = count * (1 - 1 / (9 * count) - Z / (3 * math.sqrt(count))) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + Z / (3 * math.sqrt(more))) ** 3
    return Interval(max(0.0, low) / exposure, high / exposure)
