"""The outbox on a healthy disk; what a sick one does is in tests/faults."""

from __future__ import annotations

import sqlite3
import time
from typing import TYPE_CHECKING

import pytest

from agent.errors import StorageError
from agent.readings import Evicted, Restored, TechnicalPage
from agent.uplink.outbox import EVICT_DOWN_TO, OVERHEAD_BYTES, Outbox, open_outbox
from tests.unit.uplink.events import event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NO_LIMIT = 2**40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "outbox.db"


@pytest.fixture
def outbox(path: Path) -> Iterator[Outbox]:
    made = open_outbox(path, NO_LIMIT)
    yield made
    made.close()


def test_a_new_outbox_holds_nothing(outbox: Outbox) -> None:
    assert outbox.load() == Restored(boot_count=0)
    assert outbox.technical_page("", 10) == TechnicalPage((), more=False)
    assert outbox.size_bytes() == 0
    assert outbox.evict() == ()


def test_boots_are_counted_on_disk(outbox: Outbox, path: Path) -> None:
    assert [outbox.begin_boot(), outbox.begin_boot()] == [1, 2]
    outbox.close()
    again = open_outbox(path, NO_LIMIT)
    assert again.begin_boot() == 3
    assert again.load().boot_count == 3
    again.close()


def test_everything_comes_back_as_it_was_and_in_order(outbox: Outbox, path: Path) -> None:
    calls = [event(n, call=True, boot=boot) for boot in (1, 2) for n in (1, 3)]
    technical = [event(n, boot=boot, body='{"data": {"ø": "æå \\u0000"}}') for boot in (1, 2) for n in (2, 4, 5)]
    outbox.store([*reversed(technical), *reversed(calls)])
    outbox.save_note("open_calls", "[1]")
    outbox.save_note("open_calls", "[2]")
    outbox.save_note("budget", "")
    outbox.save_note("gone", "x")
    outbox.drop_note("gone")
    outbox.drop_note("never there")
    outbox.close()
    again = open_outbox(path, NO_LIMIT)
    assert again.load() == Restored(0, tuple(calls), technical_waiting=True, notes={"open_calls": "[2]", "budget": ""})
    assert again.technical_page("", 100) == TechnicalPage(tuple(technical), more=False)
    again.close()


def test_technical_events_come_in_pages(outbox: Outbox) -> None:
    technical = [event(n) for n in range(7)]
    outbox.store([*technical, event(100, call=True)])
    first = outbox.technical_page("", 3)
    second = outbox.technical_page(first.events[-1].sequence, 4)
    assert (first.events, first.more) == (tuple(technical[:3]), True)
    assert (second.events, second.more) == (tuple(technical[3:]), False)
    assert outbox.technical_page(technical[-1].sequence, 4) == TechnicalPage((), more=False)


def test_storing_twice_keeps_the_first(outbox: Outbox) -> None:
    outbox.store([event(1, call=True)])
    before = outbox.size_bytes()
    outbox.store([event(1, call=True, body="another body"), event(1, call=True)])
    assert outbox.load().calls == (event(1, call=True),)
    assert outbox.size_bytes() == before


def test_forgetting_deletes_calls_and_technical_events_alike(outbox: Outbox) -> None:
    outbox.store([event(1, call=True), event(2, call=True), event(3), event(4)])
    outbox.forget([event(1, call=True).event_id, event(3).event_id, "never there"])
    assert outbox.load().calls == (event(2, call=True),)
    assert outbox.technical_page("", 10).events == (event(4),)
    outbox.forget([event(2, call=True).event_id, event(4).event_id])
    assert outbox.size_bytes() == 0
    assert not outbox.load().technical_waiting


def test_the_size_counts_bytes_and_not_characters(outbox: Outbox) -> None:
    outbox.store([event(1, body="å" * 10)])
    wrapping = '{"data": {"text": ""}}'
    assert outbox.size_bytes() == len(wrapping) + 20 + OVERHEAD_BYTES


def fail_in_the_middle(outbox: Outbox) -> None:
    with outbox.transaction():
        outbox.store([event(2, call=True)])
        outbox.forget([event(1).event_id])
        outbox.save_note("key", "body")
        raise ZeroDivisionError


def test_a_transaction_is_whole_or_nothing(outbox: Outbox) -> None:
    outbox.store([event(1)])
    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle(outbox)
    assert outbox.load() == Restored(0, technical_waiting=True)
    assert outbox.size_bytes() == len(event(1).body) + OVERHEAD_BYTES
    outbox.store([event(3, call=True)])  # and it works on
    assert len(outbox.load().calls) == 1


def of_size(count: int) -> int:
    """Return the limit that holds `count` events of `event()`'s body exactly."""
    return count * (len(event(1).body) + OVERHEAD_BYTES)


def test_over_the_limit_the_oldest_technical_events_go_and_the_range_is_told(path: Path) -> None:
    outbox = open_outbox(path, of_size(100))
    outbox.store([event(n, call=n in (1, 50)) for n in range(1, 101)])
    assert outbox.evict() == ()
    outbox.store([event(101)])
    # Down to 95 of 101, and the call with number 1 stays.
    assert outbox.evict() == (Evicted(event(2).sequence, event(7).sequence, 6),)
    assert outbox.size_bytes() == of_size(int(100 * EVICT_DOWN_TO))
    assert len(outbox.load().calls) == 2
    assert outbox.technical_page("", 1).events == (event(8),)
    assert outbox.evict() == ()
    outbox.close()


def test_each_boot_has_its_own_range(path: Path) -> None:
    outbox = open_outbox(path, of_size(20))
    outbox.store([event(n, boot=boot) for boot in (1, 2, 3) for n in range(10)])
    assert outbox.evict() == (
        Evicted(event(0, boot=1).sequence, event(9, boot=1).sequence, 10),
        Evicted(event(0, boot=2).sequence, event(0, boot=2).sequence, 1),
    )
    outbox.close()


def test_calls_stay_even_where_they_alone_are_over_the_limit(path: Path) -> None:
    outbox = open_outbox(path, of_size(10))
    calls = [event(n, call=True) for n in range(30)]
    outbox.store([*calls, event(90), event(91)])
    assert outbox.evict() == (Evicted(event(90).sequence, event(91).sequence, 2),)
    assert outbox.load().calls == tuple(calls)
    assert outbox.evict() == ()
    outbox.close()


def test_evicting_from_a_hundred_thousand_looks_at_no_body(path: Path) -> None:
    outbox = open_outbox(path, of_size(100_000))
    outbox.store(event(n) for n in range(100_001))
    plan = outbox._connection.execute(
        "EXPLAIN QUERY PLAN SELECT sequence, size FROM events WHERE is_call = 0 ORDER BY sequence"
    ).fetchall()
    assert [row[3] for row in plan] == ["SEARCH events USING COVERING INDEX events_in_order (is_call=?)"]
    began = time.monotonic()
    gone = outbox.evict()
    assert time.monotonic() - began < 2
    assert gone == (Evicted(event(0).sequence, event(5000).sequence, 5001),)
    outbox.close()


def test_file_and_directory_are_for_us_only(outbox: Outbox, path: Path) -> None:
    outbox.store([event(1)])
    assert path.parent.stat().st_mode & 0o777 == 0o700
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["outbox.db", "outbox.db-shm", "outbox.db-wal"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_file_that_others_may_read_is_closed_to_them(path: Path) -> None:
    open_outbox(path, NO_LIMIT).close()
    path.chmod(0o644)
    open_outbox(path, NO_LIMIT).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_commit_is_synced(outbox: Outbox) -> None:
    pragmas = {
        name: outbox._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")
    }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2}


def test_a_reader_in_another_process_neither_blocks_nor_sees_half(outbox: Outbox, path: Path) -> None:
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM events").fetchone() == (0,)
    outbox.store([event(1)])
    assert reader.execute("SELECT count(*) FROM events").fetchone() == (0,)
    reader.execute("COMMIT")
    assert reader.execute("SELECT count(*) FROM events").fetchone() == (1,)
    reader.close()


def test_a_program_that_holds_the_file_is_named_as_the_reason(outbox: Outbox, path: Path) -> None:
    outbox._connection.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="another program holds it; close that program"):
        outbox.store([event(1)])
    other.close()
    outbox.store([event(1)])
