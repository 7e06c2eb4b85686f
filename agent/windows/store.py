"""The kept windows on the unit's disk: encrypted files, one directory for each consent.

    STATE_DIR/windows/c-4f7k2q/20270114T081502Z-9f3a01c2.nkw     when it was kept, and eight random digits

Rules of this file: only what is encrypted comes here. The caps are kept by deleting the oldest, and a disk that runs
short is no window's: they go before anything else does. A file is there whole or not at all. Errors are the system's
own `OSError`.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.provision.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DIRECTORY = "windows"
MOST_BYTES = 20_000_000
"""Of all kept windows together."""
MOST_DAYS = 90
"""A window is deleted this long after it was kept, fetched or not."""
RESERVE_BYTES = 200_000_000
"""Free on the disk, for the outbox and everything else: below it windows are deleted, and none is kept."""

_DAY_S = 86_400.0
_STAMP = "%Y%m%dT%H%M%SZ"
_NAME = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-f]{8}\.nkw")


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept window's file. `kept_at` is in seconds since 1970, `size` in bytes."""

    path: Path
    reference: str
    kept_at: float
    size: int


class WindowStore:
    """The windows below `state_dir`."""

    def __init__(self, state_dir: Path) -> None:
        self.root = state_dir / DIRECTORY

    def windows(self) -> list[Kept]:
        """Return every kept window, the oldest first."""
        paths = (path for directory in self._directories() if directory.is_dir() for path in directory.iterdir())
        found = [kept for path in paths if (kept := _kept(path)) is not None]
        return sorted(found, key=lambda kept: (kept.kept_at, kept.path.name))

    def keep(self, reference: str, sealed: bytes, wall: float) -> bool:
        """Write a window; False where the disk is too short for one. `wall` is seconds since 1970."""
        if self._free_bytes() - len(sealed) < RESERVE_BYTES:
            return False
        directory = self.root / reference
        for missing in (self.root, directory):
            missing.mkdir(mode=0o700, exist_ok=True)
        stamp = datetime.fromtimestamp(wall, UTC).strftime(_STAMP)
        replace_file(directory / f"{stamp}-{secrets.token_hex(4)}.nkw", sealed, 0o600)
        return True

    def prune(self, wall: float | None) -> int:
        """Delete what is too old, over the size, or in the way of a disk that runs short; return how many.

        `wall` is seconds since 1970; None where nobody knows what day it is, and then nothing is too old.
        """
        kept, deleted = self.windows(), 0
        size = sum(window.size for window in kept)
        for window in kept:
            too_old = wall is not None and wall - window.kept_at > MOST_DAYS * _DAY_S
            if not too_old and size <= MOST_BYTES and self._free_bytes() >= RESERVE_BYTES:
                break
            window.path.unlink(missing_ok=True)
            size -= window.size
            deleted += 1
        return deleted

    def delete_all(self, *, but: str | None = None) -> int:
        """Delete every window, but those of the consent `but`, and what a power cut left of one; return how many."""
        directories = self._directories()
        count = sum(_empty(directory) for directory in directories if directory.name != but)
        for directory in directories:
            if directory.name == but:
                _remove(entry for entry in directory.iterdir() if _kept(entry) is None)
        if but is None:
            with contextlib.suppress(FileNotFoundError):
                self.root.rmdir()
        return count

    def _directories(self) -> list[Path]:
        try:
            return list(self.root.iterdir())
        except FileNotFoundError:
            return []

    def _free_bytes(self) -> int:
        here = os.statvfs(self.root if self.root.exists() else self.root.parent)
        return here.f_bavail * here.f_frsize


def _empty(directory: Path) -> int:
    """Delete a directory of windows; return how many windows it held."""
    if not directory.is_dir() or directory.is_symlink():
        directory.unlink(missing_ok=True)
        return 0
    entries = list(directory.iterdir())
    _remove(entries)
    directory.rmdir()
    return sum(_NAME.fullmatch(entry.name) is not None for entry in entries)


def _remove(entries: Iterable[Path]) -> None:
    for entry in entries:
        entry.unlink(missing_ok=True)


def _kept(path: Path) -> Kept | None:
    """Return the window that a file is; None where it is none, or was deleted meanwhile."""
    named = _NAME.fullmatch(path.name)
    if named is None:
        return None
    with contextlib.suppress(OSError, ValueError):
        kept_at = datetime.strptime(named[1], _STAMP).replace(tzinfo=UTC).timestamp()
        return Kept(path, path.parent.name, kept_at, path.stat().st_size)
    return None
