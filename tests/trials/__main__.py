"""The command behind `docs/reliability.md`.

python -m tests.trials list [--host]                      (--host: the names of those that need no virtual Pi)
python -m tests.trials run NAME [--times N] [--seed N]    (exit code 1 if anything was lost, invented or a lie)
python -m tests.trials table [--write]
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.trials.ledger import Ledger
from tests.trials.registry import TRIALS
from tests.trials.table import ROWS, read_rows, table, write_table


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials", description=__doc__)
    orders = parser.add_subparsers(dest="order", required=True)
    names = orders.add_parser("list", help="name every trial")
    names.add_argument("--host", action="store_true", help="only the names of those that need no virtual Pi")
    one = orders.add_parser("run", help="run one trial, and keep its row")
    one.add_argument("name", choices=TRIALS)
    one.add_argument("--times", type=int, help="how often to break it (default: as often as the table asks)")
    one.add_argument("--seed", type=int, default=1, help="of the random moments (default 1)")
    one.add_argument("--keep", type=Path, default=ROWS, help="folder for the row (default docs/reliability)")
    show = orders.add_parser("table", help="print the table")
    show.add_argument("--write", action="store_true", help="write it into docs/reliability.md")
    given = parser.parse_args()
    match given.order:
        case "list" if given.host:
            print("\n".join(trial.name for trial in TRIALS.values() if not trial.on_a_virtual_pi))
            return 0
        case "list":
            print("\n".join(f"{trial.name:18} {trial.at_least:>5}  {trial.fault}" for trial in TRIALS.values()))
            return 0
        case "run":
            return run(given.name, given.times, given.seed, given.keep)
    if given.write:
        write_table()
    else:
        print(table(read_rows()))
    return 0


def run(name: str, times: int | None, seed: int, keep: Path) -> int:
    """Run one trial, print its row, and keep it."""
    trial = TRIALS[name]
    times = trial.at_least if times is None else times
    ledger, began = Ledger(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"nodkald-trial-{name}-") as work:
        note = trial.load()(ledger, times, random.Random(seed), Path(work))
    row = ledger.row(name, trial.fault, f"python -m tests.trials run {name} --times {times} --seed {seed}", note)
    keep.mkdir(parents=True, exist_ok=True)
    (keep / f"{name}.json").write_text(json.dumps(dataclasses.asdict(row), indent=2, ensure_ascii=False) + "\n")
    for lie in ledger.lies:
        print(f"lie: {lie}")
    print(json.dumps(dataclasses.asdict(row), ensure_ascii=False))
    print(f"{name}: {'clean' if row.clean else 'NOT CLEAN'}, {time.monotonic() - began:.0f} s")
    return 0 if row.clean else 1


if __name__ == "__main__":
    sys.exit(main())
