"""A person in front of the core: an impact, and then what they do, second by second, as fall detection tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.assessment import Advice, Assessed, Assessment, Observation, TriggerSeen, Verdict
from agent.texts import Text

if TYPE_CHECKING:
    from agent.directions import Vector
    from tests.home_bench import HomeBench

UPRIGHT: Vector = (0.0, 0.0, 1.0)
ON_THE_SIDE: Vector = (0.0, 1.0, 0.1)
THRESHOLD = 0.7
STILL_G, MOVING_G = 0.01, 0.3


class Person:
    """Wears the wearable of a home."""

    def __init__(self, home: HomeBench) -> None:
        self.home = home
        self._triggers = 0

    def impact(
        self, verdict: Verdict = Verdict.UNCERTAIN, score: float | None = 0.6, before: Vector | None = UPRIGHT
    ) -> str:
        """Hit something now, be assessed 2.5 s later; return the trigger's id."""
        self._triggers += 1
        trigger, at = f"t{self._triggers}", self.home.clock.now().mono
        self.home.say(TriggerSeen(trigger, "wearable", at, 2.5, True, at + 6.0, before))  # noqa: FBT003 - over_reference
        self.home.advance(2.5)
        near = verdict is not Verdict.CONFIRMED or (score or 0.0) < THRESHOLD + 0.1
        answer = Assessment(
            verdict,
            (Text("stød 2,5 g", "impact 2.5 g"),),
            score,
            THRESHOLD,
            evidence={"peak_g": 2.5},
            advice=Advice.PHONE_FIRST if near and verdict is not Verdict.UNVERIFIED else Advice.DISPATCH,
        )
        audited = not verdict.is_call
        self.home.say(
            Assessed(
                trigger, "wearable", at, 2.5, over_reference=True, assessment=answer, budget_left=4, audited=audited
            )
        )
        return trigger

    def second(self, gravity: Vector, moving_g: float, *, walking: bool = False) -> None:
        """Let one second pass, and be seen in it."""
        self.home.advance(1.0)
        self.home.say(Observation("wearable", self.home.clock.now().mono, gravity, moving_g, walking))

    def lie_still(self, seconds: int, gravity: Vector = ON_THE_SIDE) -> None:
        """Lie on the side, breathing."""
        for _ in range(seconds):
            self.second(gravity, STILL_G)

    def sit_still(self, seconds: int) -> None:
        """Sit as upright as before."""
        self.lie_still(seconds, UPRIGHT)

    def toss(self, seconds: int) -> None:
        """Move about on the floor, or in bed."""
        for _ in range(seconds):
            self.second(ON_THE_SIDE, MOVING_G)

    def walk(self, seconds: int) -> None:
        """Walk upright; the first three seconds are no rhythm yet."""
        for number in range(seconds):
            self.second(UPRIGHT, MOVING_G, walking=number >= 3)

    def be_out_of_sight(self, seconds: float) -> None:
        """Let time pass without a sample."""
        self.home.advance(seconds)
