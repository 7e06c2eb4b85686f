"""A unit never says that it is armed while a cord can't be heard."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from agent.arming import Arming


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(0)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listener


def contact(name: str, *, readable: bool) -> Any:
    """Return what a driver says about itself."""
    return SimpleNamespace(name=name, readable=readable)


def test_every_cord_can_be_heard(systemd: socket.socket) -> None:
    arming = Arming([contact("bathroom-cord", readable=True)])
    arming.tell()
    assert systemd.recv(200) == b"READY=1\nSTATUS=Armed: every cord and button can be heard"
    arming.tell()
    with pytest.raises(BlockingIOError):
        systemd.recv(200)


def test_a_deaf_cord_is_named_and_the_unit_is_ready_for_the_others(
    systemd: socket.socket, capsys: pytest.CaptureFixture[str]
) -> None:
    deaf = contact("bathroom-cord", readable=False)
    arming = Arming([deaf, contact("bedroom-button", readable=True)], boot=7)
    arming.tell()
    said = systemd.recv(200).decode()
    assert said.startswith("READY=1\nSTATUS=NOT ARMED: bathroom-cord;")
    assert "bedroom-button" not in said
    deaf.readable = True
    arming.tell()
    assert systemd.recv(200) == b"STATUS=Armed: every cord and button can be heard"
    deaf.readable = False
    arming.tell()
    assert systemd.recv(200).startswith(b"STATUS=NOT ARMED: bathroom-cord")
    assert capsys.readouterr().out.count("not_armed") == 2
