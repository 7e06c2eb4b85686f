"""The real clock: the only place that asks the operating system what time it is.

Rules of this file: `synced` is what the kernel says of its clock (`kernel_clock.py`).
"""

from __future__ import annotations

import time
from pathlib import Path

from agent.clock import Now
from agent.kernel_clock import kernel_clock_synced

SYNC_READ_EVERY_S = 10.0


class SystemClock:
    """Monotonic and wall time of this machine. Cheap: `synced` is read from the kernel at most every 10 s."""

    def __init__(self) -> None:
        self._read_at = -SYNC_READ_EVERY_S
        self._synced = False

    def now(self) -> Now:
        """Return the present moment. May be called from any thread; never raises."""
        mono = time.monotonic()
        if mono - self._read_at >= SYNC_READ_EVERY_S:
            self._read_at = mono
            self._synced = kernel_clock_synced()
        return Now(mono, time.time(), self._synced)


def machine_boot() -> str:
    """Return what names this start of the machine; "" where the kernel does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
