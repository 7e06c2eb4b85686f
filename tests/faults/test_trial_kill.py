"""The trial of kill -9, a few rounds of it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.broker.mosquitto import program
from tests.trials import kill
from tests.trials.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path


def test_nothing_promised_is_lost_to_a_kill(tmp_path: Path) -> None:
    program()
    ledger = Ledger()
    kill.run(ledger, 2, random.Random(4), tmp_path)  # noqa: S311 - moments of a fault, no secret
    assert ledger.row("kill", "", "").clean, ledger
    assert ledger.times == 2
    assert len(ledger.armed_s) == 2
    assert any(pull.arrived_at is not None for pull in ledger.pulls)
