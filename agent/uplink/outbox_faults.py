"""What a failure of the outbox is, and what a technician is to do about it.

Rules of this file: every error that SQLite, the system or a row of the file can give becomes one of ours.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from typing import TYPE_CHECKING

from agent.errors import StorageDamaged, StorageError, StorageForeign, StorageFull

if TYPE_CHECKING:
    from pathlib import Path


def damaged(path: Path, detail: str) -> str:
    """Return in words that the file is damaged."""
    return f"the outbox {path} is damaged ({' '.join(detail.split())})"


_CHECK_OWNER = (
    "check that its disk is mounted for writing (a card that fails no longer is: see `dmesg`), and that the user that "
    "runs nodkald owns file and directory"
)
_CLOSE_OTHER = "another program holds it; close that program"
_WHAT_TO_DO = {
    sqlite3.SQLITE_READONLY: _CHECK_OWNER,
    sqlite3.SQLITE_CANTOPEN: _CHECK_OWNER,
    sqlite3.SQLITE_PERM: _CHECK_OWNER,
    sqlite3.SQLITE_BUSY: _CLOSE_OTHER,
    sqlite3.SQLITE_LOCKED: _CLOSE_OTHER,
}


def explain(error: Exception, path: Path) -> StorageError:
    """Return what a failure of the outbox at `path` is: full, damaged, not ours, or a disk that fails."""
    if isinstance(error, StorageError):
        return error
    what_to_do = "look for disk errors with `dmesg`, and change the card if there are any"
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the kind, the rest refines it
        # 0: Python could not make sense of what SQLite gave it, such as text that is none.
        if code in (0, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT):
            return StorageDamaged(damaged(path, str(error)))
        no_room = code == sqlite3.SQLITE_FULL
        # Shared memory and new files fail in other words than SQLITE_FULL where there is no room for them.
        no_room |= code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and _disk_is_full(path)
        what_to_do = _WHAT_TO_DO.get(code, what_to_do)
        detail = f"{getattr(error, 'sqlite_errorname', type(error).__name__)}: {error}"
    elif isinstance(error, OSError):
        if error.errno == errno.EISDIR:
            return StorageDamaged(damaged(path, "it is a directory"))
        no_room = error.errno in (errno.ENOSPC, errno.EDQUOT)
        detail = str(error.strerror)
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            what_to_do = _CHECK_OWNER
    else:
        return StorageDamaged(damaged(path, str(error)))
    kind = StorageForeign if what_to_do == _CHECK_OWNER and _is_foreign(path) else StorageError
    if no_room:
        return StorageFull(f"the disk of the outbox {path} is full; make room on it. Calls wait in memory until then")
    return kind(f"the outbox {path} failed ({detail}); {what_to_do}")


def _is_foreign(path: Path) -> bool:
    """Whether it is the file alone that can't be used: beside it we may write."""

    def may(file: Path, what: int) -> bool:
        return os.access(file, what, effective_ids=True)

    return path.is_file() and not may(path, os.R_OK | os.W_OK) and may(path.parent, os.W_OK | os.X_OK)


def _disk_is_full(path: Path) -> bool:
    try:
        return os.statvfs(path.parent).f_bavail == 0
    except OSError:
        return False
