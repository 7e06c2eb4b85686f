"""The address of a Unix socket that lies deeper than a socket's name can be long.

Rules of this file: nothing but the address; what is said over a socket stands with who says it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_ADDRESS = 100  # sockaddr_un holds 108 bytes


@contextlib.contextmanager
def address(path: Path) -> Iterator[str]:
    """Give the address of the socket at `path`: through /proc where it is longer than a socket's name can be."""
    if len(os.fsencode(path)) <= _LONGEST_ADDRESS:
        yield str(path)
        return
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
