"""A whole unit with two brokers: one dies, one freezes, and the call takes the other way."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from agent.events import CallData
from agent.uplink.delivery import PUBACK_WITHIN_CALL_S
from tests.broker.mosquitto import free_port
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto

CORD = "bathroom-cord"


@contextmanager
def home_with_two_brokers(
    directory: Path, make_broker: MakeBroker
) -> Iterator[tuple[Mosquitto, Centre, Mosquitto, Centre, Home]]:
    """The first path comes up before the second is there: which one is used is then no matter of chance."""
    one, later = make_broker(), free_port()
    with Centre(one.port) as first, Home(directory, one.port, later) as home:
        eventually(lambda: home.logged("path_up"))
        two = make_broker(port=later)
        with Centre(later) as second:
            eventually(lambda: len(home.logged("path_up")) == 2)
            yield one, first, two, second, home


def path_of(event_data: object) -> str:
    assert isinstance(event_data, CallData)
    assert event_data.delivery is not None
    return event_data.delivery.path


def test_the_primary_dies_and_the_next_pull_takes_the_other_path(tmp_path: Path, make_broker: MakeBroker) -> None:
    with (
        home_with_two_brokers(tmp_path, make_broker) as (one, first, _, second, home),
        home.watched() as lights,
    ):
        home.pull_and_release(CORD)
        assert path_of(first.wait("call.raised").data) == "primary"
        one.kill()
        eventually(lambda: home.logged("path_down"))
        home.pull_and_release(CORD)
        assert path_of(second.wait("call.raised", within=3).data) == "secondary"
        eventually(lambda: home.stored("call.raised") == [])
        assert "line_down" not in lights
        assert second.online("secondary") == [True]


def test_an_acknowledgement_counts_on_whichever_path_it_comes(tmp_path: Path, make_broker: MakeBroker) -> None:
    with home_with_two_brokers(tmp_path, make_broker) as (_, first, _, second, home):
        first.answers = False
        home.pull(CORD)
        raised = first.wait("call.raised")
        eventually(lambda: home.stored("call.raised"))
        second.say("ack", {"event_id": raised.id, "ack": "received"})
        eventually(lambda: home.stored("call.raised") == [])
        eventually(lambda: home.logged("indication")[-1]["light"] == "received")
        assert len(first.copies(raised.id)) == 1
        assert not second.of("call.raised")


def test_a_frozen_broker_is_found_out_and_passed_by(tmp_path: Path, make_broker: MakeBroker) -> None:
    with home_with_two_brokers(tmp_path, make_broker) as (one, first, _, second, home):
        home.pull_and_release(CORD)
        assert path_of(first.wait("call.raised").data) == "primary"
        eventually(lambda: home.stored("call.raised") == [])
        one.freeze()
        began = time.monotonic()
        home.pull(CORD)
        assert path_of(second.wait("call.raised").data) == "secondary"
        assert time.monotonic() - began < PUBACK_WITHIN_CALL_S + 2
        # The log is written last, behind the publishes.
        eventually(
            lambda: any(d["path"] == "primary" and "half-open" in d["detail"] for d in home.logged("path_silent"))
        )
        eventually(lambda: home.stored("call.raised") == [])
        one.thaw()
