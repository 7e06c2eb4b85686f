"""What every driver is: a thing that is started with a mailbox to put readings in, and stopped.

Rules of this file: the protocol only. A driver may own a thread; nothing that it calls from a callback may raise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from agent.readings import Item

Post = Callable[[Item], None]
"""Hands one item to the core's mailbox: never blocks, never raises, may be called from any thread."""


class Driver(Protocol):
    """A running sensor."""

    def start(self) -> None:
        """Open the device and begin to post readings. A device that is absent is a reading, not an error."""
        ...

    def busy_since(self) -> float | None:
        """Return the monotonic second since which the driver's thread is busy with one thing, or None if it waits."""
        ...

    def stop(self) -> None:
        """Stop posting and release the device. May be called twice."""
        ...
