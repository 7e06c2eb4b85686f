"""A whole unit on a disk that is full: the call goes out, the fault is told, and it mends itself."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from agent.events import CallData
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broker.mosquitto import Mosquitto

CORD = "bathroom-cord"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte for the outbox."""
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(state)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let us mount a small disk")
    yield state
    subprocess.run(["umount", "-l", str(state)], check=True)


def fill(disk: Path) -> Path:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


def test_a_call_does_not_wait_for_a_full_disk(tmp_path: Path, small_disk: Path, broker: Mosquitto) -> None:
    with Centre(broker.port, answers=False) as centre, Home(tmp_path, broker.port) as home:
        eventually(lambda: home.logged("path_up"))
        ballast = fill(small_disk)
        home.pull_and_release(CORD)
        raised = centre.wait("call.raised")
        assert isinstance(raised.data, CallData)
        assert centre.fault("storage.full").subject == "outbox"
        assert home.stored("call.raised") == []
        eventually(lambda: home.logged("indication")[-1]["light"] == "sending")  # its PUBACK is promise enough
        ballast.unlink()
        centre.fault("storage.full", "tech.restored", within=20)
        assert home.stored("call.raised") == [(raised.id, raised.sequence)]
        centre.say("ack", {"event_id": raised.id, "ack": "received"})
        eventually(lambda: home.stored("call.raised") == [])


def test_a_unit_that_starts_on_a_full_disk_calls(tmp_path: Path, small_disk: Path, broker: Mosquitto) -> None:
    ballast = fill(small_disk)
    with Centre(broker.port) as centre, Home(tmp_path, broker.port) as home:
        home.pull_and_release(CORD)
        centre.wait("call.raised")
        centre.fault("storage.full")
        ballast.unlink()
        centre.fault("storage.full", "tech.restored", within=20)
