"""Whether the kernel holds the wall clock for synchronised, and the small service that asks it in the agent's place.

The one system call that tells it, adjtimex, is also one that sets the clock: the agent's sandbox refuses it, reading or
not. So `nodkald-clock.service` runs this file as a program, which may make that call and next to nothing else, and
leaves the answer in a file. Whoever may ask the kernel (a command, a simulated home) asks it.

Rules of this file: it is read as systemd's timedated reads it: the estimated error is below the 16 seconds that stand
for "unknown". STA_UNSYNC is not looked at: it may be set only to keep the kernel's hands off the RTC. Where nobody
answers, or the answer is old, the clock is not synchronised. The standard library and nothing else.
"""

from __future__ import annotations

import ctypes
import sys
import time
from pathlib import Path

READING = Path("/run/nodkald-clock/reading")
"""What the service saw last: the monotonic second, and 1 (synchronised) or 0."""
EVERY_S = 10.0
OLD_AFTER_S = 35.0
"""A reading that is older says nothing any more."""

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


def kernel_clock_synced() -> bool:
    """Return whether the kernel holds the wall clock for synchronised; False where nobody can say. Never raises."""
    answer = ask_kernel()
    return read_back(READING, time.monotonic()) if answer is None else answer


def ask_kernel() -> bool | None:
    """Return what the kernel answers to this process; None if it may not ask."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):  # a libc without adjtimex
        return None
    return None if state < 0 else bool(timex.maxerror < _MAXERROR_UNKNOWN_US)


def read_back(reading: Path, now: float) -> bool:
    """Return what the service left, as it counts at the monotonic second `now`."""
    try:
        at, synced = reading.read_text(encoding="ascii").split()
        return synced == "1" and 0 <= now - float(at) <= OLD_AFTER_S
    except (OSError, ValueError):
        return False


def leave(reading: Path, *, synced: bool) -> None:
    """Leave an answer; whoever reads meanwhile has the one before it. Raises OSError."""
    beside = reading.with_suffix(".new")
    beside.write_text(f"{time.monotonic()!r} {synced:d}\n", encoding="ascii")
    beside.replace(reading)


def serve(reading: Path) -> None:
    """Be that service, for ever."""
    while True:
        leave(reading, synced=ask_kernel() is True)
        time.sleep(EVERY_S)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
