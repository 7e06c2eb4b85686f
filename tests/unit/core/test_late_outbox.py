"""An outbox that answers only after the start: fall detection gets its part of it, whichever of the two comes first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from agent import core
from agent.assessment import FallDetection
from agent.clock import Now
from agent.readings import Item, Restored, Tick
from tests.home_bench import HomeBench

LATE = Restored(1_000_000, notes={"budget": '{"wearable":[60.0]}'})


@dataclass(frozen=True)
class Listening:
    """Fall detection that only remembers what it was handed."""

    heard: tuple[Item, ...] = ()

    def step(self, item: Item, now: Now) -> tuple[FallDetection, tuple[()]]:
        del now
        return replace(self, heard=(*self.heard, item)), ()

    def next_deadline(self) -> float | None:
        return None


def heard(home: HomeBench) -> list[Item]:
    assert isinstance(home.state.falls, Listening)
    return [item for item in home.state.falls.heard if isinstance(item, Restored)]


def test_it_comes_when_fall_detection_is_there() -> None:
    home = HomeBench()
    home.state = core.with_falls(home.state, Listening())
    home.step(LATE)
    home.advance(2.0)
    assert heard(home) == [LATE]


def test_it_comes_before_fall_detection_is_loaded() -> None:
    home = HomeBench()
    home.state = replace(home.state, falls=None)
    home.step(LATE)
    home.state = core.with_falls(home.state, Listening())
    home.step(Tick())
    home.advance(2.0)
    assert heard(home) == [LATE]
