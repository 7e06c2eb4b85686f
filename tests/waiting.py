"""Wait for something to become true, without a fixed sleep: the test goes on the moment it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T], within: float = 10.0, every: float = 0.01) -> T:
    """Return the first truthy value of `probe`; fail after `within` seconds with the last value seen."""
    deadline = time.monotonic() + within
    pause = threading.Event()
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"still {value!r} after {within} s")
        pause.wait(every)
