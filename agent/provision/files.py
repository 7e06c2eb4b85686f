"""Files that are there whole or not at all, and survive a power cut.

Rules of this file: every file is written under another name, brought to the disk (fsync), then renamed; its mode
holds from the first byte on. Errors are the system's own `OSError`; who calls says what they mean.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def write_new(path: Path, content: bytes, mode: int, gid: int = -1) -> None:
    """Write a file that is not there yet, and bring it to the disk; on failure nothing is left. `gid` -1: our group."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        try:
            if gid != -1:  # the service's sandbox refuses to ask, even where nothing would change
                os.fchown(fd, -1, gid)
            os.fchmod(fd, mode)  # whatever the umask says
            view = memoryview(content)
            while view:
                view = view[os.write(fd, view) :]
            os.fsync(fd)
        finally:
            os.close(fd)
    except BaseException:
        with contextlib.suppress(OSError):
            path.unlink()
        raise


def replace_file(path: Path, content: bytes, mode: int, gid: int = -1) -> None:
    """Give `path` this content, all at once."""
    other = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_new(other, content, mode, gid)
    try:
        other.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            other.unlink()
        raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Bring the directory's entries to the disk: without it a rename can be undone by a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
