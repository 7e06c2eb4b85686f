"""A wearable that nobody wears: told once, ended by a hand, and never in the way of a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from agent import core
from agent.assessment import Assessed, Assessment, Verdict
from agent.profiles import Profile
from agent.readings import LinkQuality, MotionBatch
from agent.status import view
from agent.texts import Text
from agent.wearing import FAULT_OF, TRANSITIONS, Phase, Sign, StillnessWatch, Stretch
from tests.home_bench import HomeBench
from tests.unit.status.seen import said

STRETCH_S = 20.0
LIMIT_S = 120.0


@dataclass(frozen=True)
class ScriptedWatch:
    """Sees in each batch what the test says: `signs` holds it."""

    signs: list[Sign] = field(default_factory=list)
    broken: bool = False

    def step(self, batch: MotionBatch) -> tuple[StillnessWatch, Sequence[Stretch]]:
        if self.broken:
            raise RuntimeError("the watch broke")
        at = float(batch.times[0])
        return self, [Stretch(batch.sensor, at - STRETCH_S, at, sign) for sign in self.signs]


class Worn(HomeBench):
    """A home whose wearable shows what the test says."""

    def start(self) -> None:
        raw = self.profile.model_dump(by_alias=True)
        raw["sensors"]["wearable"] |= {"not_worn_after_s": LIMIT_S, "not_worn_after_drop_s": LIMIT_S / 2}
        self.profile = Profile.model_validate(raw)
        super().start()
        self.watch = ScriptedWatch()
        self.state = core.with_stillness(self.state, self.watch)

    def live(self, seconds: float, sign: Sign | None) -> None:
        """Let time pass with one stretch of `sign` after another, or with stretches that can't tell."""
        for fifth in range(1, int(seconds / 4) + 1):
            self.advance(4.0)
            self.levels()
            tells = sign is not None and fifth * 4 % STRETCH_S == 0
            self.watch.signs[:] = [sign] if tells and sign is not None else []
            self.step(MotionBatch("wearable", (self.clock.now().mono,), ((0.0, 0.0, 1.0),)))

    @property
    def told(self) -> list[str]:
        """What was told about the wearable, in order."""
        found = [e for e in self.seen("tech.fault", "tech.restored") if e["data"]["sensor"] == "wearable"]
        return [f"{e['type'].removeprefix('dk.nodkald.tech.')} {e['data']['fault']}" for e in found]


NOT_WORN, WORN_AGAIN = "fault sensor.not_worn", "restored sensor.not_worn"


def drop(home: Worn) -> None:
    """Let fall detection tell that the sensor itself fell, now."""
    answer = Assessment(
        Verdict.FALSE_ALARM, (Text("stød 9,0 g", "impact 9.0 g"),), 0.9, 0.6, "fall-waist/1.0.0", "00" * 32
    )
    at = home.clock.now().mono
    home.say(
        Assessed(
            "t1", "wearable", at, 9.0, over_reference=True, assessment=answer, budget_left=5, audited=True, dropped=True
        )
    )


@pytest.fixture
def home() -> Worn:
    home = Worn()
    home.live(40, Sign.MOVED)
    return home


def test_so_long_without_a_breath_is_told_once_and_a_hand_ends_it(home: Worn) -> None:
    home.live(100, Sign.RESTED)
    assert home.told == []
    home.live(200, Sign.RESTED)
    assert home.told == [NOT_WORN]
    (fault,) = home.seen("tech.fault")
    assert (
        fault["data"]["detail"] == "not the least movement for 2 min, not even a breath: ask the citizen to put it on"
    )
    home.live(60, Sign.MOVED)
    assert home.told == [NOT_WORN], "a breath's worth of movement is a lorry in the street, too"
    home.live(20, Sign.HANDLED)
    assert home.told == [NOT_WORN, WORN_AGAIN]


@pytest.mark.parametrize("sign", [Sign.MOVED, Sign.HANDLED])
def test_one_breath_in_that_time_is_a_person(home: Worn, sign: Sign) -> None:
    for _ in range(3):
        home.live(100, Sign.RESTED)
        home.live(20, sign)
    assert home.told == []


def test_samples_that_cannot_tell_or_do_not_come_begin_no_fault(home: Worn) -> None:
    home.live(60, Sign.RESTED)
    home.live(160, None)
    assert home.told == []
    for _ in range(30):
        home.advance(5.0)
        home.levels()
    assert home.told == ["fault sensor.silent"]
    home.live(100, Sign.RESTED)
    assert home.told == ["fault sensor.silent", "restored sensor.silent"], "the rest before the silence does not count"
    home.live(20, Sign.RESTED)
    assert home.told[2:] == [NOT_WORN]


def test_a_garbled_line_ends_a_rest_and_not_the_fault(home: Worn) -> None:
    def garble() -> None:
        home.step(LinkQuality("wearable", home.clock.now().mono, good_frames=1, garbage_bytes=1000))

    home.live(100, Sign.RESTED)
    garble()
    home.live(80, Sign.RESTED)
    assert NOT_WORN not in home.told
    home.live(180, Sign.RESTED)
    garble()
    home.live(200, Sign.RESTED)
    assert home.told.count(NOT_WORN) == 1
    assert WORN_AGAIN not in home.told, "what lies on its charger is not worn because its line is bad"


def test_the_faults_of_a_sensor_that_nobody_wears_begin_and_end_in_the_order_of_what_happens(home: Worn) -> None:
    home.live(160, Sign.RESTED)
    home.step(LinkQuality("wearable", home.clock.now().mono, good_frames=1, garbage_bytes=1000))
    for _ in range(60):
        home.advance(5.0)
        home.levels()
    home.live(40, Sign.HANDLED)
    assert home.told == [
        NOT_WORN,
        "fault sensor.garbled",
        "restored sensor.garbled",
        "fault sensor.silent",
        "restored sensor.silent",
        WORN_AGAIN,
    ]
    assert [e["data"]["detail"] != "" for e in home.seen("tech.fault")] == [True] * 3


def test_a_person_who_fell_and_keeps_still_is_a_call_and_no_sensor_on_a_table(home: Worn) -> None:
    home.connect()
    home.live(100, Sign.RESTED)
    home.trigger("t1")
    home.live(20, Sign.RESTED)
    home.assess("t1", Verdict.CONFIRMED)
    home.live(60, Sign.RESTED)
    (raised,) = home.seen("call.raised")
    home.live(200, Sign.RESTED)
    assert NOT_WORN not in home.told
    call_id = raised["data"]["call_id"]
    home.ack("accepted", call_id=call_id)
    home.live(40, Sign.RESTED)
    assert NOT_WORN not in home.told, "help is on its way, and nobody has seen yet"
    home.ack("closed", call_id=call_id)
    home.live(20, Sign.RESTED)
    assert home.told == [NOT_WORN]


def test_a_call_by_hand_says_nothing_of_the_sensor(home: Worn) -> None:
    home.pull()
    home.live(160, Sign.RESTED)
    assert home.told == [NOT_WORN]


def test_a_sensor_that_nobody_wears_still_calls(home: Worn) -> None:
    home.connect()
    home.live(160, Sign.RESTED)
    assert home.told == [NOT_WORN]
    home.trigger("t1")
    home.assess("t1", Verdict.CONFIRMED)
    home.advance(10.1)
    assert len(home.seen("call.raised")) == 1


def test_after_a_drop_it_is_told_sooner(home: Worn) -> None:
    home.live(20, Sign.MOVED)
    drop(home)
    home.live(20, Sign.HANDLED)
    home.live(60, Sign.RESTED)
    assert home.told == [NOT_WORN]
    assert home.seen("tech.fault")[0]["data"]["detail"].startswith("dropped, and then not the least movement for 60 s")
    home.live(20, Sign.HANDLED)
    home.live(100, Sign.RESTED)
    assert home.told == [NOT_WORN, WORN_AGAIN], "a later rest is an ordinary one"


def test_a_drop_during_a_rest_is_not_what_began_it(home: Worn) -> None:
    home.live(40, Sign.RESTED)
    drop(home)
    home.live(40, Sign.RESTED)
    assert home.told == [], "it rests since before it was dropped"
    home.live(40, Sign.RESTED)
    assert home.told == [NOT_WORN]


def test_a_watch_that_breaks_costs_no_call(home: Worn) -> None:
    home.connect()
    home.live(160, Sign.RESTED)
    home.state = core.with_stillness(home.state, ScriptedWatch(broken=True))
    home.live(20, Sign.RESTED)
    assert home.told == [NOT_WORN, WORN_AGAIN], "what nobody watches any more is not told as a fault"
    assert "stillness_watch_failed" in [log.event for log in home.logs]
    home.trigger("t1")
    home.assess("t1", Verdict.CONFIRMED)
    home.advance(10.1)
    assert len(home.seen("call.raised")) == 1


def test_status_and_state_show_it(home: Worn) -> None:
    def worn() -> bool | None:
        found: bool | None = said(home)["picture"]["sensors"]["wearable"]["worn"]
        return found

    new = Worn()
    assert new.state.wearing["wearable"].worn is None
    new.live(20, Sign.HANDLED)
    assert new.state.wearing["wearable"].worn is True
    for _ in range(30):
        new.advance(5.0)
        new.levels()
    assert new.state.wearing["wearable"].worn is None, "nothing is heard of it"
    assert worn() is True
    home.live(160, Sign.RESTED)
    assert worn() is False
    assert said(home)["picture"]["sensors"]["bathroom-cord"]["worn"] is None
    assert "NOT WORN" in "\n".join(view.lines(said(home), "en"))
    danish = "\n".join(view.lines(said(home), "da"))
    assert "IKKE PÅ" in danish
    assert "sensoren er ikke på nogen (wearable)" in danish


def test_motion_of_a_sensor_that_is_not_in_the_profile_is_nobodys(home: Worn) -> None:
    home.watch.signs[:] = [Sign.RESTED]
    home.step(MotionBatch("stranger", (home.clock.now().mono,), ((0.0, 0.0, 1.0),)))
    assert set(home.state.wearing) == {"wearable"}


def test_every_phase_and_sign_is_in_the_table() -> None:
    assert {sign for _, sign in TRANSITIONS} == set(Sign)
    assert {origin for origin, _ in TRANSITIONS} | set(TRANSITIONS.values()) == set(Phase)
    assert all(target is not Phase.NOT_WORN or sign is Sign.TIME_UP for (_, sign), target in TRANSITIONS.items())
    assert set(FAULT_OF) == {Phase.NOT_WORN}
