"""A whole unit with two real brokers: where it publishes when one of them, or what lies behind it, is no good.

The wait for `received`, 15 s in real life, is two seconds here; about six seconds for each test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.events import CallData
from tests.broker.mosquitto import free_port
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from agent.events import CloudEvent
    from tests.broker.conftest import MakeBroker

CORD = "bathroom-cord"
SHORT_WAIT = "from agent.uplink import call_lane; call_lane.ROUND_AFTER_S = 2.0"


def way(event: CloudEvent) -> str:
    assert isinstance(event.data, CallData)
    assert event.data.delivery is not None
    return event.data.delivery.path


def test_behind_a_living_broker_the_centre_is_dead(tmp_path: Path, make_broker: MakeBroker) -> None:
    one, later = make_broker(), free_port()
    home = Home(tmp_path, one.port, later)
    home.prelude = SHORT_WAIT
    with Centre(one.port, answers=False) as first, home:
        eventually(lambda: home.logged("path_up"))
        make_broker(port=later)
        with Centre(later) as second:
            eventually(lambda: len(home.logged("path_up")) == 2)
            home.pull_and_release(CORD)
            raised = second.wait("call.raised", within=5)
            assert first.wait("call.raised").id == raised.id
            assert way(raised) == "secondary"
            eventually(lambda: home.logged("indication")[-1]["light"] == "received")
            eventually(lambda: home.stored("call") == [])
            home.pull_and_release("bedroom-button")
            assert way(second.wait("call.raised", 2, within=1)) == "secondary", "at once, without a second wait"
            assert first.online() == second.online("secondary") == [True], "both stay connected"


def test_the_only_way_left_is_an_old_broker(tmp_path: Path, make_broker: MakeBroker) -> None:
    """The secondary speaks MQTT 3.1.1, in which a broker can't say that nobody listens."""
    one, two = make_broker(), make_broker()
    with (
        Centre(two.port, lasting=True) as second,
        Home(tmp_path, one.port, {"port": two.port, "protocol": "mqtt311"}) as home,
    ):
        eventually(lambda: len(home.logged("path_up")) == 2)
        one.kill()
        eventually(lambda: home.logged("path_down"))
        home.pull_and_release(CORD)
        raised = second.wait("call.raised")
        assert way(raised) == "secondary"
        second.say("ack", {"call_id": getattr(raised.data, "call_id", ""), "ack": "accepted", "by": "operator-1"})
        eventually(lambda: home.logged("indication")[-1]["light"] == "coming")


def test_a_flapping_primary_costs_no_call(tmp_path: Path, make_broker: MakeBroker) -> None:
    one, two = make_broker(), make_broker()
    with Centre(two.port) as second, Home(tmp_path, one.port, two.port) as home:
        eventually(lambda: len(home.logged("path_up")) == 2)
        heard: list[str] = []
        for _ in range(3):
            one.kill()
            home.pull_and_release(CORD)
            one.start()
            with Centre(one.port) as first:
                home.pull_and_release("bedroom-button")
                eventually(lambda: home.stored("call") == [], within=20)
                heard += [event.id for event in first.of("call.raised")]
        everything = {*heard, *(event.id for event in second.of("call.raised"))}
        assert len(everything) == 6
