"""Check `outbox`: it opens, is whole, is not from a newer version, and what waits in it.

Rules of this file: only looked into (agent/status/stored.py), never written. The unit's own word on its storage counts
where it runs: only it knows whether writing works. A spare outbox, which the unit made because it could not use its
own (agent/uplink/rescue.py), is one more to look into.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from agent.call_table import Phase
from agent.calls import OVERDUE_AFTER_S
from agent.doctor.case import SUDO
from agent.doctor.finding import Finding, Verdict
from agent.status import view
from agent.status.stored import opened
from agent.status.words import both
from agent.texts import Text
from agent.uplink import migrations
from agent.uplink.rescue import spares_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.doctor.case import Case

NAME = "outbox"
CHECK_WITHIN_S = 4.0

_WHOLE = Text(
    "er hel; venter: {calls} om kald, {technical} tekniske; {kilobytes} kB",
    "is whole; waiting: {calls} about calls, {technical} technical; {kilobytes} kB",
)
_NOT_YET = Text(
    "findes ikke endnu; enheden laver den ved første start", "does not exist yet; the unit makes it when it starts"
)
_WAITING = Text(
    "enheden kører ikke, og hændelser om kald venter: {calls}",
    "the unit is not running, and events about calls wait: {calls}",
)
_START = Text("Start enheden nu, som linjen om den siger", "Start the unit now, as the line on it says")
_OVERDUE = Text("et kald har ventet på centralen i {age}", "a call has waited for the centre for {age}")
_ASK_CENTRE = Text(
    "Hør, om nogen har brug for hjælp; se så linjerne om broker og central (enheden prøver igen inden ti minutter)",
    "See whether somebody needs help; then the lines on broker and centre (the unit tries again within ten minutes)",
)
_DAMAGED = Text("er beskadiget", "is damaged")
_RESCUE = Text(
    "Start enheden igen: den redder, hvad der kan læses, og gemmer den beskadigede fil ved siden af {path}",
    "Start the unit again: it rescues what can be read, and keeps the damaged file beside {path}",
)
_NEWER = Text(
    "er fra en nyere version ({version}; denne kender {known})",
    "is from a newer version ({version}; this one knows {known})",
)
_INSTALL_NEWER = Text("Installér den nyere nodkald-agent igen", "Install the newer nodkald-agent again")
_FORBIDDEN = Text("må ikke læses af dig", "may not be read by you")
_CANT_READ = Text("kan ikke læses", "can't be read")
_DISK = Text(
    "Se linjen om disken, og efter fejl i: journalctl -k",
    "See the line on the disk, and look for errors in: journalctl -k",
)
_FAILING = Text("enheden kan ikke skrive", "the unit can't write")
_NOT_CHECKED = Text(
    "er for stor til at prøves helt igennem på {seconds:g} s", "is too large to be checked to its end in {seconds:g} s"
)
_LATER = Text(
    "Se, hvorfor centralen ikke kvitterer: køen er lang", "See why the centre does not confirm: the queue is long"
)


@dataclass(frozen=True, slots=True)
class Contents:
    """What was read. `answer` is SQLite's own judgement: "ok", what is damaged, or "" where time ran out."""

    version: int
    answer: str
    calls: int
    technical: int
    size_bytes: int


def examine(case: Case) -> list[Finding]:
    """Hear what the unit says, and look into the file."""
    told = [] if case.said is None else judge_told(case.said)
    running = case.said is not None or case.hidden
    spares = [replace(_examine_file(spare, running=running), subject=spare.name) for spare in spares_of(case.outbox)]
    return [*told, _examine_file(case.outbox, running=running), *spares]


def _examine_file(path: Path, *, running: bool) -> Finding:
    try:
        contents = read(path)
    except FileNotFoundError:
        return Finding(NAME, Verdict.OK, _NOT_YET)
    except PermissionError as error:
        return Finding(NAME, Verdict.WARN, _FORBIDDEN, next_step=SUDO, detail=str(error))
    except (sqlite3.DatabaseError, OSError) as error:
        return unreadable(path, error)
    return judge(path, contents, len(migrations.load()), running=running)


def read(path: Path, within_s: float = CHECK_WITHIN_S) -> Contents:
    """Read and check the file. Raises OSError and sqlite3.Error."""
    with opened(path) as connection:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        calls, technical = connection.execute("SELECT total(is_call), total(1 - is_call) FROM events").fetchone()
        deadline = time.monotonic() + within_s
        connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)
        try:
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", None) != sqlite3.SQLITE_INTERRUPT:
                raise
            answer = ""
    return Contents(version, answer, int(calls), int(technical), path.stat().st_size)


def judge(path: Path, contents: Contents, known: int, *, running: bool) -> Finding:
    """Return whether the outbox is one to work with."""
    if contents.version > known:
        newer = both(_NEWER, version=contents.version, known=known)
        return Finding(NAME, Verdict.FAIL, newer, next_step=_INSTALL_NEWER)
    if not contents.answer:
        return Finding(NAME, Verdict.WARN, both(_NOT_CHECKED, seconds=CHECK_WITHIN_S), next_step=_LATER)
    if contents.answer != "ok":
        return _damaged(path, contents.answer)
    if contents.calls and not running:
        return Finding(NAME, Verdict.WARN, both(_WAITING, calls=contents.calls), next_step=_START)
    whole = both(
        _WHOLE, calls=contents.calls, technical=contents.technical, kilobytes=max(1, contents.size_bytes // 1000)
    )
    return Finding(NAME, Verdict.OK, whole)


def judge_told(said: Mapping[str, Any]) -> list[Finding]:
    """Return what the running unit says: that it can't write, and that a raised call has waited for too long."""
    found: list[Finding] = []
    storage = str(said["picture"]["queue"]["storage"])
    if storage != "ok":
        found.append(Finding(NAME, Verdict.FAIL, _FAILING, next_step=_DISK, detail=storage))
    waited = max((call["age_s"] for call in said["calls"] if call["phase"] == Phase.RAISED), default=0.0)
    if waited >= OVERDUE_AFTER_S:
        found.append(Finding(NAME, Verdict.FAIL, both(_OVERDUE, age=view.age(waited)), next_step=_ASK_CENTRE))
    return found


def unreadable(path: Path, error: sqlite3.DatabaseError | OSError) -> Finding:
    """Return why the file could not be read: damaged, or not to be had."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or "no such table" in str(error):
        return _damaged(path, str(error))
    return Finding(NAME, Verdict.FAIL, _CANT_READ, next_step=_DISK, detail=str(error))


def _damaged(path: Path, detail: str) -> Finding:
    return Finding(NAME, Verdict.FAIL, _DAMAGED, next_step=both(_RESCUE, path=str(path)), detail=detail)
