"""How far a few measurements are from a straight line over time: what is left of a movement when a drift is taken off.

Rules of this file: pure arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.inference.resample import Floats


def scatter(at: NDArray[np.intp], xyz: Floats) -> float:
    """Return the variance of vectors (n, 3) about their straight line over `at`: n - 2 degrees of freedom, n over 2."""
    since = at - at.mean()
    apart = xyz - xyz.mean(axis=0)
    apart -= np.outer(since, since @ apart / (since @ since))
    return float((apart * apart).sum() / (len(apart) - 2))
