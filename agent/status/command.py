"""`nodkald status`: how the running unit is doing, on one screen.

Exit code 0: it runs, and no fault is open. 1: it does not run, or can't be seen. 2: the unit file is wrong. 3: it runs,
and a fault is open.

Rules of this file: a client of the unit's window (`agent/status/socket.py`); it changes nothing and needs no root.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config_files import DEFAULT_UNIT_FILE, load_unit
from agent.status import view
from agent.status.client import WHY, Seen, look

if TYPE_CHECKING:
    import argparse

    from agent.texts import Language

EVERY_S = 1.0
FAULTS_OPEN = 3

_CLEAR = "\x1b[H\x1b[2J"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald status`."""
    parser.add_argument("--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="default: %(default)s")
    parser.add_argument("--watch", action="store_true", help="show it anew every second, until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="everything that the unit says, as one line of JSON")


def run(args: argparse.Namespace) -> int:
    """Show the unit once, or again and again; return the exit code."""
    unit_file = load_unit(args.unit_file).unit_file
    while True:
        seen = look(unit_file.runtime_dir)
        if args.watch and sys.stdout.isatty():
            sys.stdout.write(_CLEAR)
        code = _show(seen, unit_file.language, as_json=args.json)
        sys.stdout.flush()
        if not args.watch:
            return code
        threading.Event().wait(EVERY_S)


def _show(seen: Seen, language: Language, *, as_json: bool) -> int:
    if seen.said is None:
        if seen.closed is not None:
            sys.stderr.write(f"{WHY[seen.closed].in_(language)}\n")
        return 1
    text = json.dumps(seen.said, ensure_ascii=False) if as_json else "\n".join(view.lines(seen.said, language))
    sys.stdout.write(f"{text}\n")
    return FAULTS_OPEN if view.has_faults(seen.said) else 0
