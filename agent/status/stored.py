"""Looks into the outbox of a unit from outside, and leaves nothing behind.

Rules of this file: nothing is written, no lock is held for longer than a statement, no file is made. An outbox that was
closed well has no WAL and is read as a file that nobody changes: otherwise SQLite would leave a WAL beside it.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_S = 1.0


@contextlib.contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection to the outbox at `path` that can only read. Raises OSError and sqlite3.Error."""
    with path.open("rb"):  # SQLite says "unable to open" where the system says why
        pass
    mode = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=BUSY_S, check_same_thread=False
    )
    with contextlib.closing(connection):
        yield connection


def stored_events(path: Path, count: int) -> list[dict[str, Any]]:
    """Return the last `count` events of the outbox at `path`, oldest first; none where there is no outbox yet."""
    try:
        with opened(path) as connection:
            rows = connection.execute("SELECT body FROM events ORDER BY sequence DESC LIMIT ?", (count,)).fetchall()
    except FileNotFoundError:
        return []
    return [_event(str(body)) for (body,) in reversed(rows)]


def _event(body: str) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {"type": "?"}
