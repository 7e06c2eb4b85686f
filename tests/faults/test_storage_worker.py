"""The storage worker's own rules: what it answers, in which order, and what it does while the disk hangs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from agent.effects import DropNote, FetchTechnical, ForgetEvents, SaveNote, StoreEvent
from agent.errors import StorageError
from agent.readings import Evicted, Restored, StorageTrouble, StorageWell, Stored, TechnicalPage
from agent.system_clock import SystemClock
from agent.uplink import storage
from agent.uplink.outbox import Outbox, open_outbox
from agent.uplink.storage import StorageWorker
from tests.faults.storage import NO_LIMIT, Worker
from tests.inbox import Inbox
from tests.unit.uplink.events import event
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.db"


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BACKOFF_FIRST_S", 0.05)


class Hanging:
    """A gate in front of each commit. While it is closed, the disk hangs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        self.waiting = threading.Event()
        self.groups: list[list[str]] = []
        real = Outbox.store

        def store(outbox: Outbox, events: Any) -> None:
            listed = list(events)
            self.groups.append([event.event_id for event in listed])
            self.waiting.set()
            assert self.open.wait(20)
            real(outbox, listed)

        monkeypatch.setattr(Outbox, "store", store)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    gate = Hanging(monkeypatch)
    yield gate
    gate.open.set()


class Failing:
    """Lets `Outbox.store` fail as long as `error` is set, with everything or only with some events."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.error: Exception | None = None
        self.only: str | None = None
        self.attempts = 0
        real = Outbox.store

        def store(outbox: Outbox, events: Any) -> None:
            listed = list(events)
            self.attempts += 1
            if self.error is not None and (self.only is None or self.only in {e.event_id for e in listed}):
                raise self.error
            real(outbox, listed)

        monkeypatch.setattr(Outbox, "store", store)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Failing:
    return Failing(monkeypatch)


def reopened(path: Path) -> tuple[Restored, TechnicalPage]:
    outbox = open_outbox(path, NO_LIMIT)
    found = outbox.load(), outbox.technical_page("", 10_000)
    outbox.close()
    return found


def test_each_start_is_a_boot_and_finds_what_the_last_one_left(path: Path) -> None:
    with Worker(path) as first:
        assert first.restored == Restored(1)
        first.store(event(1, call=True), event(2))
        first.storage.submit(SaveNote("open_calls", "[1]"))
        first.storage.submit(SaveNote("gone", "x"))
        first.storage.submit(DropNote("gone"))
        first.wait_stored([event(1, call=True), event(2)])
    with Worker(path) as second:
        assert second.restored == Restored(
            2, (event(1, call=True),), technical_waiting=True, notes={"open_calls": "[1]"}
        )
        second.storage.submit(ForgetEvents((event(1, call=True).event_id, event(2).event_id)))
    assert reopened(path) == (Restored(2, notes={"open_calls": "[1]"}), TechnicalPage((), more=False))


def test_a_page_holds_what_was_submitted_before_it(path: Path) -> None:
    events = [event(n) for n in range(storage.GROUP_TECHNICAL + 10)]
    with Worker(path) as worker:
        worker.store(*events)
        worker.storage.submit(FetchTechnical("", 1000))
        assert worker.inbox.wait(TechnicalPage) == TechnicalPage(tuple(events), more=False)


def test_what_waits_becomes_one_transaction(path: Path, hanging: Hanging) -> None:
    with Worker(path) as worker:
        worker.store(event(1))
        assert hanging.waiting.wait(10)
        worker.store(event(2), event(3, call=True), event(4), event(5, call=True))
        hanging.open.set()
        worker.inbox.wait(Stored, 2)
        assert worker.inbox.all(Stored) == [
            Stored(("tech-1-1",)),
            Stored(("call-1-3", "call-1-5", "tech-1-2", "tech-1-4")),
        ]


def test_submit_never_waits_for_a_disk_that_hangs_and_the_hang_can_be_seen(path: Path, hanging: Hanging) -> None:
    with Worker(path) as worker:
        assert worker.storage.busy_since() is None
        worker.store(event(1))
        assert hanging.waiting.wait(10)
        assert worker.storage.busy_since() is not None
        worker.store(*(event(n, call=True) for n in range(100)))  # returns although the disk hangs
        assert worker.storage.stop(0.05) is False
        hanging.open.set()
        worker.wait_stored(event(n, call=True) for n in range(100))
        eventually(lambda: worker.storage.busy_since() is None)


def test_while_the_disk_hangs_the_oldest_technical_requests_go_and_no_call(
    path: Path, hanging: Hanging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "TECHNICAL_WAITING", 20)
    calls = [event(n, call=True) for n in range(1000, 1100)]
    with Worker(path) as worker:
        worker.store(event(0))
        assert hanging.waiting.wait(10)
        worker.store(*calls, *(event(n, boot=1) for n in (1, 2)), *(event(n, boot=2) for n in range(3, 22)))
        assert worker.inbox.all(Evicted) == [
            Evicted(event(1).sequence, event(2).sequence, 2),
            Evicted(event(3, boot=2).sequence, event(3, boot=2).sequence, 1),
        ]
        worker.store(event(22, boot=2), event(23, boot=2))
        assert len(worker.inbox.all(Evicted)) == 2  # a tenth went at once
        hanging.open.set()
        worker.wait_stored(calls)
    restored, page = reopened(path)
    assert restored.calls == tuple(calls)
    assert page.events == (event(0), *(event(n, boot=2) for n in range(4, 24)))


def test_what_the_centre_has_before_it_was_written_is_not_kept(path: Path, hanging: Hanging) -> None:
    with Worker(path) as worker:
        worker.store(event(1))
        assert hanging.waiting.wait(10)
        worker.store(event(2, call=True), event(3, call=True))
        worker.storage.submit(ForgetEvents((event(1).event_id, event(2, call=True).event_id)))
        hanging.open.set()
        worker.wait_stored([event(3, call=True)])
    assert hanging.groups[1] == ["call-1-3"]
    assert reopened(path) == (Restored(1, (event(3, call=True),)), TechnicalPage((), more=False))


def test_the_limit_evicts_after_storing(path: Path) -> None:
    with Worker(path, limit_bytes=10_000) as worker:
        worker.store(*(event(n, body="x" * 600) for n in range(11)))
        worker.wait_stored(event(n) for n in range(11))
        assert worker.inbox.wait(Evicted).first == event(0).sequence
    restored, page = reopened(path)
    assert restored.technical_waiting
    assert len(page.events) + sum(item.count for item in worker.inbox.all(Evicted)) == 11


def test_trouble_is_told_once_and_ends_with_everything_written(path: Path, failing: Failing) -> None:
    with Worker(path) as worker:
        failing.error = StorageError("the card is gone")
        worker.store(event(1, call=True), event(2))
        assert worker.inbox.wait(StorageTrouble) == StorageTrouble("the card is gone", full=False)
        worker.storage.submit(SaveNote("open_calls", "[1]"))
        eventually(lambda: failing.attempts >= 4)
        assert worker.stored() == []
        failing.error = None
        worker.inbox.wait(StorageWell)
        worker.wait_stored([event(1, call=True), event(2)])
        assert len(worker.inbox.all(StorageTrouble)) == 1
        assert len(worker.inbox.all(StorageWell)) == 1
        assert worker.inbox.all(Restored) == []
    assert reopened(path) == (
        Restored(1, (event(1, call=True),), technical_waiting=True, notes={"open_calls": "[1]"}),
        TechnicalPage((event(2),), more=False),
    )


def test_a_technical_event_that_can_not_be_written_holds_up_no_call(path: Path, failing: Failing) -> None:
    with Worker(path) as worker:
        failing.error, failing.only = ValueError("not of this world"), event(1).event_id
        worker.store(event(1), event(2, call=True))
        worker.wait_stored([event(2, call=True)])
        worker.store(event(3, call=True))
        worker.wait_stored([event(3, call=True)])
        assert not worker.inbox.all(StorageTrouble)[0].full
        failing.error = None
        worker.wait_stored([event(1)])


def test_a_new_call_does_not_wait_for_the_backoff(
    path: Path, failing: Failing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "BACKOFF_FIRST_S", 60.0)
    monkeypatch.setattr(storage, "BACKOFF_CEILING_S", 60.0)
    with Worker(path) as worker:
        failing.error = StorageError("fails")
        worker.store(event(1))
        worker.inbox.wait(StorageTrouble)
        failing.error = None
        worker.store(event(2, call=True))
        worker.wait_stored([event(1), event(2, call=True)])


def test_stopping_writes_what_waits_or_says_that_it_did_not(path: Path, failing: Failing) -> None:
    worker = Worker(path)
    worker.store(*(event(n) for n in range(1000)))
    assert worker.storage.stop()
    assert len(reopened(path)[1].events) == 1000

    worker = Worker(path)
    failing.error = StorageError("fails")
    worker.store(event(2000))
    worker.inbox.wait(StorageTrouble)
    assert worker.storage.stop() is False


def test_stopping_without_having_started_closes_the_file(path: Path) -> None:
    worker = Worker(path)
    worker.storage.stop()
    assert [file.name for file in path.parent.iterdir()] == ["outbox.db"]


def test_a_store_request_comes_twice_without_harm(path: Path) -> None:
    with Worker(path) as worker:
        worker.store(event(1, call=True))
        worker.storage.submit(StoreEvent(event(1, call=True)))
        eventually(lambda: worker.stored().count("call-1-1") == 2)
    assert reopened(path)[0].calls == (event(1, call=True),)


class YieldingCondition(threading.Condition):
    """Whoever submits makes way for the worker as soon as it gives the lock back."""

    def __exit__(self, *failure: object) -> None:
        super().__exit__(*failure)  # type: ignore[arg-type]  # because they are handed on as they came
        if threading.current_thread() is threading.main_thread():
            threading.Event().wait(0.05)


def test_what_is_submitted_together_is_written_in_one_transaction(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[tuple[int, int]] = []
    write = StorageWorker._write

    def noting(worker: StorageWorker, group: storage._Waiting) -> None:
        groups.append((len(group.calls), len(group.notes)))
        write(worker, group)

    monkeypatch.setattr(StorageWorker, "_write", noting)
    inbox = Inbox()
    worker = StorageWorker(path, NO_LIMIT, inbox.post, SystemClock())
    worker._changed = YieldingCondition()
    worker.load()
    worker.submit(StoreEvent(event(1, call=True)), SaveNote("call:1", "{}"))
    inbox.wait(Stored)
    assert worker.stop()
    assert groups == [(1, 1)]
