"""`nodkald log`: the unit's last events in words.

From the running unit: the last 50 of this start. From a unit that does not run: what its outbox still holds, which is
what the centre has not confirmed. Exit code 0: told; 1: neither can be seen; 2: the unit file is wrong.

Rules of this file: arguments and choice of the source. The outbox is only looked into when no unit runs.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path

from agent.config_files import DEFAULT_UNIT_FILE, load_unit
from agent.status import view, words
from agent.status.board import EVENTS
from agent.status.client import WHY, Closed, look
from agent.status.stored import stored_events
from agent.texts import Text

_NOTHING = Text("Ingen hændelser siden start", "No events since start")
_NOTHING_STORED = Text(
    "Enheden kører ikke, og intet venter på centralen", "The unit is not running, and nothing waits for the centre"
)
_FROM_OUTBOX = Text(
    "Enheden kører ikke. Dette venter på centralen:", "The unit is not running. This waits for the centre:"
)
_CANT_READ = Text(
    "Lageret {path} kan ikke læses af dig. Prøv med sudo ({detail})",
    "You can't read the outbox {path}. Try with sudo ({detail})",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald log`."""
    parser.add_argument("--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="default: %(default)s")
    parser.add_argument(
        "-n", type=_count, default=20, metavar="N", dest="count", help=f"how many, 1 to {EVENTS}; default: %(default)s"
    )


def run(args: argparse.Namespace) -> int:
    """Tell the last events, oldest first; return the exit code."""
    unit_file = load_unit(args.unit_file).unit_file
    language = unit_file.language
    seen = look(unit_file.runtime_dir)
    if seen.said is not None:
        events = seen.said["events"][-args.count :]
        _say(view.event_lines(events, language) or [_NOTHING.in_(language)])
        return 0
    if seen.closed is not Closed.NOT_RUNNING:
        sys.stderr.write(f"{WHY[seen.closed or Closed.NO_ANSWER].in_(language)}\n")
        return 1
    outbox = unit_file.state_dir / "outbox.db"
    try:
        events = stored_events(outbox, args.count)
    except (sqlite3.Error, OSError) as error:
        why = words.both(_CANT_READ, path=str(outbox), detail=str(error))
        sys.stderr.write(f"{WHY[Closed.NOT_RUNNING].in_(language)}\n{why.in_(language)}\n")
        return 1
    _say([(_FROM_OUTBOX if events else _NOTHING_STORED).in_(language), *view.event_lines(events, language)])
    return 0


def _say(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= EVENTS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {EVENTS}")
    return int(text)
