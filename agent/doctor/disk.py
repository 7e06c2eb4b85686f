"""Check `disk`: room, files and health of the disk under the outbox, as far as the kernel tells, and that it is one.

Rules of this file: an SD card says nothing about its wear; ext4 counts the errors that it met, and an eMMC tells its
life. Where the kernel tells nothing, that is `skipped`, not `ok`. What lies in memory takes every write and forgets it
with the power; of an overlay the kernel does not say where its upper part lies, and on a Pi that is memory.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agent.doctor.finding import Finding, Verdict
from agent.status.words import both
from agent.texts import Text

NAME = "disk"
HEALTH = "disk-health"
SYS = Path("/sys")
MOUNTS = Path("/proc/self/mountinfo")
IN_MEMORY = ("tmpfs", "ramfs", "rootfs")
OVERLAY = "overlay"
ROOM_FAIL_MB = 20
ROOM_WARN_MB = 200
FILES_FAIL = 50
FILES_WARN = 500
WORN_STEP = 0x0A
"""An eMMC tells its used life in steps of a tenth: 0x0A is 90 to 100 %, 0x0B more."""

_ROOM = Text("{megabytes} MB fri", "{megabytes} MB free")
_LITTLE = Text("kun {megabytes} MB fri", "only {megabytes} MB free")
_FILES = Text("kun plads til {files} filer mere", "room for only {files} more files")
_READ_ONLY = Text("er monteret kun til læsning", "is mounted read-only")
_NO_PLACE = Text("mappen {path} kan ikke ses", "the directory {path} can't be seen")
_MAKE_ROOM = Text(
    "Gør plads: sudo journalctl --vacuum-size=50M, og slet, hvad der ikke hører til her",
    "Make room: sudo journalctl --vacuum-size=50M, and delete what does not belong here",
)
_REMOUNT = Text(
    "Se efter diskfejl i: journalctl -k; byt kortet, hvis der er nogen, og genstart",
    "Look for disk errors in: journalctl -k; change the card if there are any, and restart",
)
_MAKE_DIRECTORY = Text(
    "Installér pakken igen, eller ret `state_dir` i unit-filen",
    "Install the package again, or correct `state_dir` in the unit file",
)
_IN_MEMORY = Text(
    "ligger i hukommelsen ({kind}): et kald, der ikke er sendt, er væk med strømmen",
    "lies in memory ({kind}): a call that is not sent is gone with the power",
)
_OVERLAY = Text(
    "ligger på et overlay, som oftest glemmer alt, når strømmen går",
    "lies on an overlay, which mostly forgets everything with the power",
)
_PARTITION = Text(
    "Giv {path} en rigtig partition på kortet: se `A read-only root` i docs/operations/hardening.md",
    "Give {path} a real partition on the card: see `A read-only root` in docs/operations/hardening.md",
)
_NO_WORD = Text("kernen siger intet om kortets helbred", "the kernel says nothing about the card's health")
_HEALTHY = Text("ingen fejl optalt", "no errors counted")
_ERRORS = Text("filsystemet har mødt {count} fejl", "the file system has met {count} errors")
_WORN = Text("lageret er slidt", "the memory is worn")
_CHANGE = Text("Byt SD-kortet, og sæt enheden op på ny", "Change the SD card, and set the unit up anew")


@dataclass(frozen=True, slots=True)
class Space:
    """What is free on a disk; `files` is None where the file system has no limit."""

    free_bytes: int
    files: int | None
    read_only: bool


@dataclass(frozen=True, slots=True)
class Health:
    """What the kernel tells of a block device; None where it does not."""

    errors: int | None = None
    life_step: int | None = None
    pre_eol: int | None = None


def examine(state_dir: Path, *, simulated: bool = False) -> list[Finding]:
    """Look at the disk of `state_dir`, or of the nearest directory above it that exists; practice may forget."""
    try:
        there = next(path for path in (state_dir, *state_dir.parents) if path.exists())
        found, device = os.statvfs(there), there.stat().st_dev
    except OSError as error:
        return [Finding(NAME, Verdict.FAIL, both(_NO_PLACE, path=str(state_dir)), "", _MAKE_DIRECTORY, str(error))]
    free = found.f_bavail * found.f_frsize
    space = Space(free, found.f_favail if found.f_files else None, bool(found.f_flag & os.ST_RDONLY))
    kept = None if simulated else judge_kind(state_dir, kind_of(device))
    return [judge(space), *([kept] if kept is not None else []), judge_health(read_health(device))]


def kind_of(device: int, mounts: Path = MOUNTS) -> str:
    """Return the kind of the file system with number `device` (a directory's `st_dev`); "" where it is not told."""
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        for line in mounts.read_text(errors="replace").splitlines():
            mount, _, rest = line.partition(" - ")
            if mount.split()[2:3] == [number]:
                return rest.split()[0] if rest else ""
    except OSError:
        pass
    return ""


def judge_kind(state_dir: Path, kind: str) -> Finding | None:
    """Return what is wrong with a file system of this kind under the outbox; None where nothing is."""
    step = both(_PARTITION, path=str(state_dir))
    if kind in IN_MEMORY:
        return Finding(NAME, Verdict.FAIL, both(_IN_MEMORY, kind=kind), next_step=step)
    return Finding(NAME, Verdict.WARN, _OVERLAY, next_step=step) if kind == OVERLAY else None


def judge(space: Space) -> Finding:
    """Return whether the outbox has room to grow."""
    megabytes = space.free_bytes // 1_000_000
    if space.read_only:
        return Finding(NAME, Verdict.FAIL, _READ_ONLY, next_step=_REMOUNT)
    if megabytes < ROOM_FAIL_MB:
        return Finding(NAME, Verdict.FAIL, both(_LITTLE, megabytes=megabytes), next_step=_MAKE_ROOM)
    if space.files is not None and space.files < FILES_WARN:
        verdict = Verdict.FAIL if space.files < FILES_FAIL else Verdict.WARN
        return Finding(NAME, verdict, both(_FILES, files=space.files), next_step=_MAKE_ROOM)
    if megabytes < ROOM_WARN_MB:
        return Finding(NAME, Verdict.WARN, both(_LITTLE, megabytes=megabytes), next_step=_MAKE_ROOM)
    return Finding(NAME, Verdict.OK, both(_ROOM, megabytes=megabytes))


def read_health(device: int, sys: Path = SYS) -> Health:
    """Return what the kernel tells of the device with number `device` (a directory's `st_dev`)."""
    block = (sys / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}").resolve()
    whole = block.parent if (block / "partition").exists() else block
    life = _numbers(whole / "device" / "life_time")
    eol = _numbers(whole / "device" / "pre_eol_info")
    errors = _numbers(sys / "fs" / "ext4" / block.name / "errors_count", base=10)
    return Health(max(errors, default=None), max(life, default=None), max(eol, default=None))


def judge_health(health: Health) -> Finding:
    """Return what that means."""
    detail = f"errors_count={health.errors} life_time={health.life_step} pre_eol_info={health.pre_eol}"
    if health.errors:
        return Finding(HEALTH, Verdict.FAIL, both(_ERRORS, count=health.errors), "", _CHANGE, detail)
    worst = max(health.pre_eol or 0, {WORN_STEP: 2, WORN_STEP + 1: 3}.get(health.life_step or 0, 0))
    if worst >= 2:
        return Finding(HEALTH, Verdict.FAIL if worst >= 3 else Verdict.WARN, _WORN, "", _CHANGE, detail)
    if health == Health():
        return Finding(HEALTH, Verdict.SKIPPED, _NO_WORD)
    return Finding(HEALTH, Verdict.OK, _HEALTHY)


def _numbers(file: Path, base: int = 16) -> list[int]:
    try:
        return [int(word, base) for word in file.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []
