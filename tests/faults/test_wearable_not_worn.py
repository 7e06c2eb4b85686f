"""A wearable on a table, over a real pseudo-terminal: bytes, driver, watch and core, until `sensor.not_worn`.

The shortest time that a profile allows is a minute, so bench, wearable and driver share the bench's clock, which moves
on as soon as what the wearable sent meanwhile has come through the port.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent import core
from agent.inference.stillness import STRETCH_S, Stillness
from agent.profiles import Profile
from agent.readings import LinkUp, MotionBatch
from agent.sensors.wearable import WearableDriver
from agent.simulator import wearable as simulated
from agent.simulator.motions import walking
from agent.simulator.wearable import SimulatedWearable
from tests.home_bench import HomeBench
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agent.readings import Item

RATE_HZ = 100
STEP_S = 0.4
LIMIT_S = 60.0
ON_THE_TABLE = ((0.0, 0.0, 1.0, 0.0),)
"""A motion of one sample: the posture that it keeps from then on."""


class OnItsPort(HomeBench):
    """The core, its watch, and what a driver on a real port posts to it."""

    def start(self) -> None:
        raw = self.profile.model_dump(by_alias=True)
        raw["sensors"]["wearable"] |= {"not_worn_after_s": LIMIT_S}
        self.profile = Profile.model_validate(raw)
        super().start()
        self.posted: list[Item] = []
        self.state = core.with_stillness(self.state, Stillness())

    def mono(self) -> float:
        return self.clock.now().mono

    def live(self, seconds: float) -> None:
        """Let time pass, each step once the samples of the one before are here."""
        for _ in range(round(seconds / STEP_S)):
            self.advance(STEP_S)
            self.levels()
            eventually(lambda: self._samples() >= STEP_S * RATE_HZ - 2, every=0.001)
            posted, self.posted[:] = list(self.posted), []
            for item in posted:
                self.step(item)

    def _samples(self) -> int:
        return sum(len(item.times) for item in list(self.posted) if isinstance(item, MotionBatch))

    @property
    def worn(self) -> bool | None:
        return self.state.wearing["wearable"].worn


@pytest.fixture
def home() -> OnItsPort:
    return OnItsPort()


@pytest.fixture
def device(tmp_path: Path, home: OnItsPort, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedWearable]:
    monkeypatch.setattr(simulated, "BURST_S", 0.001)  # how often it looks at the clock
    monkeypatch.setattr("agent.sensors.wearable.READ_EVERY_S", 0.001)
    made = SimulatedWearable(tmp_path / "wearable", RATE_HZ, monotonic=home.mono)
    config = home.profile.wearables["wearable"]
    driver = WearableDriver("wearable", config, str(tmp_path / "wearable"), home.posted.append, home.clock)
    made.start()
    driver.start()
    eventually(lambda: any(isinstance(item, LinkUp) for item in list(home.posted)))
    yield made
    driver.stop()
    made.stop()


def test_who_keeps_still_wears_it_and_a_table_does_not(home: OnItsPort, device: SimulatedWearable) -> None:
    home.live(STRETCH_S + 1)
    assert home.worn, "somebody breathes in it"
    device.play(ON_THE_TABLE, worn=False)
    home.live(LIMIT_S - STEP_S)
    assert home.faults("tech.fault", "wearable") == []
    home.live(2 * STRETCH_S)
    assert home.faults("tech.fault", "wearable") == ["sensor.not_worn"]
    device.play(walking(RATE_HZ, seed=1))
    home.live(2 * STRETCH_S)
    assert home.worn
    assert home.faults("tech.restored", "wearable") == ["sensor.not_worn"]
