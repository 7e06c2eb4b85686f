"""The uplink as the core sees it: its paths, its lanes, and what they share.

Rules of this file: data, and how one path of it is replaced; what becomes of it is in `delivery`, `pump`, and in the
files of the lanes and the paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agent.ids import Entropy
from agent.uplink.call_lane import CallLane
from agent.uplink.outcomes import Outcome
from agent.uplink.paths import Path
from agent.uplink.technical_lane import TechnicalLane


@dataclass(frozen=True, slots=True)
class Delivery:
    """What is to be delivered, and over what."""

    boot_id: str
    paths: Mapping[str, Path]
    entropy: Entropy
    active: str | None = None
    """The path to publish on; where none is up, this may be a silent one, and then it is for calls alone."""
    calls: CallLane = field(default_factory=CallLane)
    technical: TechnicalLane = field(default_factory=TechnicalLane)
    unstored_calls: frozenset[str] = frozenset()
    next_token: int = 1
    synced: bool = False
    wall_offset: float | None = None
    """Wall minus monotonic seconds when the clock became known last: a step while it is known corrects nothing."""

    @property
    def connected(self) -> bool:
        """Whether any path is up."""
        return any(path.is_up for path in self.paths.values())

    @property
    def call_waits(self) -> bool:
        """Whether there is a call that the centre has not confirmed."""
        return bool(len(self.calls))


Step = tuple[Delivery, tuple[Outcome, ...]]


def with_path(delivery: Delivery, path: Path) -> Delivery:
    """Return the uplink with this path in place of the one of its name."""
    return replace(delivery, paths={**delivery.paths, path.name: path})
