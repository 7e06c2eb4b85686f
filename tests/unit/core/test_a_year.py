"""A year of a home's life in seconds: nothing is lost, nothing grows, everything ends."""

from __future__ import annotations

import json
import random

from agent.profiles import Profile
from tests.home_bench import SETTLED_S, HomeBench

DAYS = 365


class YearHome(HomeBench):
    """One cord, no wearable: between two things that happen, nothing does, and hours may be skipped."""

    def __init__(self) -> None:
        super().__init__(auto=True)

    def start(self) -> None:
        sensors = {name: s for name, s in self.profile.sensors.items() if name in ("bathroom-cord", "reset-button")}
        self.profile = Profile.model_copy(self.profile, update={"sensors": sensors})
        super().start()

    def skip(self, seconds: float) -> None:
        """Let hours pass at once; the contacts are read before anybody can call them silent."""
        self.clock.advance(seconds)
        self.levels()
        self.advance(2.0)


def test_a_year_with_outages_restarts_and_a_disk_that_fails() -> None:
    home = YearHome()
    home.acks = True
    chance = random.Random(2026)  # noqa: S311 - the same year every time, not a secret
    pulls = accepted = 0
    for day in range(DAYS):
        weather = chance.random()
        if weather < 0.05:
            home.cut()
        if weather > 0.97:
            home.fail_disk(full=chance.random() < 0.5)
        for _ in range(chance.randrange(4)):
            home.skip(chance.uniform(1800.0, 20_000.0))
            home.switch("bathroom-cord", pulled=True)
            home.advance(SETTLED_S)
            home.switch("bathroom-cord", pulled=False)
            home.advance(SETTLED_S)
            pulls += 1
        home.skip(3600.0)
        if weather < 0.05:
            home.connect()
        if weather > 0.97:
            home.mend_disk()
        for call in list(home.state.calls.under_way()):
            home.ack("accepted", call_id=call.call_id)
            home.ack("closed", call_id=call.call_id)
            accepted += 1
        if day % 30 == 29:
            home.crash()
            home.levels()
            home.advance(1.0)

    raised = home.seen("call.raised")
    assert pulls > DAYS
    assert len(raised) == pulls
    assert len(home.seen("call.closed")) == accepted
    numbers: dict[str, list[int]] = {}
    for event in home.seen():
        numbers.setdefault(event["sequence"][:8], []).append(int(event["sequence"][8:]))
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values()), "no hole in any boot"
    assert not home.disk.events
    assert home.disk.notes.keys() == {"running"}
    assert not home.state.calls.by_id
    assert not home.unanswered
    assert all(not path.in_flight and not path.wanted for path in home.state.delivery.paths.values())
    assert len(json.dumps(home.state.picture)) < 10_000
