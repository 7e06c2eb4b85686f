"""The real clock: the only place that asks the operating system what time it is and whether it can be trusted.

Rules of this file: `synced` is what the kernel says, read as systemd's timedated reads it: the estimated error is
below the 16 seconds that stand for "unknown". STA_UNSYNC is not looked at: it may be set only to keep the kernel's
hands off the RTC. Where the kernel does not answer, the clock is not synced.
"""

from __future__ import annotations

import ctypes
import time
from pathlib import Path

from agent.clock import Now

SYNC_READ_EVERY_S = 10.0

_MAXERROR_UNKNOWN_US = 16_000_000  # NTP_PHASE_LIMIT, linux/timex.h


class _Timex(ctypes.Structure):
    """The beginning of the kernel's `struct timex` (adjtimex(2)); the rest is only room for it to write into."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


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


def kernel_clock_synced() -> bool:
    """Return whether the kernel holds the wall clock for synchronised; False where it can't be asked."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):  # a libc without adjtimex
        return False
    return bool(state >= 0 and timex.maxerror < _MAXERROR_UNKNOWN_US)
