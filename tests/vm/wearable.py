"""A WT901 at the virtual Pi's USB port: connecting plugs the adapter in, closing unplugs it.

Rules of this file: the bytes are those of the simulator's own wearable (`agent.simulator.wearable`), carried from its
pseudo-terminal to QEMU's socket by one thread; whatever the unit writes to the port goes the other way.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import tempfile
import threading
import tty
from pathlib import Path
from typing import TYPE_CHECKING, Self

from agent.simulator.wearable import SimulatedWearable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.recordings import Sample

RATE_HZ = 100.0


class UsbWearable:
    """Plugged in from `__enter__` to `__exit__`; `usb` is `Machine.usb`."""

    def __init__(self, usb: Path) -> None:
        self._usb = usb
        self._folder = tempfile.TemporaryDirectory(prefix="nodkald-usb-")
        self._device = SimulatedWearable(Path(self._folder.name) / "wt901", RATE_HZ)
        self._socket: socket.socket | None = None
        self._ending = threading.Event()

    def __enter__(self) -> Self:
        self._device.start()
        self.plug()
        return self

    def __exit__(self, *_: object) -> None:
        self.unplug()
        self._device.stop()
        self._folder.cleanup()

    def plug(self) -> None:
        """Plug the adapter in."""
        self._ending = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(self._usb))
        pipe = (self._socket, self._ending)
        threading.Thread(target=self._carry, args=pipe, name="usb-wearable", daemon=True).start()

    def unplug(self) -> None:
        """Pull the adapter out; unplugged twice is unplugged."""
        self._ending.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        self._socket = None

    def play(self, motion: Sequence[Sample]) -> float:
        """Begin to move; return the seconds that it takes."""
        return self._device.play(motion)

    def _carry(self, usb: socket.socket, ending: threading.Event) -> None:
        device = os.open(Path(self._folder.name) / "wt901", os.O_RDWR | os.O_NOCTTY)
        try:
            tty.setraw(device)
            while not ending.is_set():
                readable, _, _ = select.select([device, usb], [], [], 0.2)
                if device in readable:
                    usb.sendall(os.read(device, 4096))
                if usb in readable:
                    said = usb.recv(4096)
                    if not said:
                        return
                    os.write(device, said)
        except OSError:
            return  # unplugged, or the guest's power went
        finally:
            os.close(device)
