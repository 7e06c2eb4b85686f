"""What the benchmarks share: percentiles, and lines of a table."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of all values don't exceed (nearest rank)."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * percent // 100))
    return ordered[int(rank) - 1]


def row(name: str, *cells: str) -> str:
    """Return one line of a table."""
    return f"{name:<24}" + "".join(f"{cell:>14}" for cell in cells)
