"""A technical event that is made while a page of the outbox is being read must not be left lying there."""

from __future__ import annotations

from dataclasses import replace

from agent.uplink import technical_lane
from agent.uplink.technical_lane import TechnicalLane
from tests.unit.uplink.events import event


def reading() -> TechnicalLane:
    """A path came back, and the first page is being read."""
    lane = technical_lane.path_came_back(TechnicalLane())
    assert technical_lane.wants_page(lane)
    return replace(lane, fetching=True)


def test_it_is_read_with_the_next_page() -> None:
    lane = technical_lane.add(reading(), event(2))
    lane = technical_lane.page_came(lane, (event(1),), more=False)  # read before event 2 was stored
    lane, first, _ = technical_lane.sent(lane)
    assert first == event(1)
    assert technical_lane.wants_page(lane)
    lane = technical_lane.page_came(lane, (event(2),), more=False)
    assert lane.queue == (event(2),)
    assert not lane.more


def test_it_may_be_on_the_page_already() -> None:
    lane = technical_lane.add(reading(), event(2))
    lane = technical_lane.page_came(lane, (event(1), event(2)), more=False)
    lane, _, _ = technical_lane.sent(lane)
    lane, _, _ = technical_lane.sent(lane)
    lane = technical_lane.page_came(replace(lane, fetching=True), (), more=False)
    assert technical_lane.is_idle(lane)


def test_without_one_the_last_page_is_the_last() -> None:
    lane = technical_lane.page_came(reading(), (), more=False)
    assert technical_lane.is_idle(lane)
