"""A whole unit while the broker, the power or the consumer is away: every pull arrives, once and in order."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agent.events import CallData, StateData
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto

CORD = "bathroom-cord"
LASTING = "persistence true"


def lasting_broker(make_broker: MakeBroker, directory: Path) -> Mosquitto:
    """A broker that keeps the centre's session while it is down itself, so that it is not what loses an event."""
    (directory / "broker").mkdir()
    return make_broker(LASTING, f"persistence_location {directory / 'broker'}/")


def call_data(centre: Centre) -> list[CallData]:
    return [event.data for event in centre.of("call.raised") if isinstance(event.data, CallData)]


def all_arrive_in_order(centre: Centre, home: Home, count: int) -> None:
    """Wait until the centre has what was stored, then hold it against the contract."""
    promised = home.stored("call.raised")
    assert len(promised) == count
    eventually(lambda: len(centre.of("call.raised")) >= count, within=25)
    arrived = [(event.id, event.sequence) for event in centre.of("call.raised")]
    assert arrived == promised
    assert [data.repeat for data in call_data(centre)] == list(range(count))
    assert len({data.call_id for data in call_data(centre)}) == 1
    eventually(lambda: home.stored("call.raised") == [])


def test_twenty_pulls_while_the_broker_is_down(tmp_path: Path, make_broker: MakeBroker) -> None:
    broker = lasting_broker(make_broker, tmp_path)
    with Centre(broker.port, lasting=True) as centre, Home(tmp_path, broker.port) as home, home.watched() as lights:
        eventually(lambda: lights[-1] == "ready")
        broker.stop()
        eventually(lambda: lights[-1] == "line_down")
        home.pull_and_release(CORD, times=20)
        eventually(lambda: len(home.stored("call.raised")) == 20)
        assert lights[-1] == "line_down"
        broker.start()
        all_arrive_in_order(centre, home, 20)
        eventually(lambda: lights[-1] == "received")


def test_twenty_pulls_and_the_power_is_cut_between_them(tmp_path: Path, make_broker: MakeBroker) -> None:
    broker = lasting_broker(make_broker, tmp_path)
    with Centre(broker.port, lasting=True) as centre, Home(tmp_path, broker.port) as home:
        eventually(lambda: home.logged("path_up"))
        broker.stop()
        home.pull_and_release(CORD, times=10)
        eventually(lambda: len(home.stored("call.raised")) == 10)  # what a unit without a line promises
        home.kill()
        home.start()
        home.pull_and_release(CORD, times=10)
        eventually(lambda: len(home.stored("call.raised")) == 20)
        broker.start()
        all_arrive_in_order(centre, home, 20)
        by_boot = {data.boot_id: data for data in call_data(centre)}
        assert len(by_boot) == 2
        first, second = (data.delivery for data in by_boot.values())
        assert first is not None
        assert second is not None
        assert (first.late, first.age_ms) == (True, None)
        assert not second.late


def test_a_cord_still_pulled_after_a_power_cut_belongs_to_its_call(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port) as home:
        home.pull(CORD)
        raised = call_data(centre)[0] if centre.wait("call.raised") else None
        assert raised is not None
        # Heard is not stored: the publish leaves first, and only what is on disk can be remembered.
        eventually(lambda: f"call:{raised.call_id}" in home.notes())
        eventually(lambda: home.stored("call.raised") == [])
        home.kill()
        home.launch()
        home.pull(CORD)  # from before the unit reads its first level: nobody has let go
        assert home.logged("contact_pulled")[0]["at_start"]
        eventually(lambda: home.logged("indication")[-1]["light"] == "received")
        home.release(CORD)
        home.pull(CORD)
        centre.wait("call.raised", 2)
        again = call_data(centre)[1]
        assert (again.call_id, again.repeat) == (raised.call_id, 1)


def test_a_cord_that_is_pulled_at_the_first_start_calls(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre:
        home = Home(tmp_path, broker.port)
        home.launch()
        try:
            home.pull(CORD)
            assert home.logged("contact_pulled")[0]["at_start"]
            assert isinstance(centre.wait("call.raised").data, CallData)
        finally:
            home.kill()


def test_a_broker_without_a_consumer_is_reported_and_the_call_arrives_once_there_is_one(
    tmp_path: Path, broker: Mosquitto
) -> None:
    with Home(tmp_path, broker.port, heartbeat_s=5) as home:
        eventually(lambda: home.logged("path_up"))
        home.pull(CORD)
        opened = eventually(lambda: home.logged("fault_opened"))
        assert ("uplink.refused", "primary") in [(line["fault"], line["subject"]) for line in opened]
        assert "no subscriber" in opened[0]["detail"]
        with Centre(broker.port) as centre:
            centre.wait("call.raised", within=6)
            centre.fault("uplink.refused")
            centre.fault("uplink.refused", "tech.restored")


def test_an_event_over_the_brokers_limit_costs_no_connection(tmp_path: Path, make_broker: MakeBroker) -> None:
    # The fixed part of our events is some 800 bytes: this broker takes the birth, and no event at all.
    broker = make_broker("max_packet_size 400")
    with Home(tmp_path, broker.port) as home:
        eventually(lambda: home.logged("path_up"))
        home.pull(CORD)
        opened = eventually(lambda: [f for f in home.logged("fault_opened") if "max_packet_size" in f["detail"]])
        assert opened[0]["fault"] == "uplink.refused"
        home.release(CORD)
        home.pull_and_release(CORD, times=3)
        threading.Event().wait(3)  # as long as a loop of reconnections would need to show itself
        assert len(home.logged("path_up")) == 1, home.log
        assert len(home.stored("call.raised")) == 4


def test_an_outage_shows_in_the_picture_and_as_restored(tmp_path: Path, make_broker: MakeBroker) -> None:
    broker = lasting_broker(make_broker, tmp_path)
    with Centre(broker.port, lasting=True) as centre, Home(tmp_path, broker.port) as home:
        eventually(lambda: centre.online() == [True])
        broker.kill()
        eventually(lambda: home.logged("path_down"))
        broker.start()
        eventually(lambda: len(home.logged("path_up")) == 2)
        eventually(lambda: centre.online()[-1], within=20)
        state = eventually(lambda: centre.of("state"))[-1].data
        assert isinstance(state, StateData)
        assert state.paths["primary"].up
