"""The outbox: every event until the centre's `received`, and the core's notes for the next boot, in SQLite.

Rules of this file:
- The file is the truth. WAL with `synchronous=FULL`: what a committed transaction wrote survives a cut of power.
- What is deleted is overwritten (`secure_delete`): a rescue, which reads pages, must not bring back an old call.
- Calls are never evicted. At the limit the oldest technical events go, and the ranges that went are returned.
- A file that is damaged, newer than this program, or another user's, is not touched: `open_outbox` raises
  `StorageDamaged` or `StorageForeign`. What is done then stands in `agent/uplink/rescue.py`.
- Nothing that is read is trusted: a row that can't be one of ours is damage, and never reaches the core.
- Every `sqlite3.Error` leaves as a `StorageError`, or as a `StorageFull` where the disk is full.
- One thread at a time; `agent/uplink/storage.py` sees to it.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from agent.errors import StorageDamaged, StorageError, StorageForeign
from agent.readings import Evicted, OutboxEvent, Restored, TechnicalPage
from agent.uplink import boots, migrations
from agent.uplink.outbox_faults import damaged, explain

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
SEQUENCE_DIGITS = 20

COLUMNS = "event_id, sequence, is_call, type, topic, body, boot_id, mono, wall, synced, call_id"


def open_outbox(path: Path, limit_bytes: int) -> Outbox:
    """Open or make the outbox at `path` (its directory 0700 if it is made here, the file 0600), at our schema version.

    `limit_bytes` is the size over which technical events are evicted. Raises `StorageError` or one of its kinds.
    """
    connection = None
    try:
        _make_private(path)
        _refuse_a_newer_version(path)
        connection = sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None, check_same_thread=False)
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "temp_store=MEMORY",
            "secure_delete=ON",
            "journal_size_limit=4194304",
        ):
            connection.execute(f"PRAGMA {pragma}")
        _check(connection, path)
        _migrate(connection)
    except (sqlite3.Error, OSError, StorageError, UnicodeError) as error:
        if connection is not None:
            connection.close()
        raise explain(error, path) from error
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
            raise explain(error, self._path) from error

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
            raise explain(error, self._path) from error

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, ValueError, TypeError) as error:  # the latter: what can't be a row of ours
            raise explain(error, self._path) from error

    # ------------------------------------------------------------ start

    def begin_boot(self, uncounted: int | None = None) -> int:
        """Count this start of the process, on disk, and return its number (1 for the first).

        With `uncounted`, the start took that number because it could not be counted: counting goes on from there.
        """
        with self.transaction():
            rows = self._connection.execute(
                "UPDATE meta SET value = max(value + ?, ?) WHERE key = 'boot_count' RETURNING value",
                (int(uncounted is None), uncounted or 0),
            ).fetchall()
        if not rows or not 0 < int(rows[0][0]) <= boots.HIGHEST:
            raise StorageDamaged(damaged(self._path, "the boot count is gone"))
        return int(rows[0][0])

    def load(self) -> Restored:
        """Return what a new process needs: boot count, call events in order, whether technical ones wait, notes."""
        with self._reading():
            count = self._connection.execute("SELECT value FROM meta WHERE key = 'boot_count'").fetchone()[0]
            calls = self._connection.execute(
                f"SELECT {COLUMNS} FROM events WHERE is_call = 1 ORDER BY sequence, event_id"  # noqa: S608 - our own constant
            ).fetchall()
            waiting = self._connection.execute("SELECT EXISTS (SELECT 1 FROM events WHERE is_call = 0)").fetchone()[0]
            notes = dict(self._connection.execute("SELECT key, body FROM notes").fetchall())
            return Restored(
                boot_count=count,
                calls=tuple(event_of(row) for row in calls),
                technical_waiting=bool(waiting),
                notes=notes,
            )

    # ------------------------------------------------------------ events

    def store(self, events: Iterable[OutboxEvent]) -> None:
        """Add the events; one that is already there stays as it is."""
        with self.transaction():
            self._connection.executemany(
                f"INSERT OR IGNORE INTO events ({COLUMNS}, size) "  # noqa: S608 - our own constant
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
                f"SELECT {COLUMNS} FROM events WHERE is_call = 0 AND sequence > ? "  # noqa: S608 - our own constant
                "ORDER BY sequence, event_id LIMIT ?",
                (after, limit + 1),
            ).fetchall()
            return TechnicalPage(tuple(event_of(row) for row in rows[:limit]), more=len(rows) > limit)

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


def event_of(row: Sequence[object]) -> OutboxEvent:
    """Return the event in a row of `COLUMNS`. Raises ValueError or TypeError where it can't be one of ours."""
    event_id, sequence, is_call, kind, topic, body, boot_id, mono, wall, synced, call_id = row
    content = json.loads(str(body))
    if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        raise ValueError(f"the body of event {event_id!r} is none")  # noqa: TRY004 - as json.loads says it
    if not (len(str(sequence)) == SEQUENCE_DIGITS and str(sequence).isascii() and str(sequence).isdigit()):
        raise ValueError(f"event {event_id!r} has no sequence")
    moments = float(str(mono)), float(str(wall))
    if not all(map(math.isfinite, moments)):
        raise ValueError(f"event {event_id!r} has no time")
    return OutboxEvent(
        event_id=str(event_id),
        sequence=str(sequence),
        is_call=bool(is_call),
        type=str(kind),
        topic=str(topic),
        body=str(body),
        boot_id=str(boot_id),
        mono=moments[0],
        wall=moments[1],
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
    is_new = not path.exists()
    wal = wal_of(path)
    # SQLite gives WAL and shared memory the mode of the file itself, so it must be right before they are made.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    try:
        found = os.fstat(descriptor)
        if stat.S_IMODE(found.st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise StorageDamaged(damaged(path, "it is not a file"))
    # SQLite would take an empty file for a new one, and delete the WAL that may hold the last calls.
    if found.st_size == 0 and (not is_new or (wal.exists() and wal.stat().st_size > 0)):
        raise StorageDamaged(damaged(path, "it is empty"))


def wal_of(path: Path) -> Path:
    """Return where SQLite keeps the write-ahead log of the file at `path`."""
    return path.with_name(f"{path.name}-wal")


def shm_of(path: Path) -> Path:
    """Return where SQLite keeps the shared memory of the file at `path`."""
    return path.with_name(f"{path.name}-shm")


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
        raise StorageForeign(
            f"the outbox {path} has version {version}, and this nodkald knows versions up to {newest}; "
            "install the newer nodkald again. The file was not touched"
        )


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size > QUICK_CHECK_BYTES:
        return
    answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if answer != "ok":
        raise StorageDamaged(damaged(path, str(answer)))


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
