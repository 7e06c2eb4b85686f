"""A whole unit, a wearable that really falls, and the hands that cancel, call, or cut the power meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.events import CallData
from agent.simulator.motions import fall_forward
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.mosquitto import Mosquitto

CORD = "bathroom-cord"
FALL = [sample for sample in fall_forward(100, seed=3) if sample[0] >= 3.5]
"""From a second before the trip to over 15 s of lying still."""
WITHIN_S = 15.0


def ready(home: Home) -> None:
    eventually(lambda: home.logged("model_ready") or home.logged("model_failing"))
    eventually(lambda: home.logged("path_up"))


def data(event: object) -> CallData:
    assert isinstance(event, CallData)
    return event


def test_a_fall_goes_through_pre_alarm_to_a_call(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port, pre_alarm_s=1) as home, home.watched() as lights:
        ready(home)
        home.play(FALL)
        eventually(lambda: lights[-1] == "pre_alarm", within=WITHIN_S)
        assert not centre.of("call.raised")  # the citizen may still cancel it
        raised = data(centre.wait("call.raised").data)
        assert (raised.trigger.kind, raised.trigger.type) == ("automatic", "fall")
        assert raised.assessment is not None
        assert raised.assessment.verdict.is_call
        assert raised.assessment.reasons
        assert raised.pre_alarm is not None
        assert not raised.pre_alarm.cancelled


def test_the_reset_button_cancels_and_the_centre_hears_of_it(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port, pre_alarm_s=30) as home, home.watched() as lights:
        ready(home)
        home.play(FALL)
        eventually(lambda: lights[-1] == "pre_alarm", within=WITHIN_S)
        home.pull_and_release("reset-button")
        cancelled = data(centre.wait("call.cancelled").data)
        assert cancelled.pre_alarm is not None
        assert cancelled.pre_alarm.cancelled
        eventually(lambda: lights[-1] == "ready")
        assert not centre.of("call.raised")


def test_a_call_button_ends_the_pre_alarm_by_raising_it(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port, pre_alarm_s=30) as home, home.watched() as lights:
        ready(home)
        home.play(FALL)
        eventually(lambda: lights[-1] == "pre_alarm", within=WITHIN_S)
        home.pull_and_release("bedroom-button")
        centre.wait("call.raised", 2)
        subjects = [event.subject for event in centre.of("call.raised")]
        assert subjects == ["bedroom-button", "wearable"]
        home.pull_and_release("reset-button")  # nothing withdraws a call that was raised
        home.pull_and_release(CORD)
        centre.wait("call.raised", 3)
        assert not centre.of("call.cancelled")


def test_power_cut_in_the_pre_alarm_raises_it_unverified(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port, pre_alarm_s=30) as home, home.watched() as lights:
        ready(home)
        home.play(FALL)
        eventually(lambda: lights[-1] == "pre_alarm", within=WITHIN_S)
        eventually(lambda: '"pre_alarm"' in str(home.notes()))
        home.kill()
        home.start()
        raised = data(centre.wait("call.raised").data)
        assert raised.assessment is not None
        assert raised.assessment.verdict == "unverified"
        assert any("pre-alarm" in reason for reason in raised.assessment.reasons)


def test_power_cut_in_the_assessment_raises_it_unverified(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port, pre_alarm_s=30) as home:
        ready(home)
        home.play(FALL)
        eventually(lambda: '"assessing"' in str(home.notes()), within=WITHIN_S)
        home.kill()
        home.start()
        raised = data(centre.wait("call.raised").data)
        assert raised.assessment is not None
        assert raised.assessment.verdict == "unverified"
        assert any("assessment" in reason for reason in raised.assessment.reasons)
