"""Reads what can be read of an outbox that is damaged, can't be written, or was written by a newer nodkald.

Rules of this file: the files are only read, page by page, and nothing they hold is an error: what is none of ours is
left out and counted. What a disk fails to give is read as zeros. A call whose pages are whole is found, whatever else
is damaged; a row that a newer version made longer is known by its first columns. Memory: the write-ahead log, and what
is asked for.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from agent.errors import StorageError
from agent.uplink import boots
from agent.uplink.file_image import PAGE, Value, committed_pages, rows
from agent.uplink.outbox import BOOT_DIGITS, COLUMNS, event_of, wal_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.readings import OutboxEvent

LOG_BYTES = 64 * 2**20
"""More of a write-ahead log is not looked at; SQLite folds it into the file at four megabytes."""

_EVENT_COLUMNS = len(COLUMNS.split(","))
_PAIR = 2
"""Notes and the boot count are rows of a key and a value."""


class Salvage:
    """What can be read of the outbox at `path`, in a `with`. Raises `StorageError` where the file can't be had."""

    def __init__(self, path: Path) -> None:
        log = b""
        with suppress(OSError):
            log = _beginning(wal_of(path), LOG_BYTES)
        self._log = committed_pages(log)
        self._descriptor: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            size = os.fstat(self._descriptor).st_size
            os.read(self._descriptor, 0)
        except OSError as error:
            self.__exit__()
            if not (self._log and isinstance(error, FileNotFoundError)):
                raise StorageError(f"the outbox {path} can't be read at all ({error.strerror})") from error
            size = 0
        self._pages = max([-(-size // PAGE), *(number for number in self._log if number * PAGE <= size + len(log))])
        self.unreadable = 0
        """Rows that were found and can't be read."""
        self.calls: tuple[OutboxEvent, ...] = ()
        """The call events, in order."""
        self.notes: dict[str, str] = {}
        self.boot_count: int | None = None
        """None where it is lost, or lower than what an event says."""
        self._look()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def technical(self) -> Iterator[OutboxEvent]:
        """Give the technical events, one by one, in no certain order."""
        for row in self._rows():
            event = self._event(row)
            if event is not None and not event.is_call:
                yield event

    def _look(self) -> None:
        calls: dict[str, OutboxEvent] = {}
        counts: list[int] = []
        highest = 1
        for row in self._rows():
            if row is None:
                self.unreadable += 1
            elif len(row) > _EVENT_COLUMNS:
                event = self._event(row)
                self.unreadable += event is None
                if event is not None:
                    highest = max(highest, int(event.sequence[:BOOT_DIGITS]))
                    if event.is_call:
                        calls[event.event_id] = event
            elif len(row) == _PAIR:
                self._take_pair(row, counts)
        self.calls = tuple(sorted(calls.values(), key=lambda event: (event.sequence, event.event_id)))
        self.boot_count = max((count for count in counts if highest <= count <= boots.HIGHEST), default=None)

    def _take_pair(self, row: list[Value], counts: list[int]) -> None:
        key, value = row
        if key == b"boot_count" and isinstance(value, int):
            counts.append(value)
        elif isinstance(key, bytes) and isinstance(value, bytes):
            try:
                self.notes[key.decode()] = value.decode()
            except UnicodeDecodeError:
                self.unreadable += 1

    @staticmethod
    def _event(row: list[Value] | None) -> OutboxEvent | None:
        if row is None or len(row) <= _EVENT_COLUMNS:  # the last column, `size`, is for the file alone
            return None
        try:
            return event_of([v.decode() if isinstance(v, bytes) else v for v in row[:_EVENT_COLUMNS]])
        except (ValueError, TypeError):
            return None

    def _rows(self) -> Iterator[list[Value] | None]:
        for number in range(1, self._pages + 1):
            yield from rows(self._page, number)

    def _page(self, number: int) -> bytes:
        if number in self._log:
            return self._log[number]
        if self._descriptor is None or not 0 < number <= self._pages:
            return b""
        try:
            page = os.pread(self._descriptor, PAGE, (number - 1) * PAGE)
        except OSError:
            return b""
        return page.ljust(PAGE, b"\0")


def _beginning(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        return file.read(limit)
