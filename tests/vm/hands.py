"""The hands on a virtual Pi's cords, and eyes on its light: the host's end of `overlay/usr/local/sbin/bench-hands`.

Rules of this file: times are the host's `time.monotonic()` when a line came, some milliseconds after the pin changed.
Survives the guest: after a cut it waits for the next one on the same socket.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

LIGHT = 24
CORD, OTHER_CORD, BUTTON, RESET = 17, 27, 22, 23
NORMALLY_CLOSED = (CORD, OTHER_CORD)


class Hands:
    """Works the switches; `levels` grows by (seconds, level) for each change of the light."""

    def __init__(self, path: Path) -> None:
        self.levels: list[tuple[float, bool]] = []
        self._path = path
        self._done: list[str] = []
        self._socket: socket.socket | None = None

    def connect(self, within_s: float = 120.0) -> None:
        """Wait for the guest's end. Call it after each power-on."""
        self.disconnect()
        eventually(self._connected, within=within_s, every=0.05)
        assert self._socket is not None
        seen = self._done.count("ready")
        threading.Thread(target=self._read, args=(self._socket,), name="hands", daemon=True).start()
        deadline = time.monotonic() + within_s
        while self._done.count("ready") == seen:  # who connects before the guest has opened its end is not heard
            self._say("lines")
            threading.Event().wait(0.5)
            assert time.monotonic() < deadline, "the guest's hands do not answer"

    def disconnect(self) -> None:
        """Let go of the socket."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
        self._socket = None

    def edges(self, since: float = 0.0) -> list[tuple[float, bool]]:
        """Return the changes of the light since then."""
        return [(at, level) for at, level in list(self.levels) if at >= since]

    def dark(self) -> None:
        """Note that the light is off: the power was cut."""
        if self._shows_light():
            self.levels.append((time.monotonic(), False))

    def pull(self, line: int) -> float:
        """Pull a cord or press a button; return the moment at which the guest's switch had moved."""
        return self._move(line, actuated=True)

    def release(self, line: int) -> float:
        """Let go; return the moment."""
        return self._move(line, actuated=False)

    def _move(self, line: int, *, actuated: bool) -> float:
        closed = (line in NORMALLY_CLOSED) != actuated
        word = f"{'closed' if closed else 'opened'} {line}"
        before = self._done.count(word)
        self._say(f"{'close' if closed else 'open'} {line}")
        eventually(lambda: self._done.count(word) > before, within=15, every=0.001)
        return time.monotonic()

    def _connected(self) -> bool:
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(self._path))
        except OSError:
            self._socket.close()
            return False
        return True

    def _say(self, order: str) -> None:
        assert self._socket is not None
        self._socket.sendall(order.encode() + b"\n")

    def _read(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError), connection.makefile("r") as lines:
            for line in lines:
                now = time.monotonic()
                word, *rest = line.split()
                if word != "level":
                    self._done.append(line.strip())
                elif self._shows_light() != (rest[1] == "1"):  # `lines` has the level told again
                    self.levels.append((now, rest[1] == "1"))

    def _shows_light(self) -> bool:
        return bool(self.levels) and self.levels[-1][1]
