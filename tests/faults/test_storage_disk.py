"""The storage worker on disks that are really full, limited, read-only, damaged, or lose their writer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.effects import ForgetEvents, SaveNote
from agent.errors import StorageDamaged
from agent.readings import Restored, StorageTrouble, StorageWell, Stored
from agent.uplink import storage
from agent.uplink.outbox import Outbox, open_outbox
from tests.faults.storage import NO_LIMIT, SmallDisk, Worker
from tests.unit.uplink.events import chance, event
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from agent.readings import OutboxEvent

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
    number = worker.restored.boot_count
    assert worker.restored == Restored(number, (event(1, call=True),), notes={"open_calls": "[1]"})
    assert number > 1_000_000, "a boot that can't be counted has a number that counting does not reach"
    assert worker.inbox.wait(StorageTrouble).full
    with worker:
        worker.store(event(2, call=True))
        disk.make_room()
        worker.inbox.wait(StorageWell)
        worker.wait_stored([event(2, call=True)])
        assert worker.inbox.all(Restored) == []
    assert kept(path).boot_count == number, "and counting goes on from there"


def test_a_disk_without_any_room_at_start_is_read_once_there_is(disk: SmallDisk) -> None:
    path = disk.path / "outbox.db"
    with Worker(path) as first:
        first.store(event(1, call=True))
        first.storage.submit(SaveNote("open_calls", "[1]"))
    disk.fill()
    worker = Worker(path)
    number = worker.restored.boot_count
    assert worker.restored == Restored(number, (event(1, call=True),), notes={"open_calls": "[1]"})
    assert worker.inbox.wait(StorageTrouble).full
    with worker:
        worker.store(event(2, call=True, boot=number))
        worker.storage.submit(SaveNote("open_calls", "[2]"))
        disk.make_room()
        # What was read at start is not handed over twice.
        assert worker.inbox.wait(Restored) == Restored(number)
        worker.wait_stored([event(2, call=True, boot=number)])
        worker.inbox.wait(StorageWell)
    later = (event(1, call=True), event(2, call=True, boot=number))
    assert kept(path) == Restored(number, later, notes={"open_calls": "[2]"})


def test_a_disk_that_turns_read_only_is_trouble_and_its_calls_go_out(disk: SmallDisk) -> None:
    path = disk.path / "outbox.db"
    with Worker(path) as worker:
        worker.store(event(1, call=True), event(7))
        worker.wait_stored([event(1, call=True)])
    disk.read_only(on=True)
    with Worker(path) as worker:
        trouble = worker.inbox.wait(StorageTrouble)
        assert not trouble.full
        assert "mounted for writing" in trouble.detail
        assert worker.restored.calls == (event(1, call=True),)
        worker.store(event(2, call=True))
        worker.storage.submit(ForgetEvents((event(1, call=True).event_id,)))
        disk.read_only(on=False)
        worker.inbox.wait(StorageWell)
        worker.wait_stored([event(2, call=True)])
        assert worker.inbox.wait(Restored).calls == ()
    assert kept(path).calls == (event(2, call=True),)


@pytest.mark.parametrize("damage", ["garbage", "header", "page"])
def test_a_damaged_file_is_rescued_at_start(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "outbox.db"
    with Worker(path) as first:
        first.store(*(event(n, call=True) for n in range(200)))
        first.wait_stored(event(n, call=True) for n in range(200))
    at, length = {"garbage": (0, 100_000), "header": (0, 100), "page": (8192, 12_000)}[damage]
    content = bytearray(path.read_bytes())
    content[at : at + length] = b"\xa5" * min(length, len(content) - at)
    path.write_bytes(content)
    with Worker(path) as worker:
        trouble = worker.inbox.wait(StorageTrouble)
        assert not trouble.full
        assert "is damaged" in trouble.detail
        assert "outbox.db.damaged-1" in trouble.detail
        assert (tmp_path / "outbox.db.damaged-1").read_bytes() == content
        worker.store(event(1000, call=True))
        worker.inbox.wait(StorageWell)
        worker.wait_stored([event(1000, call=True)])
    assert worker.restored.boot_count == (worker.restored.boot_count if damage == "garbage" else 2)
    assert len(worker.restored.calls) == {"garbage": 0, "header": 200, "page": 200}[damage]
    assert kept(path).calls == (*worker.restored.calls, event(1000, call=True))
    assert kept(path).boot_count == worker.restored.boot_count


def test_damage_that_shows_in_use_is_rescued_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with Worker(path) as worker:
        worker.store(*(event(n, call=True) for n in range(100)))
        worker.wait_stored(event(n, call=True) for n in range(100))
        assert worker.storage._outbox is not None
        worker.storage._outbox._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        worker.storage._outbox._connection.execute("PRAGMA shrink_memory")
        content = bytearray(path.read_bytes())
        for number in range(2, len(content) // 4096):
            content[number * 4096 : number * 4096 + 16] = b"\xa5" * 16
        with path.open("r+b") as file:
            file.write(content)
        worker.store(event(1000, call=True))
        worker.wait_stored([event(1000, call=True)])
        worker.inbox.wait(StorageWell)
        assert "is damaged" in worker.inbox.wait(StorageTrouble).detail
        assert worker.inbox.all(Restored) == [], "the core has them in memory"
    assert event(1000, call=True) in kept(path).calls


def test_what_is_damaged_again_and_again_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A card that is dying must not wear itself out with rescues, nor push the first damaged file out."""
    real = Outbox.store

    def store(outbox: Outbox, events: Iterable[OutboxEvent]) -> None:
        real(outbox, events)
        if any(event.event_id == "call-1-1" for event in events):
            raise StorageDamaged("it is damaged once more")

    monkeypatch.setattr(Outbox, "store", store)
    with Worker(tmp_path / "outbox.db") as worker:
        worker.store(event(1, call=True))
        eventually(
            lambda: worker.storage._rescues == storage.RESCUES and worker.storage._failures > storage.RESCUES + 1
        )
    assert len(list(tmp_path.glob("*.damaged-?"))) == storage.RESCUES
    assert worker.storage._rescues == storage.RESCUES


@pytest.mark.parametrize("seed", range(6))
def test_bytes_that_flip_anywhere_never_end_the_worker(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "outbox.db"
    luck = chance(seed)
    for boot in range(1, 8):
        with Worker(path) as worker:
            worker.store(*(event(n, call=n % 2 == 0, boot=boot, body="x" * 300) for n in range(40)))
            worker.wait_stored([event(38, call=True, boot=boot)])
            if luck.random() < 0.5:
                worker.inbox.wait(Stored)
        for file in tmp_path.glob("outbox.db*"):
            content = bytearray(file.read_bytes())
            for _ in range(luck.choice((1, 10, 100)) if content else 0):
                content[luck.randrange(len(content))] = luck.randrange(256)
            file.write_bytes(content)
    assert len(list(tmp_path.iterdir())) < 12, "what is kept has a bound"


def test_a_newer_file_is_left_alone_and_another_used_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = open_outbox(path, NO_LIMIT)
    outbox.store([event(1, call=True)])
    outbox._connection.execute("PRAGMA user_version = 99")
    outbox.close()
    before = path.read_bytes()
    with Worker(path) as worker:
        assert worker.restored.calls == (event(1, call=True),)
        detail = worker.inbox.wait(StorageTrouble).detail
        assert "has version 99" in detail
        assert "outbox.v1.db is used beside it" in detail
        worker.store(event(2, call=True))
        worker.inbox.wait(StorageWell)
    assert path.read_bytes() == before
    assert kept(tmp_path / "outbox.v1.db").calls == (event(1, call=True), event(2, call=True))


LIMITED = """
import resource, sys
from pathlib import Path
from agent.readings import StorageTrouble, StorageWell
from tests.faults.storage import Worker
from tests.unit.uplink.events import chance, event
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
from tests.unit.uplink.events import chance, event
room = threading.Semaphore(500)
def post(item):
    if isinstance(item, Stored):
        print(*item.event_ids, flush=True)
        room.release(len(item.event_ids))
worker = StorageWorker(Path(sys.argv[1]), 2**40, post, SystemClock())
boot = worker.load().boot_count
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
