"""The storage worker on disks that are really full, limited, read-only, damaged, or lose their writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.effects import SaveNote
from agent.readings import Restored, StorageTrouble, StorageWell
from agent.uplink import storage
from agent.uplink.outbox import open_outbox
from tests.faults.storage import NO_LIMIT, SmallDisk, Worker
from tests.unit.uplink.events import event

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BACKOFF_FIRST_S", 0.05)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "disk")
    if os.geteuid() != 0 or not small.mount():
        pytest.skip("a small disk of its own (tmpfs) can only be mounted as root")
    yield small
    small.unmount()


def kept(path: Path) -> Restored:
    outbox = open_outbox(path, NO_LIMIT)
    found = outbox.load()
    outbox.close()
    return found


def test_a_disk_that_fills_up_keeps_the_calls_waiting_until_there_is_room(disk: SmallDisk) -> None:
    path = disk.path / "outbox.db"
    with Worker(path) as worker:
        worker.store(event(1, call=True))
        worker.wait_stored([event(1, call=True)])
        disk.fill()
        big = [event(n, call=True, body="x" * 50_000) for n in range(2, 5)]
        worker.store(*big)
        trouble = worker.inbox.wait(StorageTrouble)
        assert trouble.full
        assert "is full; make room" in trouble.detail
        disk.make_room()
        worker.inbox.wait(StorageWell)
        worker.wait_stored(big)
    assert kept(path).calls == (event(1, call=True), *big)


def test_a_disk_that_is_full_at_start_still_hands_over_what_it_holds(disk: SmallDisk) -> None:
    path = disk.path / "outbox.db"
    with Worker(path) as first:
        first.store(event(1, call=True))
        first.storage.submit(SaveNote("open_calls", "[1]"))
    # Room for the shared memory that SQLite needs to read, and for nothing that it would write.
    (disk.path / "reserve").write_bytes(b"x" * 32_768)
    disk.fill()
    (disk.path / "reserve").unlink()
    worker = Worker(path)
    assert worker.restored == Restored(0, (event(1, call=True),), notes={"open_calls": "[1]"}), worker.inbox.kinds()
    assert worker.inbox.wait(StorageTrouble).full
    with worker:
        worker.store(event(2, call=True))
        disk.make_room()
        worker.inbox.wait(StorageWell)
        worker.wait_stored([event(2, call=True)])
        assert worker.inbox.all(Restored) == []
    assert kept(path).boot_count == 2


def test_a_disk_without_any_room_at_start_is_read_once_there_is(disk: SmallDisk) -> None:
    path = disk.path / "outbox.db"
    with Worker(path) as first:
        first.store(event(1, call=True))
        first.storage.submit(SaveNote("open_calls", "[1]"))
    disk.fill()
    worker = Worker(path)
    assert worker.restored == Restored(0)
    assert worker.inbox.wait(StorageTrouble).full
    with worker:
        worker.store(event(2, call=True, boot=0))
        worker.storage.submit(SaveNote("open_calls", "[2]"))
        disk.make_room()
        # The old notes are handed over before the new one takes their place.
        assert worker.inbox.wait(Restored) == Restored(2, (event(1, call=True),), notes={"open_calls": "[1]"})
        worker.wait_stored([event(2, call=True, boot=0)])
        worker.inbox.wait(StorageWell)
    assert kept(path) == Restored(2, (event(2, call=True, boot=0), event(1, call=True)), notes={"open_calls": "[2]"})


def test_a_disk_that_turns_read_only_is_trouble_but_not_full(disk: SmallDisk) -> None:
    path = disk.path / "outbox.db"
    with Worker(path) as worker:
        worker.store(event(1, call=True))
        worker.wait_stored([event(1, call=True)])
    disk.read_only(on=True)
    with Worker(path) as worker:
        trouble = worker.inbox.wait(StorageTrouble)
        assert not trouble.full
        worker.store(event(2, call=True))
        disk.read_only(on=False)
        worker.inbox.wait(StorageWell)
        worker.wait_stored([event(2, call=True)])
        assert worker.inbox.wait(Restored).calls == (event(1, call=True),)
    assert len(kept(path).calls) == 2


@pytest.mark.parametrize("damage", ["garbage", "header", "page", "directory"])
def test_a_damaged_file_is_reported_left_alone_and_replaced_by_hand(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "outbox.db"
    with Worker(path) as first:
        first.store(*(event(n, call=True) for n in range(200)))
        first.wait_stored(event(n, call=True) for n in range(200))
    if damage == "directory":
        path.unlink()
        path.mkdir()
    else:
        at, length = {"garbage": (0, 100_000), "header": (0, 100), "page": (8192, 12_000)}[damage]
        content = bytearray(path.read_bytes())
        content[at : at + length] = b"\xa5" * min(length, len(content) - at)
        path.write_bytes(content)
        before = path.read_bytes()
    worker = Worker(path)
    assert worker.restored == Restored(0)
    trouble = worker.inbox.wait(StorageTrouble)
    assert not trouble.full
    with worker:
        worker.store(event(1000, call=True))
        if damage != "directory":
            assert "is damaged" in trouble.detail
            assert "move it and the files outbox.db-wal and outbox.db-shm away" in trouble.detail
            assert path.read_bytes() == before
        path.rename(tmp_path / "away")
        worker.inbox.wait(StorageWell)
        worker.wait_stored([event(1000, call=True)])
    assert kept(path).calls == (event(1000, call=True),)


def test_a_newer_file_is_trouble_that_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = open_outbox(path, NO_LIMIT)
    outbox._connection.execute("PRAGMA user_version = 99")
    outbox.close()
    before = path.read_bytes()
    with Worker(path) as worker:
        assert "has version 99" in worker.inbox.wait(StorageTrouble).detail
        worker.store(event(1, call=True))
    assert path.read_bytes() == before


LIMITED = """
import resource, sys
from pathlib import Path
from agent.readings import StorageTrouble, StorageWell
from tests.faults.storage import Worker
from tests.unit.uplink.events import event
with Worker(Path(sys.argv[1])) as worker:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))
    big = [event(n, call=True, body="x" * 100_000) for n in range(5)]
    worker.store(*big)
    full = worker.inbox.wait(StorageTrouble).full
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    worker.inbox.wait(StorageWell)
    worker.wait_stored(big)
    print(f"full={full} and then stored")
"""


def test_a_file_that_may_not_grow_is_a_failing_disk(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, path], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stdout.splitlines()[-1:] == ["full=False and then stored"], done.stderr
    assert len(kept(path).calls) == 5


WRITER = """
import sys, threading
from pathlib import Path
from agent.effects import StoreEvent
from agent.readings import Stored
from agent.system_clock import SystemClock
from agent.uplink.storage import StorageWorker
from tests.unit.uplink.events import event
room = threading.Semaphore(500)
def post(item):
    if isinstance(item, Stored):
        print(*item.event_ids, flush=True)
        room.release(len(item.event_ids))
worker = StorageWorker(Path(sys.argv[1]), 2**40, post, SystemClock())
boot = worker.load().boot_count
worker.start()
number = 0
while room.acquire():
    number += 1
    worker.submit(StoreEvent(event(number, call=True, boot=boot, body="x" * 500)))
"""


def test_what_was_reported_stored_is_there_after_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    reported: set[str] = set()
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, path], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(20)]
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()
        reported.update(event_id for line in lines if line.endswith("\n") for event_id in line.split())
    restored = kept(path)
    assert restored.boot_count == 3
    assert reported <= {call.event_id for call in restored.calls}
    assert len(reported) > 100
    assert list(restored.calls) == sorted(restored.calls, key=lambda call: call.sequence)
