"""The four seconds that the model looks at: 1.5 s before the impact to 2.5 s after it, cut from the grid.

Rules of this file: pure. What is missing before the impact is the first sample, held backwards; what is missing at the
end is the last sample, held. A stretch that ends less than 1 s after the impact makes a damaged window, which no model
is asked about.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from agent.directions import Vector
from agent.inference.layout import AFTER, BEFORE, QUIET_BEFORE
from agent.inference.resample import NOTHING, Floats

LEAST_AFTER = 50
"""Grid samples that must follow the impact."""


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The newest grid samples of a stretch in g; the first one stands at position `first`."""

    first: int = 0
    xyz: Floats = field(default_factory=lambda: NOTHING)

    @property
    def end(self) -> int:
        """Return the position after the newest sample."""
        return self.first + len(self.xyz)

    def extended(self, xyz: Floats) -> History:
        """Return the history with newer samples at its end."""
        return History(self.first, np.concatenate((self.xyz, xyz)) if len(self.xyz) else xyz)

    def since(self, position: int) -> History:
        """Return the history without what is older than `position`."""
        drop = min(max(position - self.first, 0), len(self.xyz))
        return History(self.first + drop, self.xyz[drop:].copy()) if drop else self


def gravity_before(history: History, crossing: int) -> Vector | None:
    """Return the mean acceleration in the first second of a window around `crossing`; None if it was not measured."""
    first = crossing - BEFORE - history.first
    if first < 0:
        return None
    x, y, z = (history.xyz[first : first + QUIET_BEFORE].sum(axis=0) / QUIET_BEFORE).tolist()
    return x, y, z


def is_complete(history: History, impact: int) -> bool:
    """Whether the window around `impact` needs no further sample."""
    return history.end >= impact + AFTER


def is_damaged(history: History, impact: int) -> bool:
    """Whether a stretch that ends here leaves too little after `impact` to judge it."""
    return history.end - 1 - impact < LEAST_AFTER


def cut(history: History, impact: int) -> Floats:
    """Return the window around `impact`, shape (200, 3), holding the first and last sample where more is missing."""
    wanted = np.arange(impact - BEFORE, impact + AFTER) - history.first
    return history.xyz[np.clip(wanted, 0, len(history.xyz) - 1)]
