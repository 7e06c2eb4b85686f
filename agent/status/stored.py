"""Looks into the outbox of a unit from outside, and leaves nothing behind.

Rules of this file: nothing is written, no lock is held for longer than a statement, no file is made. An outbox that was
closed well has no WAL and is read as a file that nobody changes: otherwise SQLite would leave a WAL beside it. Where
the unit could not use its outbox and made a spare (agent/uplink/rescue.py), the spare counts: what it took over and no
longer has was delivered, whatever the outbox itself still says.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from itertools import islice
from typing import TYPE_CHECKING, Any

from agent.uplink.rescue import TAKEN_OVER, spares_of, taken_over

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
    found: dict[str, tuple[str, str]] = {}
    done: set[str] = set()
    spares = spares_of(path)
    for spare in spares:
        with opened(spare) as connection:
            found |= _newest(connection, count, set())
            note = connection.execute("SELECT body FROM notes WHERE key = ?", (TAKEN_OVER,)).fetchone()
        done.update(taken_over(str(note[0])) if note else ())
    try:
        with opened(path) as connection:
            found |= _newest(connection, count, done)
    except FileNotFoundError:
        pass
    except sqlite3.Error:
        if not spares:
            raise
    newest = sorted(found.values())[-count:]
    return [_event(body) for _, body in newest]


def _newest(connection: sqlite3.Connection, count: int, done: set[str]) -> dict[str, tuple[str, str]]:
    """Return sequence and body of the last `count` events that are not done, by their ids."""
    rows = connection.execute("SELECT event_id, sequence, body FROM events ORDER BY sequence DESC")
    waiting = ((str(key), (str(number), str(body))) for key, number, body in rows if str(key) not in done)
    return dict(islice(waiting, count))


def _event(body: str) -> dict[str, Any]:
    try:
        event = json.loads(body)
    except ValueError:
        event = None
    return event if isinstance(event, dict) else {"type": "?"}
