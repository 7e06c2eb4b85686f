"""The day without a line, on a small scale: two hours, twenty pulls, and an outbox that is too small for the rest."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.broker.mosquitto import program
from tests.trials import outage
from tests.trials.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

SMALL = outage.Size(pulls=20, technical=2_500, limit_mb=1, hours=2)


def test_every_call_of_an_outage_arrives_and_what_was_evicted_is_announced(tmp_path: Path) -> None:
    program()
    ledger = Ledger()
    note = outage.run(ledger, 1, random.Random(1), tmp_path, SMALL)  # noqa: S311 - moments are no secret
    row = ledger.row("outage", "", "")
    assert row.clean, ledger.lies
    assert (row.pulls, row.lost_events) == (20, 0)
    assert row.longest_s is not None
    assert "evicted" in note
