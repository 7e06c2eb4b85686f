"""Plays systemd for one unit: hears its pings, and kills and starts anew what does not ping, as the service file says.

Rules of this file: figures are those of `systemd/nodkald-agent.service`: WatchdogSec, SIGABRT and TimeoutStopSec before
SIGKILL, RestartSec. Only this thread starts and ends the unit.
"""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from tests.home import REPOSITORY

if TYPE_CHECKING:
    from tests.home import Home


def _of_service(key: str) -> float:
    lines = (REPOSITORY / "systemd" / "nodkald-agent.service").read_text().splitlines()
    return next(float(line.partition("=")[2]) for line in lines if line.startswith(f"{key}="))


WATCHDOG_S = _of_service("WatchdogSec")
STOP_S = _of_service("TimeoutStopSec")
RESTART_S = _of_service("RestartSec")
START_S = 90.0
"""systemd's own default for READY=1 to come."""


class Systemd:
    """Use it in a `with`: the unit runs from begin to end, whatever becomes of it meanwhile."""

    def __init__(self, home: Home, watchdog_s: float = WATCHDOG_S) -> None:
        self.watchdog_s = watchdog_s
        self.pings: list[float] = []
        self.ready: list[float] = []
        """When the unit said that it is armed, once for each start."""
        self.started: list[float] = []
        self.killed: list[float] = []
        """When the watchdog struck."""
        self._home = home
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trial-systemd", daemon=True)
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._line.bind(f"\0nodkald-trial-{id(self)}-{time.monotonic_ns()}")
        self._line.settimeout(0.05)
        home.environment["NOTIFY_SOCKET"] = "@" + self._line.getsockname()[1:].decode()
        home.environment["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))

    def longest_silence(self, since: float) -> float:
        """Return the longest time between two pings from `since` on, and until now."""
        heard = [since, *(at for at in list(self.pings) if at > since), time.monotonic()]
        return max(later - earlier for earlier, later in pairwise(heard))

    def __enter__(self) -> Self:
        self._start()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join(STOP_S + 10)
        self._line.close()
        if self._home.process is not None:
            self._home.kill()

    def _start(self) -> None:
        self._home.launch()
        self.started.append(time.monotonic())
        self._strike_at = time.monotonic() + START_S

    def _run(self) -> None:
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                self._hear(self._line.recv(256))
            process = self._home.process
            if process is None or process.poll() is not None:
                self._home.process = None
                self._again()
            elif time.monotonic() >= self._strike_at:
                self.killed.append(time.monotonic())
                process.send_signal(signal.SIGABRT)
                try:
                    process.wait(STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()

    def _hear(self, message: bytes) -> None:
        now, told = time.monotonic(), message.split(b"\n")
        if b"READY=1" in told:
            self.ready.append(now)
        elif b"WATCHDOG=1" in told:
            self.pings.append(now)
        else:
            return
        self._strike_at = now + self.watchdog_s

    def _again(self) -> None:
        if not self._ending.wait(RESTART_S):
            self._start()
