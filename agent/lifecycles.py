"""Draws the lifecycles into the docs from the tables that the code runs.

    python -m agent.lifecycles --check | --write

Rules of this file: nothing is described here; what is drawn is what `TRANSITIONS` says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import TypeVar

from agent import call_table, second_look, supervision, wearing
from agent.uplink import paths

Phase = TypeVar("Phase", bound=Enum)
Signal = TypeVar("Signal", bound=Enum)

TARGET = Path(__file__).resolve().parent.parent / "docs" / "lifecycles.md"

HEAD = """# Lifecycles

Drawn from the code by `python -m agent.lifecycles --write`; a test fails where they differ. What is not in a picture
does not happen: a signal without an arrow changes nothing.
"""


def draw(transitions: Mapping[tuple[Phase, Signal], Phase], starts: tuple[Phase, ...]) -> str:
    """Return a Mermaid state diagram of a table."""
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f"    [*] --> {start.value}" for start in starts]
    lines += [f"    {origin.value} --> {to.value}: {signal.value}" for (origin, signal), to in transitions.items()]
    origins = {origin for origin, _ in transitions}
    ends = sorted({to.value for to in transitions.values() if to not in origins})
    lines += [f"    {end} --> [*]" for end in ends]
    return "\n".join([*lines, "```"])


def page() -> str:
    """Return the whole page."""
    call = draw(call_table.TRANSITIONS, (call_table.Phase.ASSESSING, call_table.Phase.RAISED))
    sensor = draw(supervision.TRANSITIONS, (supervision.Phase.STARTING,))
    worn = draw(wearing.TRANSITIONS, (wearing.Phase.UNKNOWN,))
    look = draw(second_look.TRANSITIONS, (second_look.Phase.WATCHING,))
    path = draw(paths.TRANSITIONS, (paths.Phase.DOWN,))
    return f"""{HEAD}
## A call (`agent/call_table.py`)

A manual call is born in `raised`; an automatic trigger in `assessing`.

{call}

## A second look (`agent/second_look.py`)

Begins with every trigger. `lying_since_impact` makes a call of an uncertain one; lying and walking change the score and
the advice of a call.

{look}

## A sensor (`agent/supervision.py`)

While it is `silent` or `garbled`, the fault of that name is open.

{sensor}

## A wearable, worn or not (`agent/wearing.py`)

While it is `not_worn`, the fault `sensor.not_worn` is open.

{worn}

## A broker path (`agent/uplink/paths.py`)

{path}
"""


def main() -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description="Draw the lifecycles into the docs.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--check", action="store_true")
    what.add_argument("--write", action="store_true")
    args = parser.parse_args()
    if args.write:
        TARGET.write_text(page(), encoding="utf-8")
        return 0
    if not TARGET.exists() or TARGET.read_text(encoding="utf-8") != page():
        sys.stderr.write(f"{TARGET} is out of date: run python -m agent.lifecycles --write\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
