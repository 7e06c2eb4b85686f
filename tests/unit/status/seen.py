"""A home on the bench, seen through the unit's window."""

from __future__ import annotations

from typing import Any

from agent.effects import StoreEvent
from agent.status.board import describe
from tests.home_bench import HomeBench


def stored(bench: HomeBench) -> list[StoreEvent]:
    """Return what was stored and not confirmed, as the effects that stored it."""
    return [StoreEvent(event) for event in sorted(bench.disk.events.values(), key=lambda event: event.sequence)]


def said(bench: HomeBench) -> dict[str, Any]:
    """Return what the window says now."""
    events = [effect.event for effect in stored(bench)]
    return describe(bench.state, events, None, bench.clock.now())
