"""A whole unit on a disk that is full: the call goes out, the fault is told, and it mends itself."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from agent.events import CallData
from tests.faults.storage import RealDisk
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broker.mosquitto import Mosquitto

CORD = "bathroom-cord"


@pytest.fixture
def disk_that_hangs(tmp_path: Path) -> Iterator[RealDisk]:
    """An ext4 for the outbox."""
    real = RealDisk(tmp_path / "state")
    if os.geteuid() != 0 or not real.mount():
        pytest.skip("a disk of its own (ext4 in a file, by a loop device) can only be mounted as root")
    yield real
    real.unmount()


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


def test_a_damaged_outbox_is_told_and_its_calls_arrive(tmp_path: Path, broker: Mosquitto) -> None:
    home = Home(tmp_path, broker.port)
    with home:  # nobody acknowledges
        home.pull_and_release(CORD)
        eventually(lambda: home.stored("call.raised"))
        (event_id, sequence) = home.stored("call.raised")[0]
        home.kill()
    content = bytearray(home.outbox.read_bytes() or bytes(8192))
    content[:4096] = b"\xa5" * 4096
    home.outbox.write_bytes(content)
    log = home.outbox.with_name("outbox.db-wal")
    log.write_bytes(b"\xa5" * 200 + log.read_bytes()[200:])  # the log's header and its first frame
    with Centre(broker.port) as centre, home:
        fault = centre.fault("storage.failing")
        assert "outbox.db.damaged-1" in (getattr(fault.data, "detail", "") or "")
        assert [(e.id, e.sequence) for e in [centre.wait("call.raised")]] == [(event_id, sequence)]
        centre.fault("storage.failing", "tech.restored")
        assert int((fault.sequence or "")[:8]) == 2, "the boot count was found again"


def test_a_disk_that_hangs_at_start_delays_no_call(
    tmp_path: Path, disk_that_hangs: RealDisk, broker: Mosquitto
) -> None:
    home = Home(tmp_path, broker.port)
    with home:
        home.stop()
    disk_that_hangs.hang()
    began = time.monotonic()
    with Centre(broker.port) as centre, home:
        assert time.monotonic() - began < 2 + 2, "armed: two seconds for the disk, and the start itself"
        home.pull_and_release(CORD)
        raised = centre.wait("call.raised")
        assert "has not answered" in (getattr(centre.fault("storage.failing").data, "detail", "") or "")
        disk_that_hangs.go_on()
        centre.fault("storage.failing", "tech.restored")
        assert int((raised.sequence or "")[:8]) > 1_000_000
