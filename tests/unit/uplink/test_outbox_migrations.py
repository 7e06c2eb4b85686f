"""Every schema that was ever released leads to the newest; what is newer than that is left alone."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import pytest

from agent.errors import StorageError
from agent.readings import Restored
from agent.uplink import migrations
from agent.uplink.outbox import open_outbox
from tests.unit.uplink.events import event

if TYPE_CHECKING:
    from pathlib import Path

NO_LIMIT = 2**40

FILLED: dict[int, str] = {
    1: """
       INSERT INTO events VALUES ('call-1-1', '00000001000000000001', 1, 'dk.nodkald.call.raised',
         'nk/v1/aabenraa/u-test0001/call', '{"data": {}}', 'boot-1', 1.25, 1780000000.5, 1, 'the-call-1', 412);
       INSERT INTO notes VALUES ('open_calls', '[]');
       UPDATE meta SET value = 7 WHERE key = 'boot_count';
    """,
}
"""What stood in an outbox of each version: a released version gets its entry here, and keeps it."""


def tables(path: Path) -> tuple[int, list[str]]:
    connection = sqlite3.connect(path)
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    dump = list(connection.iterdump())
    connection.close()
    return version, dump


def made_at(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    for sql in migrations.load()[:version]:
        connection.executescript(sql)
    connection.executescript(f"{FILLED[version]}; PRAGMA user_version = {version};")
    connection.close()


def test_every_version_has_its_example() -> None:
    assert sorted(FILLED) == list(range(1, len(migrations.load()) + 1))


@pytest.mark.parametrize("version", sorted(FILLED))
def test_an_old_outbox_keeps_what_it_held(tmp_path: Path, version: int) -> None:
    path = tmp_path / "outbox.db"
    made_at(path, version)
    for _ in range(2):  # and opening it again changes nothing
        outbox = open_outbox(path, NO_LIMIT)
        assert outbox.load() == Restored(7, (event(1, call=True),), notes={"open_calls": "[]"})
        assert outbox.size_bytes() == 412
        outbox.close()
    assert tables(path)[0] == len(migrations.load())


def test_a_migration_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "outbox.db"
    made_at(path, 1)
    before = tables(path)
    good = migrations.load()[:1]
    half = "CREATE TABLE half (x INTEGER) STRICT; DELETE FROM events; INSERT INTO nowhere VALUES (1);"
    monkeypatch.setattr(migrations, "load", lambda: (*good, half))
    with pytest.raises(StorageError, match="no such table: nowhere"):
        open_outbox(path, NO_LIMIT)
    assert tables(path) == before


def test_a_newer_outbox_is_left_untouched_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    made_at(path, 1)
    newer = sqlite3.connect(path)
    newer.executescript("PRAGMA journal_mode = WAL; PRAGMA user_version = 99;")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(StorageError, match=r"has version 99.*install the newer nodkald again"):
        open_outbox(path, NO_LIMIT)
    assert path.read_bytes() == before


def test_the_version_is_seen_even_where_it_stands_in_the_wal_only(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    made_at(path, 1)
    newer = sqlite3.connect(path)  # and not closed: as after a kill
    newer.executescript("PRAGMA journal_mode = WAL; PRAGMA user_version = 99;")
    before = (path.read_bytes(), (tmp_path / "outbox.db-wal").read_bytes())
    with pytest.raises(StorageError, match="has version 99"):
        open_outbox(path, NO_LIMIT)
    assert (path.read_bytes(), (tmp_path / "outbox.db-wal").read_bytes()) == before
    newer.close()


def test_a_gap_in_the_numbers_is_a_fault_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "0001_first.sql").write_text("")
    (tmp_path / "0003_third.sql").write_text("")
    monkeypatch.setattr(migrations.resources, "files", lambda _: tmp_path)
    with pytest.raises(RuntimeError, match=r"0003_third.sql should have the number 0002"):
        migrations.load()
