"""What was pulled, what the light promised, and what the centre got: the bookkeeping of a fault trial.

Rules of this file: pure; every time is `time.monotonic()` of the machine that pulls *and* listens, in seconds. A pull
is *lost* if its light had shown *sending* and it never came; a pull that the end of the power (or of the process) beat
to that promise is *beaten* and counted apart. A *lie* is a light that says more than is true. *Delay* runs from the
pull, or from the moment at which a path existed again if that is later, to the event at the centre.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.effects import Light

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRESS = (Light.SENDING, Light.RECEIVED, Light.COMING)
"""What an open call may show, from the least to the most advanced."""


@dataclass(slots=True)
class Pull:
    """One pull of a hand, and what became of it."""

    at: float
    path_at: float | None = None
    """When a path existed again, if none did at the pull."""
    promised_at: float | None = None
    """When the light first showed *sending* or more for it."""
    arrived_at: float | None = None
    """When the centre first had its `call.raised`."""
    cut_at: float | None = None
    """When the power or the process ended, if it did after the pull."""

    @property
    def lost(self) -> bool:
        """Promised, and never delivered. Without a cut nothing excuses a pull that never came."""
        return self.arrived_at is None and not self.beaten

    @property
    def beaten(self) -> bool:
        """Cut before the light had promised anything, and never delivered."""
        return self.arrived_at is None and self.promised_at is None and self.cut_at is not None

    @property
    def delay_s(self) -> float | None:
        """Seconds from the moment at which it could be delivered; not below 0. None if it never came."""
        if self.arrived_at is None:
            return None
        return max(0.0, self.arrived_at - max(self.at, self.path_at if self.path_at is not None else self.at))


@dataclass(slots=True)
class Ledger:
    """Everything that one trial counted."""

    pulls: list[Pull] = field(default_factory=list)
    lies: list[str] = field(default_factory=list)
    armed_s: list[float] = field(default_factory=list)
    """From the start of a crash's successor, or from the end of the crash, until it was armed."""
    false_calls: int = 0
    """Calls that no hand and no fall made."""
    unverified: int = 0
    """Calls that went out because nothing could be assessed: fail open, and no false calls."""
    lost_events: int = 0
    """Stored events other than calls that the centre never had, and that no limit evicted."""
    times: int = 0

    def row(self, name: str, fault: str, command: str, note: str = "") -> Row:
        """Sum up."""
        delays = [pull.delay_s for pull in self.pulls if pull.delay_s is not None]
        beaten = [pull for pull in self.pulls if pull.beaten]
        return Row(
            name=name,
            fault=fault,
            command=command,
            times=self.times,
            pulls=len(self.pulls),
            lost=sum(pull.lost for pull in self.pulls),
            lost_events=self.lost_events,
            beaten=len(beaten),
            beaten_s=_longest([pull.cut_at - pull.at for pull in beaten if pull.cut_at is not None]),
            median_s=round(statistics.median(delays), 3) if delays else None,
            p99_s=percentile(delays, 0.99),
            longest_s=_longest(delays),
            false_calls=self.false_calls,
            unverified=self.unverified,
            lies=len(self.lies),
            armed_s=_longest(self.armed_s),
            note=note,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table in `docs/reliability.md`; times in seconds, None where there was nothing to time."""

    name: str
    fault: str
    command: str
    times: int
    pulls: int
    lost: int
    lost_events: int
    beaten: int
    beaten_s: float | None
    """The longest that a beaten pull had before it was cut."""
    median_s: float | None
    p99_s: float | None
    longest_s: float | None
    false_calls: int
    unverified: int
    lies: int
    armed_s: float | None
    note: str

    @property
    def clean(self) -> bool:
        """Nothing lost, nothing invented, and no light that lied."""
        return not (self.lost or self.lost_events or self.false_calls or self.lies)


def percentile(values: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile, rounded to milliseconds; None of nothing."""
    if not values:
        return None
    return round(sorted(values)[max(0, math.ceil(share * len(values)) - 1)], 3)


def lies(lights: Sequence[tuple[float, Light]], said: Sequence[tuple[float, Light]], slack_s: float) -> list[str]:
    """Return each moment at which the light said more about one call than had been said to the unit.

    `lights` is what was shown, and `said` what the centre had told by when: RECEIVED, COMING, or READY for a closed
    call, each with its moment of sending. `slack_s` forgives the difference between two listeners' clocks of receipt.
    """
    found = []
    for at, light in lights:
        if light not in (Light.RECEIVED, Light.COMING, Light.READY):
            continue
        if light is Light.READY and not any(shown in PROGRESS for when, shown in lights if when < at):
            continue  # nothing had been promised yet
        entitled = [word for when, word in said if when <= at + slack_s]
        if not any(_covers(word, light) for word in entitled):
            found.append(
                f"{light.value} at {at:.3f} s, and the centre had said no more than {[w.value for w in entitled]}"
            )
    return found


def _covers(word: Light, light: Light) -> bool:
    ladder = (*PROGRESS, Light.READY)
    return ladder.index(word) >= ladder.index(light)


def _longest(values: Sequence[float]) -> float | None:
    return round(max(values), 3) if values else None
