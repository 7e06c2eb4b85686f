"""Whether every worker thread still does its work, and what to do about one that hangs.

Rules of this file: pure. A worker that waits for something to do is not late; one that has been busy with the same
thing for longer than its limit is. Storage, uplink, serial port and model are mended in place, because a restart
would lose a call that exists only in memory; kept windows are left to hang, because nobody waits for them. Only the
pins are worth one: without them nobody can call. The core needs no entry: it is the core's own thread that pings
systemd, so when it hangs, nothing does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

PINS = "pins"
"""The worker whose silence withholds the watchdog's ping."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds that a worker of each kind may be busy with one thing."""

    seconds: Mapping[str, float]

    def of(self, worker: str) -> float:
        """Return the limit of a worker, named `kind` or `kind:name`."""
        return self.seconds[worker.partition(":")[0]]


LIMITS = Limits(
    {"pins": 5.0, "storage": 10.0, "uplink": 45.0, "wearable": 15.0, "model": 15.0, "shadow": 15.0, "windows": 60.0}
)
"""Storage: an SD card that collects its garbage takes seconds. Uplink: name, TCP on two addresses, TLS, CONNACK.
Wearable: opening a port may wait for a USB reset. Model: fifteen times what the slowest Pi needs to load it.
Shadow: a model, too, which is given up and not mended. Windows: nobody waits for them."""


@dataclass(frozen=True, slots=True)
class Hung:
    """A worker that has been busy for `seconds`, found for the first time."""

    worker: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Watch:
    """The workers that are known to hang, by name, since when."""

    hung: Mapping[str, float] = field(default_factory=dict)

    @property
    def may_ping(self) -> bool:
        """Whether systemd may be told that the unit is alive."""
        return PINS not in self.hung


def look(
    watch: Watch, busy_since: Mapping[str, float | None], now: float, limits: Limits = LIMITS
) -> tuple[Watch, tuple[Hung, ...], tuple[str, ...]]:
    """Return the watch at `now`, the workers newly found hanging, and those that work again.

    `busy_since` has for each worker the monotonic second since which it is busy with one thing, None if it waits.
    """
    hung = {
        worker: since for worker, since in busy_since.items() if since is not None and now - since >= limits.of(worker)
    }
    found = tuple(Hung(worker, now - since) for worker, since in hung.items() if watch.hung.get(worker) != since)
    well = tuple(worker for worker in watch.hung if worker not in hung)
    return replace(watch, hung=hung), found, well
