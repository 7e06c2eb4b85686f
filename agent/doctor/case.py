"""What every check is handed: the unit's files, what the running unit says about itself, and the moment.

Rules of this file: data, and how it is looked up. Made once, before the checks run side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.status.client import Closed
from agent.texts import Text

if TYPE_CHECKING:
    from agent.clock import Now
    from agent.config_files import Unit
    from agent.status.client import Seen

SUDO = Text("Kør den igen med sudo", "Run it again with sudo")


@dataclass(frozen=True, slots=True)
class Case:
    """One unit, at one moment."""

    unit: Unit
    seen: Seen
    now: Now
    held: bool = False
    """Whether some process holds the unit's lock."""

    @property
    def said(self) -> Mapping[str, Any] | None:
        """What the running unit says; None where it does not run, or does not say it to us."""
        return self.seen.said

    @property
    def hidden(self) -> bool:
        """Whether the unit runs and holds pins and ports, but does not say (to us) how they are."""
        return self.said is None and (self.held or self.seen.closed is not Closed.NOT_RUNNING)

    @property
    def simulated(self) -> bool:
        """Whether this is the simulated home."""
        return self.unit.profile.simulated

    @property
    def outbox(self) -> Path:
        """The outbox's file."""
        return self.unit.unit_file.state_dir / "outbox.db"

    def sensor(self, name: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Return what the running unit says about a sensor and about its link, or None."""
        if self.said is None or name not in self.said["picture"]["sensors"]:
            return None
        return self.said["picture"]["sensors"][name], self.said["links"].get(name, {})

    @property
    def model_in_use(self) -> Mapping[str, Any] | None:
        """What the running unit says about its model, or None."""
        found: Mapping[str, Any] | None = self.said["picture"]["model"] if self.said is not None else None
        return found

    @property
    def shadow_in_use(self) -> Mapping[str, Any] | None:
        """What the running unit says about the model in the shadow, or None."""
        found: Mapping[str, Any] | None = self.said.get("shadow") if self.said is not None else None
        return found

    @property
    def clock_synced(self) -> bool | None:
        """What the running unit says about the clock, or None."""
        found: bool | None = self.said["picture"]["clock_synced"] if self.said is not None else None
        return found

    def path(self, name: str) -> Mapping[str, Any] | None:
        """Return what the running unit says about a path, or None."""
        found: Mapping[str, Any] | None = self.said["picture"]["paths"].get(name) if self.said is not None else None
        return found
