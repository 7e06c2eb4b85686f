"""A real mosquitto for a test: on a free loopback port, in its own directory, to be stopped, frozen and restarted.

`Mosquitto(directory, "line", "line", …)` takes further lines of mosquitto.conf. Without any it is plain, anonymous and
without persistence.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.broker.pki import Ca, Identity

HOST = "127.0.0.1"
OPERATIONS = Path(__file__).parents[2] / "docs" / "operations" / "mosquitto"
"""The listener and the rights that operators are given."""

_REPLACED = ("listener", "cafile", "certfile", "keyfile", "acl_file", "persistence_location")


def program() -> str:
    """Return the path of mosquitto; without one the test is skipped, or fails if NODKALD_REQUIRE_MOSQUITTO=1."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        if os.environ.get("NODKALD_REQUIRE_MOSQUITTO") == "1":
            pytest.fail("NODKALD_REQUIRE_MOSQUITTO=1, and there is no mosquitto: install the package `mosquitto`")
        pytest.skip("there is no mosquitto on this machine: install the package `mosquitto` to run this test")
    return found


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def tls_lines(ca: Ca, server: Identity) -> list[str]:
    return [f"cafile {ca.certificate}", f"certfile {server.certificate}", f"keyfile {server.key}"]


def shipped_lines() -> list[str]:
    """Return the shipped listener's lines, without its port and its paths."""
    lines = (OPERATIONS / "nodkald.conf").read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", *_REPLACED))]


class Mosquitto:
    def __init__(self, directory: Path, *lines: str, port: int | None = None) -> None:
        self.host = HOST
        self.port = free_port() if port is None else port
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self._log = directory / "mosquitto.log"
        self._config = directory / "mosquitto.conf"
        self.configure(*lines)
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, *lines: str) -> None:
        """Write mosquitto.conf anew, for the next start."""
        own = [f"listener {self.port} {HOST}"] if not any(line.startswith("listener ") for line in lines) else []
        if not any(line.startswith("allow_anonymous") for line in lines):
            own.append("allow_anonymous true")
        if os.geteuid() == 0:
            own.insert(0, "user root")  # else it would give up the right to read its own files
        self._config.write_text("\n".join([*own, *lines, ""]))

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> Mosquitto:
        assert not self.running
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([program(), "-v", "-c", str(self._config)], stdout=log, stderr=log)
        eventually(self._listens, within=10)
        return self

    def stop(self) -> None:
        """End it as systemd would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def reload(self) -> None:
        """Have it read its ACL and passwords anew, as `systemctl reload` does; connections stay."""
        self._send(signal.SIGHUP)

    def freeze(self) -> None:
        """Leave every connection half-open: the kernel goes on acknowledging, nobody reads."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def _listens(self) -> bool:
        assert self.running, f"mosquitto ended at start:\n{self.log}"
        with socket.socket() as sock:
            sock.settimeout(1)
            return sock.connect_ex((self.host, self.port)) == 0

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(number)
            self._process.send_signal(signal.SIGCONT)
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(5)
        self._process = None
