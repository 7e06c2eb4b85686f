"""systemd is told how we are, and a systemd that does not listen costs the unit nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.notify import notify


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def test_it_hears_us(systemd: socket.socket) -> None:
    notify("READY=1")
    assert systemd.recv(100) == b"READY=1"


def test_one_that_does_not_read_holds_nobody_up(systemd: socket.socket) -> None:
    # The kernel queues net.unix.max_dgram_qlen messages; the next one must neither wait nor burn a core.
    queued = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text())
    began = time.monotonic()
    for _ in range(queued + 3):
        notify("WATCHDOG=1")
    assert time.monotonic() - began < 0.5


def test_without_systemd_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")


def test_a_socket_that_is_gone_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify("READY=1")
