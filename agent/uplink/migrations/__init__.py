"""The outbox's schema as numbered SQL files: `0001_….sql` makes version 1, and so on without a hole.

Rules of this package: a file that was ever released is never edited; a change is the next number. Each file is run in
a transaction of its own, together with the `PRAGMA user_version` that counts it.
"""

from __future__ import annotations

from importlib import resources


def load() -> tuple[str, ...]:
    """Return the SQL of each migration, oldest first: the one at index `n` makes version `n + 1`."""
    files = sorted((f for f in resources.files(__name__).iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    for number, file in enumerate(files, start=1):
        if int(file.name.split("_", 1)[0]) != number:
            raise RuntimeError(f"migration {file.name} should have the number {number:04}; rename it")
    return tuple(file.read_text(encoding="utf-8") for file in files)
