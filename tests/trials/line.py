"""The cable between a wearable and the unit's serial port, that can carry anything: a pseudo-terminal of its own.

Rules of this file: the unit's end behaves as USB does (a stable path, a real hang-up, nothing kept while nobody has
the port open). One thread, which wakes 25 times a second: what it carries is what `through` makes of what the wearable
said since it woke last.
"""

from __future__ import annotations

import contextlib
import os
import select
import threading
import time
import tty
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Through = Callable[[float, bytes], bytes]
    """From the seconds since it was asked last, and what the wearable said in them, to what is on the line."""

TURN_S = 0.04
HELD_UP_S = 0.1
"""Longer than this without a byte of the wearable, and the unit counts samples as lost: it can't know the reason."""
LARGEST_READ = 65_536


def clean(seconds: float, said: bytes) -> bytes:
    """Carry what the wearable says."""
    del seconds
    return said


class Line:
    """Carries what comes from the pseudo-terminal `device` to a port at `port`; use it in a `with`."""

    def __init__(self, device: Path, port: Path) -> None:
        self.through: Through = clean
        self.held_up_at = time.monotonic()
        """When busy cores last made this simulated line stand still, or lose something: not what a trial did to it."""
        self._device = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._port = port
        self._master: int | None = None
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trial-line", daemon=True)

    def __enter__(self) -> Self:
        self.plug(clean)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(5)
        self.unplug()
        os.close(self._device)

    def plug(self, through: Through) -> None:
        """Plug in what speaks `through`: the same path, another pseudo-terminal."""
        with self._lock:
            master, slave = os.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            beside = self._port.with_name(f".{self._port.name}.trial")
            beside.unlink(missing_ok=True)
            beside.symlink_to(os.ttyname(slave))
            beside.replace(self._port)
            os.close(slave)  # from now on the master is hung up exactly while the unit has not opened the port
            self.through, self._master = through, master

    def unplug(self) -> None:
        """Take it away: the path is gone, and the unit sees a hang-up."""
        with self._lock:
            if self._master is not None:
                self._port.unlink(missing_ok=True)
                os.close(self._master)
                self._master = None

    def _run(self) -> None:
        last = heard = time.monotonic()
        while not self._stopping.wait(TURN_S):
            now = time.monotonic()
            said = b""
            with contextlib.suppress(BlockingIOError):
                said = os.read(self._device, LARGEST_READ)
            if now - heard > HELD_UP_S:
                self.held_up_at = now
            heard = now if said else heard
            with self._lock:
                self._carry(self.through(now - last, said))
            last = now

    def _carry(self, data: bytes) -> None:
        """Write what the kernel takes; the rest is lost, as on a real line that nobody reads."""
        if self._master is None or not data:
            return
        poll = select.poll()
        poll.register(self._master, select.POLLHUP)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            return
        taken = 0
        with contextlib.suppress(BlockingIOError, OSError):  # full, or closed between the question and this
            taken = os.write(self._master, data)
        if taken < len(data):
            self.held_up_at = time.monotonic()
