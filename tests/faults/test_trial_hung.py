"""The trials of hanging workers, a round or two of each with shorter limits than a home has."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.broker.mosquitto import program
from tests.trials import hung
from tests.trials.hung_unit import SHORT
from tests.trials.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Trial = Callable[..., str]


@pytest.mark.parametrize("trial", [hung.pins, hung.driver, hung.model, hung.disk, hung.resolver])
def test_a_hang_is_found_and_no_call_is_lost(trial: Trial, tmp_path: Path) -> None:
    program()
    if trial is hung.disk and os.geteuid() != 0:
        pytest.skip("a disk of its own (ext4 in a file, by a loop device) can only be mounted as root")
    ledger = Ledger()
    note = trial(ledger, 1, random.Random(1), tmp_path, SHORT)  # noqa: S311 - moments of a fault, no secret
    assert ledger.row("hung", "", "", note).clean, ledger
    assert ledger.times == 1
    assert ledger.pulls
    assert any(pull.arrived_at is not None for pull in ledger.pulls)
    assert note.startswith("found 1 times")
