"""What is read from the bytes of an outbox is what SQLite reads; of a damaged one, everything that is whole."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING

import pytest

from agent.errors import StorageError
from agent.uplink.file_image import PAGE, committed_pages, rows
from agent.uplink.outbox import Outbox, open_outbox, wal_of
from agent.uplink.salvage import Salvage
from tests.unit.uplink.events import chance, event

if TYPE_CHECKING:
    from pathlib import Path

    from agent.readings import OutboxEvent

NO_LIMIT = 2**40


def calls(count: int) -> list[OutboxEvent]:
    """Return call events of all sizes: some go over several pages."""
    return [event(n, call=True, body=f"call {n} " + "x" * (n * 37 % 9000)) for n in range(1, count + 1)]


def filled(path: Path, count: int = 60) -> Outbox:
    """Return an outbox with calls, technical events and notes, some of them deleted again, boot 3."""
    outbox = open_outbox(path, NO_LIMIT)
    outbox.store([*calls(count), *(event(n, body="t" * 300) for n in range(100, 160))])
    for n in range(10):
        outbox.save_note(f"call:{n}", "n" * 200)
    outbox.forget(call.event_id for call in calls(count)[::5])
    outbox.drop_note("call:0")
    for _ in range(3):
        outbox.begin_boot()
    return outbox


def copied(path: Path, to: Path) -> Path:
    """Copy the file and its log as a power cut would leave them."""
    to.mkdir()
    shutil.copy(path, to / path.name)
    if wal_of(path).exists():
        shutil.copy(wal_of(path), wal_of(to / path.name))
    return to / path.name


@pytest.mark.parametrize("closed", [True, False])
def test_a_whole_outbox_is_read_as_sqlite_reads_it(tmp_path: Path, closed: bool) -> None:  # noqa: FBT001 - pytest's way
    path = tmp_path / "outbox.db"
    outbox = filled(path)
    kept, technical = outbox.load(), outbox.technical_page("", 1000).events
    if closed:
        outbox.close()
    cut = copied(path, tmp_path / "cut")
    assert wal_of(cut).exists() is not closed
    with Salvage(cut) as salvage:
        assert salvage.calls == kept.calls
        assert salvage.notes == kept.notes
        assert salvage.boot_count == 3
        assert salvage.unreadable == 0
        assert sorted(salvage.technical(), key=lambda e: e.sequence) == list(technical)
    if not closed:
        outbox.close()


def test_what_was_deleted_never_comes_back(tmp_path: Path) -> None:
    """Else an old call would be raised once more, by damage to the page that says that it is gone."""
    path = tmp_path / "outbox.db"
    outbox = open_outbox(path, NO_LIMIT)
    for boot in range(1, 6):
        mine = [event(n, call=True, boot=boot, body="x" * (n * 101 % 6000)) for n in range(80)]
        outbox.store(mine)
        outbox.forget(call.event_id for call in chance(boot).sample(mine, 70))
    kept = outbox.load().calls
    outbox.close()
    with Salvage(path) as salvage:
        assert salvage.calls == kept
    for number in range(1, path.stat().st_size // PAGE + 1):  # and not by the loss of any one page either
        hurt = damaged(path, tmp_path / f"hurt-{number}", {number})
        with Salvage(hurt) as salvage:
            assert set(salvage.calls) <= set(kept)


def damaged(path: Path, to: Path, pages: set[int]) -> Path:
    content = bytearray(path.read_bytes())
    for number in pages:
        content[(number - 1) * PAGE : number * PAGE] = b"\xa5" * PAGE
    to.mkdir()
    (to / path.name).write_bytes(content)
    return to / path.name


def test_every_call_whose_pages_are_whole_is_found(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = open_outbox(path, NO_LIMIT)
    small = [event(n, call=True, body=f"number {n:05}.") for n in range(300)]
    outbox.store(small)
    outbox.close()
    content = path.read_bytes()
    page_of = {call.event_id: content.index(call.body.encode()) // PAGE + 1 for call in small}
    assert len(set(page_of.values())) > 10
    for seed in range(30):
        lost = set(chance(seed).sample(range(1, len(content) // PAGE + 1), 3))
        with Salvage(damaged(path, tmp_path / str(seed), lost)) as salvage:
            assert salvage.calls == tuple(call for call in small if page_of[call.event_id] not in lost)


def test_bytes_that_flip_anywhere_are_never_an_exception_and_invent_nothing(tmp_path: Path) -> None:
    outbox = filled(tmp_path / "outbox.db")
    whole = copied(tmp_path / "outbox.db", tmp_path / "cut")
    known = {call.event_id: call for call in outbox.load().calls}
    outbox.close()
    content, log = whole.read_bytes(), wal_of(whole).read_bytes()
    for seed in range(60):
        luck = chance(seed)
        for source, file in ((content, whole), (log, wal_of(whole))):
            hurt = bytearray(source)
            for _ in range(luck.choice((0, 1, 20, 400))):
                hurt[luck.randrange(len(hurt))] = luck.randrange(256)
            file.write_bytes(hurt[: luck.choice((len(hurt), luck.randrange(len(hurt))))])
        with Salvage(whole) as salvage:
            list(salvage.technical())
            found = {call.event_id: call for call in salvage.calls}
        # A flipped byte of a text can't be told; everything else is as it was stored.
        assert all(len(call.body) == len(known[i].body) for i, call in found.items() if i in known)


def test_a_frame_of_the_log_that_is_wrong_loses_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = open_outbox(path, NO_LIMIT)
    before = len(committed_pages(wal_of(path).read_bytes()))
    for n in range(20):
        outbox.store([event(n, call=True, body="x" * 3000)])
    log = bytearray(wal_of(path).read_bytes())
    cut = copied(path, tmp_path / "cut")
    frames = (len(log) - 32) // (PAGE + 24)
    log[32 + (frames // 2) * (PAGE + 24) + 200] ^= 0xFF
    wal_of(cut).write_bytes(log)
    assert len(committed_pages(bytes(log))) >= before
    with Salvage(cut) as salvage:
        assert len(salvage.calls) >= 19
    with sqlite3.connect(cut) as connection:  # SQLite itself goes back to before the wrong frame
        assert connection.execute("SELECT count(*) FROM events").fetchone()[0] < 15
    connection.close()
    outbox.close()


def test_a_log_without_its_header_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    outbox = filled(path)
    outbox._connection.execute("PRAGMA wal_checkpoint(RESTART)")  # the log is used anew, with old frames behind
    added = [event(n, call=True, boot=2, body="new") for n in range(5)]
    for call in added:
        outbox.store([call])
    cut = copied(path, tmp_path / "cut")
    log = bytearray(wal_of(cut).read_bytes())
    log[:32] = bytes(32)
    wal_of(cut).write_bytes(log)
    with Salvage(cut) as salvage:
        # Its first frame can't be checked without it; later ones hold the same pages again.
        assert set(added) <= set(salvage.calls) <= set(outbox.load().calls)
    outbox.close()


def test_garbage_of_every_length_holds_nothing() -> None:
    for seed in range(300):
        garbage = chance(seed).randbytes(PAGE)
        page = b"\x0d" + garbage[1:]
        for row in rows(lambda number, page=page: page if number < 9 else b"", 2):  # type: ignore[misc]  # mypy: lambda's default
            assert row is None or isinstance(row, list)
        assert committed_pages(garbage[: seed * 13]) == {}
        assert committed_pages((b"\x37\x7f\x06\x82" + garbage)[:seed]) == {}


@pytest.mark.parametrize("content", [b"", b"x", b"SQLite format 3\0", bytes(5000)])
def test_a_file_without_anything_is_empty(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "outbox.db").write_bytes(content)
    with Salvage(tmp_path / "outbox.db") as salvage:
        assert (salvage.calls, salvage.notes, salvage.boot_count, list(salvage.technical())) == ((), {}, None, [])


def test_a_lost_boot_count_is_not_guessed(tmp_path: Path) -> None:
    outbox = open_outbox(tmp_path / "outbox.db", NO_LIMIT)
    outbox.begin_boot()
    outbox.store([event(1, boot=7)])
    outbox.close()
    with Salvage(tmp_path / "outbox.db") as salvage:
        assert salvage.boot_count is None, "it says 1, and there is an event of boot 7"


def test_what_is_no_file_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StorageError, match="can't be read at all"):
            Salvage(path)
