"""The citizen's light of a simulated home, with the moment of each change, through kills and restarts of the unit.

Rules of this file: one daemon thread; a unit that is gone shows nothing, and its end is noted as `None`.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Self

from agent.effects import Light
from agent.local_socket import address
from agent.simulator.socket import SOCKET_NAME

if TYPE_CHECKING:
    from pathlib import Path

_AGAIN_S = 0.02


class Lights:
    """Watches the home that runs in `directory/run`; `shown` grows by (monotonic seconds, light or None)."""

    def __init__(self, directory: Path) -> None:
        self.shown: list[tuple[float, Light | None]] = []
        self._socket = directory / "run" / SOCKET_NAME
        self._connection: socket.socket | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="trial-lights", daemon=True)

    @property
    def now(self) -> Light | None:
        """What is shown; None if no unit shows anything."""
        return self.shown[-1][1] if self.shown else None

    def since(self, at: float) -> list[tuple[float, Light]]:
        """Return what was shown at `at` and after it, without the times when no unit was there."""
        standing = [entry for entry in list(self.shown) if entry[0] <= at][-1:]
        later = [entry for entry in list(self.shown) if entry[0] > at]
        return [(when, light) for when, light in (*standing, *later) if light is not None]

    def first(self, at: float, *wanted: Light) -> float | None:
        """Return when one of `wanted` was first shown after `at`."""
        return next((when for when, light in list(self.shown) if when > at and light in wanted), None)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)  # wakes the reader
        self._thread.join(5)

    def _watch(self) -> None:
        while not self._ending.wait(_AGAIN_S):
            with contextlib.suppress(OSError, ValueError), socket.socket(socket.AF_UNIX) as connection:
                with address(self._socket) as name:
                    connection.connect(name)
                self._connection = connection
                connection.sendall(b'{"do": "watch"}\n')
                for line in connection.makefile("rb"):
                    if line.strip():
                        self._note(Light(json.loads(line)["light"]))
            self._note(None)

    def _note(self, light: Light | None) -> None:
        if not self.shown or self.shown[-1][1] is not light:
            self.shown.append((time.monotonic(), light))
