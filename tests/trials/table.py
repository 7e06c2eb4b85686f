"""The table of `docs/reliability.md`, made from the rows that the trials left in `docs/reliability/`.

Rules of this file: nothing is rounded in our favour, and a trial that was never run shows as such.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tests.trials.ledger import Row
from tests.trials.registry import TRIALS

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
ROWS = PAGE.with_suffix("")
BEGIN, END = "<!-- trials -->", "<!-- end of trials -->"
HEAD = (
    "| fault | asked | run | pulls | lost calls | lost events | beaten | delay: median, p99, longest | armed again "
    "| false calls | unverified | lies |\n|---|---|---|---|---|---|---|---|---|---|---|---|"
)


def read_rows(folder: Path = ROWS) -> dict[str, Row]:
    """Return the kept rows by the name of their trial."""
    return {path.stem: Row(**json.loads(path.read_text())) for path in folder.glob("*.json")}


def table(rows: Mapping[str, Row]) -> str:
    """Return the table, one line a trial, then the command and the note of each that was run."""
    lines = [HEAD]
    for trial in TRIALS.values():
        row = rows.get(trial.name)
        if row is None:
            lines.append(f"| {trial.fault} | {trial.at_least:,} | **not run** |" + " |" * 9)
            continue
        beaten = f"{row.beaten}" if row.beaten_s is None else f"{row.beaten} (cut within {row.beaten_s:.3f} s)"
        lines.append(
            f"| {row.fault} | {trial.at_least:,} | {row.times:,} | {row.pulls:,} | {row.lost} | {row.lost_events} "
            f"| {beaten} "
            f"| {_seconds(row.median_s)}, {_seconds(row.p99_s)}, {_seconds(row.longest_s)} | {_seconds(row.armed_s)} "
            f"| {row.false_calls} | {row.unverified} | {row.lies} |"
        )
    lines += ["", "What ran, and what is to be said about it:", ""]
    lines += [
        f"- `{rows[name].command}`" + (f": {rows[name].note}" if rows[name].note else "")
        for name in TRIALS
        if name in rows
    ]
    return "\n".join(lines)


def with_table(page: str, rows: Mapping[str, Row]) -> str:
    """Return the page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(rows)}\n{END}{after}"


def write_table() -> None:
    """Make the table of the page anew."""
    PAGE.write_text(with_table(PAGE.read_text(), read_rows()))


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
