"""The storage worker on a medium that hangs (a frozen ext4) or gives I/O errors (its image cut off under it)."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from agent.effects import ForgetEvents, SaveNote
from agent.readings import Restored, StorageTrouble, StorageWell
from agent.uplink import storage
from agent.uplink.outbox import open_outbox
from tests.faults.storage import NO_LIMIT, RealDisk, Worker
from tests.unit.uplink.events import event
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWER_WITHIN_S = 0.3
"""Two seconds in real life."""


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BACKOFF_FIRST_S", 0.05)
    monkeypatch.setattr(storage, "ANSWER_WITHIN_S", ANSWER_WITHIN_S)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[RealDisk]:
    real = RealDisk(tmp_path / "disk")
    if os.geteuid() != 0 or not real.mount():
        pytest.skip("a disk of its own (ext4 in a file, by a loop device) can only be mounted as root")
    yield real
    real.unmount()


def test_a_disk_that_hangs_at_start_keeps_nobody_waiting(disk: RealDisk) -> None:
    path = disk.path / "outbox.db"
    with Worker(path) as first:
        first.store(event(1, call=True), event(2, call=True))
        first.storage.submit(SaveNote("call:1", "old"))
        first.storage.submit(SaveNote("running", "old"))
    disk.hang()
    began = time.monotonic()
    with Worker(path) as worker:
        assert time.monotonic() - began < ANSWER_WITHIN_S + 0.5
        number = worker.restored.boot_count
        assert worker.restored == Restored(number)
        assert number > 1_000_000
        assert "has not answered for 0.3 s" in worker.inbox.wait(StorageTrouble).detail
        assert worker.storage.busy_since() is not None, "the watch over the workers sees it too"
        worker.store(event(1, call=True, boot=number))
        worker.storage.submit(SaveNote("running", "new"))
        worker.storage.submit(ForgetEvents((event(2, call=True).event_id,)))  # it came to the centre after all
        assert worker.inbox.all(Restored) == []
        disk.go_on()
        # A note that the core has written anew is handed over as the last boot left it: so it learns how that ended.
        notes = {"call:1": "old", "running": "old"}
        assert worker.inbox.wait(Restored) == Restored(number, (event(1, call=True),), notes=notes)
        worker.wait_stored([event(1, call=True, boot=number)])
        worker.inbox.wait(StorageWell)
    outbox = open_outbox(path, NO_LIMIT)
    restored = outbox.load()
    outbox.close()
    assert restored.boot_count == number, "the next boot counts on from the number that was used"
    assert restored.notes == {"call:1": "old", "running": "new"}


def test_a_medium_that_fails_in_use_is_told_and_holds_up_nothing(disk: RealDisk) -> None:
    with Worker(disk.path / "outbox.db") as worker:
        worker.store(event(1, call=True))
        worker.wait_stored([event(1, call=True)])
        disk.tear()
        for number in range(2, 30):
            worker.store(event(number, call=True, body="x" * 100_000))
        trouble = worker.inbox.wait(StorageTrouble)
        assert not trouble.full
        assert "dmesg" in trouble.detail
        eventually(lambda: worker.storage._failures > 2)
        assert worker.storage._thread.is_alive()
        assert worker.inbox.all(StorageWell) == []


def test_a_medium_that_fails_at_start_is_told_and_holds_up_nothing(disk: RealDisk) -> None:
    path = disk.path / "outbox.db"
    with Worker(path) as first:
        first.store(*(event(n, call=True, body="x" * 9000) for n in range(300)))
        first.wait_stored(event(n, call=True) for n in range(300))
    disk.tear()
    with Worker(path) as worker:
        assert worker.restored.boot_count > 1_000_000
        assert not worker.inbox.wait(StorageTrouble).full
        worker.store(event(1, call=True, boot=9))
        assert worker.storage._thread.is_alive()
