"""The broker trials at their smallest: what breaks for a second there, breaks for half a minute in the table."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.broker.mosquitto import program
from tests.trials import broker
from tests.trials.ledger import Ledger

if TYPE_CHECKING:
    from pathlib import Path

SHORT_S = (0.2, 0.8)


@pytest.mark.parametrize(
    ("name", "times"),
    [
        ("killed", broker.TWO_WAYS_EVERY),  # the last is that of a home with two ways
        ("half_open", 1),
        ("rights", 1),
        ("slow", 1),  # the other four differ from these in the broker's configuration alone
    ],
)
def test_nothing_is_lost_and_no_light_lies(name: str, times: int, tmp_path: Path) -> None:
    program()
    ledger = Ledger()
    shorter = {"delay_s": 0.3} if name == "slow" else {}
    rng = Random(8)  # noqa: S311 - moments of a fault, no secret
    note = getattr(broker, name)(ledger, times, rng, tmp_path, lasts_s=SHORT_S, **shorter)
    row = ledger.row(name, "", "", note)
    assert row.clean, ledger.lies
    assert row.times == times
    assert row.pulls >= times
    assert all(pull.arrived_at is not None for pull in ledger.pulls)
    assert f"{times - times // broker.TWO_WAYS_EVERY} rounds with one way" in note
