"""What makes the reference centre's `received` honest: a journal on disk, a JSON object a line, synced before each ack.

Rules of this file: append and fsync; a line that was cut off (power, full disk) is dropped at the next start, never
guessed at. One centre to a journal: a second one is refused by a lock. Records older than 30 days go at start.
"""

from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING

from agent.errors import StorageError
from agent.simulator.centre_state import REMEMBER_S

if TYPE_CHECKING:
    from pathlib import Path

    from agent.simulator.centre_messages import Json


class Journal:
    """An open journal at `path`; StorageError where it can't be opened, or another centre has it."""

    def __init__(self, path: Path, wall: float) -> None:
        self._path = path
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"{path}: can't keep events there ({error.strerror}); name a file that can be written with --store"
            ) from None
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._fd)
            raise StorageError(
                f"{path}: another centre is using this file; end it, or give this one its own with --store"
            ) from None
        self.records: tuple[Json, ...] = tuple(_read(self._fd, wall))
        self._rewrite()

    def keep(self, record: Json) -> None:
        """Append `record`, synced to disk; StorageError if that can't be done, and then nothing of it stays."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        end = os.lseek(self._fd, 0, os.SEEK_END)
        try:
            written = os.write(self._fd, line)
            if written < len(line):
                raise StorageError(f"{self._path}: the disk is full")  # noqa: TRY301 - one clean-up for both ways to fail
            os.fsync(self._fd)
        except (OSError, StorageError) as error:
            os.ftruncate(self._fd, end)
            raise StorageError(f"{self._path}: not stored, {error}") from None

    def close(self) -> None:
        """Let the file, and its lock, go."""
        os.close(self._fd)

    def _rewrite(self) -> None:
        """Leave only what was read: no torn line, nothing older than 30 days. Done in place, so that the lock stays."""
        lines = [json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in self.records]
        kept = "".join(lines).encode()
        if os.fstat(self._fd).st_size == len(kept):
            return
        spare = self._path.with_suffix(self._path.suffix + ".new")
        spare.write_bytes(kept)
        fresh = os.open(spare, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
        os.fsync(fresh)
        fcntl.flock(fresh, fcntl.LOCK_EX | fcntl.LOCK_NB)
        spare.replace(self._path)
        os.close(self._fd)
        self._fd = fresh


def _read(fd: int, wall: float) -> list[Json]:
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        lines = file.read().split(b"\n")
    records: list[Json] = []
    for line in lines:
        try:
            record = json.loads(line)
            if wall - float(record["at"]) <= REMEMBER_S and ("ack" in record or "event" in record):
                records.append(record)
        except (ValueError, KeyError, TypeError):
            continue
    return records
