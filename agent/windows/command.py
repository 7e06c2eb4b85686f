"""`nodkald windows`: what is kept on this unit by the citizen's consent: `list`, `fetch`, `delete`.

For a technician at the unit, with sudo: the files are the service's own, and nothing sends them anywhere. Exit code 0:
done; 1: it can't be, with a sentence that says what to do; 2: the unit file is wrong.

Rules of this file: no window is opened, for no key on the unit could. What is deleted after a fetch was read back from
the stick first, and a stick is not the unit's own disk: there nothing would bound how much is kept, and how long.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config_files import DEFAULT_UNIT_FILE, load_unit
from agent.consent import Standing, standing
from agent.provision.command import say_wrong
from agent.provision.files import replace_file
from agent.provision.refusal import Refused, refused_by_system
from agent.provision.terminal import say
from agent.system_clock import SystemClock
from agent.texts import Text
from agent.windows.store import WindowStore

if TYPE_CHECKING:
    import argparse

    from agent.config import UnitFile
    from agent.windows.store import Kept

STANDING = {
    Standing.NONE: Text("Intet samtykke: intet gemmes", "No consent: nothing is kept"),
    Standing.ACTIVE: Text("Samtykket {reference} gælder til og med {until}", "Consent {reference} holds until {until}"),
    Standing.EXPIRED: Text(
        "Samtykket {reference} udløb efter {until}: intet gemmes, og det gemte slettes",
        "Consent {reference} ended after {until}: nothing is kept, and what was kept is deleted",
    ),
    Standing.UNKNOWN: Text(
        "Samtykket {reference} gælder til og med {until}, men uret er ikke stillet: intet nyt gemmes",
        "Consent {reference} holds until {until}, but the clock is not set: nothing new is kept",
    ),
}
_KEPT = Text(
    "Vinduer: {count}, {size:.0f} kB; det ældste fra {oldest}, det nyeste fra {newest}",
    "Windows: {count}, {size:.0f} kB; the oldest of {oldest}, the newest of {newest}",
)
_NOTHING = Text("Ingen vinduer er gemt på enheden", "No windows are kept on the unit")
_FETCHED = Text("Kopieret til {to} og læst tilbage: {count}", "Copied to {to} and read back: {count}")
_DELETED = Text("Slettet på enheden: {count}", "Deleted on the unit: {count}")
_WITHDRAW = Text(
    "Skal der ikke gemmes flere, så sæt `motion_windows = false` i {unit_file}, og kør: "
    "sudo systemctl restart nodkald-agent",
    "If no more are to be kept, set `motion_windows = false` in {unit_file}, and run: "
    "sudo systemctl restart nodkald-agent",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald windows`."""
    parser.add_argument("--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="default: %(default)s")
    jobs = parser.add_subparsers(dest="job", required=True, metavar="JOB")
    jobs.add_parser("list", help="how many, how large, how old").set_defaults(job_run=_list)
    fetch = jobs.add_parser("fetch", help="copy them, encrypted as they are, onto a stick")
    fetch.add_argument("--to", type=Path, required=True, metavar="DIR", help="a directory on the stick")
    fetch.add_argument("--delete", action="store_true", help="delete each on the unit once its copy was read back")
    fetch.set_defaults(job_run=_fetch)
    jobs.add_parser("delete", help="delete them all: the citizen has changed their mind").set_defaults(job_run=_delete)


def run(args: argparse.Namespace) -> int:
    """Do the job; return the exit code."""
    unit = load_unit(args.unit_file).unit_file
    store = WindowStore(unit.state_dir)
    try:
        args.job_run(args, unit, store)
    except Refused as refused:
        say_wrong(refused.text.in_(unit.language))
        return 1
    except OSError as error:
        say_wrong(refused_by_system(error, Path(error.filename or store.root)).text.in_(unit.language))
        return 1
    return 0


def _list(_args: argparse.Namespace, unit: UnitFile, store: WindowStore) -> None:
    consent = unit.consent
    stands = STANDING[standing(consent, SystemClock().now())]
    say(stands.in_(unit.language).format(reference=consent.reference, until=consent.until))
    kept = store.windows()
    if not kept:
        say(_NOTHING.in_(unit.language))
        return
    size = sum(window.size for window in kept) / 1000
    told = {"count": len(kept), "size": size, "oldest": _day(kept[0]), "newest": _day(kept[-1])}
    say(_KEPT.in_(unit.language).format(**told))


def _fetch(args: argparse.Namespace, unit: UnitFile, store: WindowStore) -> None:
    if not args.to.is_dir():
        raise Refused(
            f"Der er ingen mappe {args.to}. Sæt USB-nøglen i, og prøv igen.",
            f"There is no directory {args.to}. Put the stick in, and try again.",
        )
    kept, to = store.windows(), args.to / unit.unit_id
    if args.delete and kept and same_disk(args.to, store.root):
        raise Refused(
            f"{args.to} ligger på enhedens eget hukommelseskort. Sæt en USB-nøgle i, eller lad --delete være.",
            f"{args.to} lies on the unit's own memory card. Put a stick in, or leave --delete out.",
        )
    to.mkdir(mode=0o700, exist_ok=True)
    for window in kept:
        _copy(window.path, to / window.path.name)
        if args.delete:
            window.path.unlink(missing_ok=True)
    say(_FETCHED.in_(unit.language).format(count=len(kept), to=to))
    if args.delete:
        say(_DELETED.in_(unit.language).format(count=len(kept)))


def same_disk(one: Path, other: Path) -> bool:
    """Whether two directories lie in one file system: what is moved from one to the other leaves no disk."""
    return one.stat().st_dev == other.stat().st_dev


def _delete(args: argparse.Namespace, unit: UnitFile, store: WindowStore) -> None:
    say(_DELETED.in_(unit.language).format(count=store.delete_all()))
    if unit.consent.motion_windows:
        say(_WITHDRAW.in_(unit.language).format(unit_file=args.unit_file))


def _copy(source: Path, target: Path) -> None:
    """Copy a file and read the copy back from the medium. Raises Refused where it differs."""
    content = source.read_bytes()
    replace_file(target, content, 0o600)
    with target.open("rb") as copy:
        os.posix_fadvise(copy.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # from the stick, not from memory
        same = copy.read() == content
    if not same:
        raise Refused(
            f"Kopien {target} er ikke som originalen. Brug en anden USB-nøgle; den og resten er stadig på enheden.",
            f"The copy {target} is not like the original. Use another stick; it and the rest are still on the unit.",
        )


def _day(window: Kept) -> str:
    return datetime.fromtimestamp(window.kept_at, UTC).strftime("%Y-%m-%d")
