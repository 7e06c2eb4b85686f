"""The outbox: every event until the centre's `received`, and the core's notes for the next boot, in SQLite.

Rules of this file:
- The file is the truth. WAL with `synchronous=FULL`: what a committed transaction wrote survives a cut of power.
- Calls are never evicted. At the limit the oldest technical events go, and the ranges that went are returned.
- A file that is newer than this program, or damaged, is not touched: `open_outbox` raises a `StorageError` that says
  what to do. A rescue of damaged files has its place in front of it, in `agent/uplink/storage.py`.
- Every `sqlite3.Error` leaves as a `StorageError`, or as a `StorageFull` where the disk is full.
- One thread at a time; `agent/uplink/storage.py` sees to it.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from agent.errors import StorageError, StorageFull
from agent.readings import Evicted, OutboxEvent, Restored, TechnicalPage
from agent.uplink import migrations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

OVERHEAD_BYTES = 400
"""What an event takes on disk beside its body: ids, columns, its places in two indexes, part-filled pages."""

EVICT_DOWN_TO = 0.95
"""Share of the limit that an eviction leaves. Evicting one by one would report each event with an event of its own."""

QUICK_CHECK_BYTES = 16 * 2**20
"""Larger files are not checked as a whole at start: the cords must be armed first. Damage shows as they are used."""

BUSY_MS = 2000
BOOT_DIGITS = 8

_COLUMNS = "event_id, sequence, is_call, type, topic, body, boot_id, mono, wall, synced, call_id"


def open_outbox(path: Path, limit_bytes: int) -> Outbox:
    """Open or make the outbox at `path` (its directory 0700 if it is made here, the file 0600), at our schema version.

    `limit_bytes` is the size over which technical events are evicted. Raises `StorageError` or `StorageFull`.
    """
    connection = None
    try:
        _make_private(path)
        _refuse_a_newer_version(path)
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "temp_store=MEMORY", "journal_size_limit=4194304"):
            connection.execute(f"PRAGMA {pragma}")
        _check(connection, path)
        _migrate(connection)
    except (sqlite3.Error, OSError, StorageError) as error:
        if connection is not None:
            connection.close()
        raise _explain(error, path) from error
    return Outbox(connection, path, limit_bytes)


class Outbox:
    """An open outbox. Single calls are transactions of their own; group them with `transaction()`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, limit_bytes: int) -> None:
        self._connection = connection
        self._path = path
        self._limit_bytes = limit_bytes

    def close(self) -> None:
        """Close the file; WAL and shared memory are folded into it where that is possible."""
        try:
            self._connection.close()
        except sqlite3.Error as error:
            raise _explain(error, self._path) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in the block is written and synced at its end, or (on any exception) not at all."""
        if self._connection.in_transaction:
            yield
            return
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after a full disk or an I/O error.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _explain(error, self._path) from error

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise _explain(error, self._path) from error

    # ------------------------------------------------------------ start

    def begin_boot(self) -> int:
        """Count this start of the process, on disk, and return its number (1 for the first)."""
        with self.transaction():
            rows = self._connection.execute(
                "UPDATE meta SET value = value + 1 WHERE key = 'boot_count' RETURNING value"
            ).fetchall()
        return int(rows[0][0])

    def load(self) -> Restored:
        """Return what a new process needs: boot count, call events in order, whether technical ones wait, notes."""
        with self._reading():
            count = self._connection.execute("SELECT value FROM meta WHERE key = 'boot_count'").fetchone()[0]
            calls = self._connection.execute(
                f"SELECT {_COLUMNS} FROM events WHERE is_call = 1 ORDER BY sequence, event_id"  # noqa: S608 - our own constant
            ).fetchall()
            waiting = self._connection.execute("SELECT EXISTS (SELECT 1 FROM events WHERE is_call = 0)").fetchone()[0]
            notes = dict(self._connection.execute("SELECT key, body FROM notes").fetchall())
        return Restored(
            boot_count=count,
            calls=tuple(_event(row) for row in calls),
            technical_waiting=bool(waiting),
            notes=notes,
        )

    # ------------------------------------------------------------ events

    def store(self, events: Iterable[OutboxEvent]) -> None:
        """Add the events; one that is already there stays as it is."""
        with self.transaction():
            self._connection.executemany(
                f"INSERT OR IGNORE INTO events ({_COLUMNS}, size) "  # noqa: S608 - our own constant
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (_row(event) for event in events),
            )

    def forget(self, event_ids: Iterable[str]) -> None:
        """Delete these events; ids that are not there do no harm."""
        with self.transaction():
            self._connection.executemany("DELETE FROM events WHERE event_id = ?", ((i,) for i in event_ids))

    def technical_page(self, after: str, limit: int) -> TechnicalPage:
        """Return up to `limit` technical events with a sequence after `after` ("" for all), in order."""
        with self._reading():
            rows = self._connection.execute(
                f"SELECT {_COLUMNS} FROM events WHERE is_call = 0 AND sequence > ? "  # noqa: S608 - our own constant
                "ORDER BY sequence, event_id LIMIT ?",
                (after, limit + 1),
            ).fetchall()
        return TechnicalPage(tuple(_event(row) for row in rows[:limit]), more=len(rows) > limit)

    def size_bytes(self) -> int:
        """Return what all events count for towards the limit."""
        with self._reading():
            return int(self._connection.execute("SELECT value FROM meta WHERE key = 'bytes'").fetchone()[0])

    def evict(self) -> tuple[Evicted, ...]:
        """Over the limit, delete the oldest technical events; return what went, one range for each boot.

        Leaves `EVICT_DOWN_TO` of the limit, or the calls alone where they are larger than that.
        """
        total = self.size_bytes()
        if total <= self._limit_bytes:
            return ()
        with self.transaction():
            ranges = _oldest(
                self._connection.execute("SELECT sequence, size FROM events WHERE is_call = 0 ORDER BY sequence"),
                total - int(self._limit_bytes * EVICT_DOWN_TO),
            )
            return tuple(
                Evicted(
                    first,
                    last,
                    self._connection.execute(
                        "DELETE FROM events WHERE is_call = 0 AND sequence BETWEEN ? AND ?", (first, last)
                    ).rowcount,
                )
                for first, last in ranges
            )

    # ------------------------------------------------------------ notes

    def save_note(self, key: str, body: str) -> None:
        """Keep `body` under `key`, in place of what was there."""
        with self.transaction():
            self._connection.execute("INSERT OR REPLACE INTO notes (key, body) VALUES (?, ?)", (key, body))

    def drop_note(self, key: str) -> None:
        """Delete the note under `key`, if there is one."""
        with self.transaction():
            self._connection.execute("DELETE FROM notes WHERE key = ?", (key,))


# ---------------------------------------------------------------- rows


def _row(event: OutboxEvent) -> tuple[object, ...]:
    return (
        event.event_id,
        event.sequence,
        int(event.is_call),
        event.type,
        event.topic,
        event.body,
        event.boot_id,
        event.mono,
        event.wall,
        int(event.synced),
        event.call_id,
        len(event.body.encode()) + OVERHEAD_BYTES,
    )


def _event(row: Sequence[object]) -> OutboxEvent:
    event_id, sequence, is_call, kind, topic, body, boot_id, mono, wall, synced, call_id = row
    return OutboxEvent(
        event_id=str(event_id),
        sequence=str(sequence),
        is_call=bool(is_call),
        type=str(kind),
        topic=str(topic),
        body=str(body),
        boot_id=str(boot_id),
        mono=float(str(mono)),
        wall=float(str(wall)),
        synced=bool(synced),
        call_id=None if call_id is None else str(call_id),
    )


def _oldest(rows: Iterable[tuple[str, int]], wanted_bytes: int) -> list[tuple[str, str]]:
    """Return the (first, last) sequence for each boot of the oldest rows that make up `wanted_bytes`."""
    ranges: list[tuple[str, str]] = []
    freed = 0
    for sequence, size in rows:
        if freed >= wanted_bytes:
            break
        freed += size
        if ranges and ranges[-1][0][:BOOT_DIGITS] == sequence[:BOOT_DIGITS]:
            ranges[-1] = (ranges[-1][0], sequence)
        else:
            ranges.append((sequence, sequence))
    return ranges


# ---------------------------------------------------------------- opening


def _make_private(path: Path) -> None:
    if not path.parent.exists():
        path.parent.mkdir(mode=0o700, parents=True)
    elif stat.S_IMODE(path.parent.stat().st_mode) & 0o077:
        # Not narrowed here: the directory may hold more than ours. The file below is closed to others in any case.
        structlog.get_logger().warning("outbox_directory_open_to_others", directory=str(path.parent), should_be="0700")
    # SQLite gives WAL and shared memory the mode of the file itself, so it must be right before they are made.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if stat.S_IMODE(os.fstat(descriptor).st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _refuse_a_newer_version(path: Path) -> None:
    """Look at the version through a read-only connection: closing a writing one would fold the WAL into the file."""
    if path.stat().st_size == 0:
        return
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_MS / 1000)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    finally:
        connection.close()
    newest = len(migrations.load())
    if version > newest:
        raise StorageError(
            f"the outbox {path} has version {version}, and this nodkald knows versions up to {newest}; "
            "install the newer nodkald again. The file was not touched"
        )


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size > QUICK_CHECK_BYTES:
        return
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise StorageError(_damaged(path, str(answer)))


def _migrate(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    for number, sql in enumerate(migrations.load(), start=1):
        if number <= version:
            continue
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


# ---------------------------------------------------------------- what went wrong


def _damaged(path: Path, detail: str) -> str:
    return (
        f"the outbox {path} is damaged ({detail}); move it and the files {path.name}-wal and {path.name}-shm away "
        "and keep them, and a new one is made within a minute"
    )


_CHECK_OWNER = "check that its disk is mounted for writing, and that the user that runs nodkald owns file and directory"
_CLOSE_OTHER = "another program holds it; close that program"
_WHAT_TO_DO = {
    sqlite3.SQLITE_READONLY: _CHECK_OWNER,
    sqlite3.SQLITE_CANTOPEN: _CHECK_OWNER,
    sqlite3.SQLITE_PERM: _CHECK_OWNER,
    sqlite3.SQLITE_BUSY: _CLOSE_OTHER,
    sqlite3.SQLITE_LOCKED: _CLOSE_OTHER,
}


def _explain(error: sqlite3.Error | OSError | StorageError, path: Path) -> StorageError:
    if isinstance(error, StorageError):
        return error
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind, the rest refines it
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StorageError(_damaged(path, str(error)))
        no_room = code == sqlite3.SQLITE_FULL
        # Shared memory and new files fail in other words than SQLITE_FULL where there is no room for them.
        no_room |= code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _disk_is_full(path)
        what_to_do = _WHAT_TO_DO.get(code, "look for disk errors with `dmesg`, and change the card if there are any")
        detail = f"{getattr(error, 'sqlite_errorname', type(error).__name__)}: {error}"
    else:
        no_room = error.errno in (errno.ENOSPC, errno.EDQUOT)
        what_to_do = "check its directory and owner"
        detail = str(error.strerror)
    if no_room:
        return StorageFull(f"the disk of the outbox {path} is full; make room on it. Calls wait in memory until then")
    return StorageError(f"the outbox {path} failed ({detail}); {what_to_do}")


def _disk_is_full(path: Path) -> bool:
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False
