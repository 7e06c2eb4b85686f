"""Many rounds of a trial in several homes at a time, each with a directory, a broker and a ledger of its own.

Rules of this file: what happens in one home can't disturb another one. A round that fails is printed and counted as a
lie (the unit did not do what it says that it does), the home is made anew, and the trial goes on.
"""

from __future__ import annotations

import random
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.trials.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Rounds = Callable[[Ledger, Iterator[int], random.Random, Path], None]
    """Plays the rounds of one home: takes their numbers as it comes to them, until none is left."""


def side_by_side(
    ledger: Ledger, times: int, rng: random.Random, work: Path, play: Rounds, *, homes: int, each: int
) -> None:
    """Play `times` rounds, at most `homes` at a time, and a new home after `each` rounds."""
    lock = threading.Lock()
    seeds = [rng.getrandbits(64) for _ in range((times + each - 1) // each)]

    def one(number: int) -> None:
        waiting = iter(range(number * each, min(times, (number + 1) * each)))
        own, chance, attempt = Ledger(), random.Random(seeds[number]), 0
        while (first := next(waiting, None)) is not None:
            attempt += 1
            rounds = _chain(first, waiting, own)
            try:
                play(own, rounds, chance, work / f"home-{number}-{attempt}")
            except Exception as error:  # noqa: BLE001 - a trial counts what goes wrong, and goes on
                own.lies.append(f"home {number}: a round ended with {type(error).__name__}: {str(error)[:300]}")
                traceback.print_exc()
        with lock:
            _merge(ledger, own)
            print(_progress(ledger, times), flush=True)

    with ThreadPoolExecutor(homes) as pool:
        list(pool.map(one, range(len(seeds))))


def _chain(first: int, rest: Iterator[int], own: Ledger) -> Iterator[int]:
    own.times += 1
    yield first
    for number in rest:
        own.times += 1
        yield number


def _merge(into: Ledger, own: Ledger) -> None:
    into.pulls += own.pulls
    into.lies += own.lies
    into.armed_s += own.armed_s
    into.false_calls += own.false_calls
    into.unverified += own.unverified
    into.lost_events += own.lost_events
    into.times += own.times


def _progress(ledger: Ledger, times: int) -> str:
    row = ledger.row("", "", "")
    return (
        f"{row.times} of {times}: {row.pulls} pulls, lost {row.lost}, beaten {row.beaten}, lost events "
        f"{row.lost_events}, false {row.false_calls}, lies {row.lies}, longest {row.longest_s} s, armed {row.armed_s} s"
    )
