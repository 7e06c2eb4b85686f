"""Opens the outbox whatever state its file is in, and saves what can be saved beside it.

Rules of this file:
- A damaged file is never written to, and never deleted before its rescue is safe on disk: what can be read of it goes
  into `outbox.db.rescue`, then the damaged one becomes `outbox.db.damaged-<n>`, then the rescue becomes `outbox.db`. A
  power cut between any two steps is made good at the next opening. The `KEPT` last damaged files are kept.
- A file of a newer nodkald or of another user stays as it is. Beside it `outbox.v<schema version>.db` is used, which
  takes over the calls, notes and boot count that can be read. Once `outbox.db` can be used again, it takes back all of
  that: what was delivered meanwhile is deleted in it, and what was not is added.
- The boot count goes with the rest. Where it is lost, counting goes on from a number that no boot can have had.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from agent.errors import StorageDamaged, StorageError, StorageForeign
from agent.readings import Restored
from agent.uplink import migrations
from agent.uplink.outbox import Outbox, open_outbox, shm_of, wal_of
from agent.uplink.salvage import Salvage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.readings import OutboxEvent

KEPT = 3
"""Damaged files that are kept; each is at most as large as the outbox may be."""

TAKEN_OVER = "taken-over"
"""The note in a spare outbox that lists the call events it took over."""

_BATCH = 256


@dataclass(frozen=True, slots=True)
class Opened:
    """An outbox that can be used. `report` says what had to be done for it, in words for a technician; else ""."""

    outbox: Outbox
    report: str = ""


def open_whatever_it_is(path: Path, limit_bytes: int, uncounted: int, *, damaged: str = "") -> Opened:
    """Open the outbox at `path`; rescue it where it is damaged, use one beside it where it is not ours.

    `uncounted` is the boot number from which counting goes on where the count is lost. `damaged` says that the file
    proved to be damaged in use, and how. Raises `StorageError` or `StorageFull` where nothing can be written.
    """
    try:
        opened = _open_or_replace(path, limit_bytes, uncounted, damaged)
    except StorageForeign as error:
        return _beside(path, limit_bytes, uncounted, str(error))
    for spare in spares_of(path):
        try:
            report = _take_back(opened.outbox, spare, limit_bytes, uncounted)
        except StorageError as error:
            report = f"{spare.name} stays, for it can't be taken back ({error})"
        structlog.get_logger().warning("spare_outbox", outcome=report)
        opened = Opened(opened.outbox, "; ".join(filter(None, (opened.report, report))))
    return opened


def look_into(path: Path) -> Restored | None:
    """Return what the outbox at `path` holds where it can only be read, boot count 0; None where it can't."""
    try:
        with Salvage(path) as salvage:
            return Restored(0, salvage.calls, notes=salvage.notes)
    except StorageError:
        return None


def spare_of(path: Path) -> Path:
    """Return the file beside `path` that this program uses where `path` is not its own."""
    return path.with_name(f"{path.stem}.v{len(migrations.load())}{path.suffix}")


def spares_of(path: Path) -> list[Path]:
    """Return the spares of this version and of older ones; those of newer ones wait for their program."""
    versions = range(1, len(migrations.load()) + 1)
    named = [path.with_name(f"{path.stem}.v{version}{path.suffix}") for version in versions]
    return [spare for spare in named if _is_there(spare)]


def taken_over(note: str) -> tuple[str, ...]:
    """Return the ids of the events that a spare took over, from its note `TAKEN_OVER`."""
    try:
        found = json.loads(note)
    except ValueError:
        return ()
    return tuple(map(str, found)) if isinstance(found, list) else ()


# ---------------------------------------------------------------- damaged


def _open_or_replace(path: Path, limit_bytes: int, uncounted: int, damaged: str = "") -> Opened:
    _finish_what_a_power_cut_left(path)
    try:
        _doubt(path, damaged)
        return Opened(open_outbox(path, limit_bytes))
    except StorageDamaged as error:
        found = _write_rescue(path, limit_bytes, uncounted)
        aside = _swap(path)
        report = f"{error}; {found}" + (f", it is kept as {aside.name}" if aside else "")
        structlog.get_logger().error("outbox_rescued", detail=report)
        return Opened(open_outbox(path, limit_bytes), report)


def _doubt(path: Path, damaged: str) -> None:
    if damaged:
        raise StorageDamaged(damaged)
    if not _is_there(path) and (_is_there(wal_of(path)) or _damaged_files(path)):
        raise StorageDamaged(f"the outbox {path} is gone")


def _write_rescue(path: Path, limit_bytes: int, uncounted: int) -> str:
    """Write what can be read of the file into a new one beside it; say in words what that was."""
    rescue = _rescue_of(path)
    _remove(rescue)
    fresh = open_outbox(rescue, limit_bytes)
    try:
        try:
            with Salvage(path) as salvage:
                found = _copy(salvage, fresh, uncounted)
        except StorageError:
            if _is_there(path) and not path.is_file():
                pass  # a directory, say: there is nothing to be found in it
            elif _is_there(path):
                raise
            fresh.begin_boot(uncounted)
            found = "nothing was found again in it"
    finally:
        fresh.close()
    return found


def _copy(salvage: Salvage, fresh: Outbox, uncounted: int) -> str:
    with fresh.transaction():
        fresh.store(salvage.calls)
        for key, body in salvage.notes.items():
            fresh.save_note(key, body)
        fresh.begin_boot(salvage.boot_count or uncounted)
    technical = 0
    events = salvage.technical()
    while batch := tuple(islice(events, _BATCH)):
        fresh.store(batch)
        technical += len(batch)
    return (
        f"{len(salvage.calls)} events of calls, {technical} technical ones and {len(salvage.notes)} notes were found "
        f"again in it, {salvage.unreadable} rows could not be read"
    )


def _swap(path: Path) -> Path | None:
    """Put the damaged file aside and the rescue in its place; return where the damaged one is."""
    aside = None
    if _is_there(path):
        aside = _next_damaged(path)
        path.rename(aside)
        _sync_directory(path)
    _put_log_aside(path, aside)
    _rescue_of(path).rename(path)
    _sync_directory(path)
    for old in _damaged_files(path)[:-KEPT]:
        _remove(old)
    return aside


def _finish_what_a_power_cut_left(path: Path) -> None:
    rescue = _rescue_of(path)
    if not _is_there(rescue):
        return
    if _is_there(path):
        _remove(rescue)  # it may be incomplete: the damaged file is still here, and is rescued again
        return
    files = _damaged_files(path)
    _put_log_aside(path, files[-1] if files else None)
    rescue.rename(path)
    _sync_directory(path)


def _put_log_aside(path: Path, aside: Path | None) -> None:
    shm_of(path).unlink(missing_ok=True)
    if _is_there(wal_of(path)):
        wal_of(path).rename(wal_of(aside if aside is not None else _next_damaged(path)))


def _rescue_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.rescue")


def _damaged_files(path: Path) -> list[Path]:
    """Return the damaged files that are kept, the oldest first."""
    found = [file for file in path.parent.glob(f"{path.name}.damaged-*") if file.suffix.rpartition("-")[2].isdigit()]
    return sorted(found, key=lambda file: int(file.suffix.rpartition("-")[2]))


def _next_damaged(path: Path) -> Path:
    files = _damaged_files(path)
    last = int(files[-1].suffix.rpartition("-")[2]) if files else 0
    return path.with_name(f"{path.name}.damaged-{last + 1}")


def _remove(path: Path) -> None:
    for file in (path, wal_of(path), shm_of(path)):
        with suppress(FileNotFoundError, IsADirectoryError, PermissionError):
            file.unlink()


def _is_there(path: Path) -> bool:
    return os.path.lexists(path)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------- not ours


def _beside(path: Path, limit_bytes: int, uncounted: int, why: str) -> Opened:
    spare = spare_of(path)
    is_new = not _is_there(spare) and not _is_there(_rescue_of(spare)) and not _damaged_files(spare)
    if is_new:
        with suppress(StorageError):
            _take_over(path, spare, limit_bytes, uncounted)
    opened = _open_or_replace(spare, limit_bytes, uncounted)
    report = f"{why}; until then {spare.name} is used beside it"
    return Opened(opened.outbox, f"{report}. {opened.report}" if opened.report else report)


def _take_over(path: Path, spare: Path, limit_bytes: int, uncounted: int) -> None:
    """Make the spare from what can be read of the file: whole, or not at all."""
    made = spare.with_name(f"{spare.name}.new")
    _remove(made)
    fresh = open_outbox(made, limit_bytes)
    try:
        calls: tuple[str, ...] = ()
        count = None
        with suppress(StorageError), Salvage(path) as salvage:
            fresh.store(salvage.calls)
            for key, body in salvage.notes.items():
                fresh.save_note(key, body)
            calls, count = tuple(event.event_id for event in salvage.calls), salvage.boot_count
        fresh.save_note(TAKEN_OVER, json.dumps(calls))
        fresh.begin_boot(count or uncounted)
    finally:
        fresh.close()
    made.rename(spare)
    _sync_directory(spare)


def _take_back(outbox: Outbox, spare_path: Path, limit_bytes: int, uncounted: int) -> str:
    """Move everything from a spare into the outbox, and say so; the spare is deleted only after that is on disk."""
    spare = _open_or_replace(spare_path, limit_bytes, uncounted).outbox
    try:
        kept = spare.load()
        with outbox.transaction():
            outbox.forget(taken_over(kept.notes.pop(TAKEN_OVER, "[]")))
            outbox.store(kept.calls)
            for batch in _technical(spare):
                outbox.store(batch)
            for key in outbox.load().notes:
                outbox.drop_note(key)
            for key, body in kept.notes.items():
                outbox.save_note(key, body)
            outbox.begin_boot(max(kept.boot_count, 1))
    finally:
        spare.close()
    _remove(spare_path)
    _sync_directory(spare_path)
    return f"what {spare_path.name} held is in it again: {len(kept.calls)} events of calls, {len(kept.notes)} notes"


def _technical(spare: Outbox) -> Iterator[tuple[OutboxEvent, ...]]:
    after = ""
    while (page := spare.technical_page(after, _BATCH)).events:
        yield page.events
        after = page.events[-1].sequence
