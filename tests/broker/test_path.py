"""The MQTT shell against a real broker: connect, publish, listen, will, outages."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from agent.readings import Downlink, PathDown, PathUp, PubAck, Subscribed
from agent.uplink import mqtt
from tests.broker.listener import Listener
from tests.broker.mosquitto import free_port
from tests.broker.paths import FAREWELL, WILL, Path, topic
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto

ONLINE = topic("online/primary")


@pytest.fixture
def centre(broker: Mosquitto) -> Iterator[Listener]:
    listener = Listener(broker.port)
    yield listener
    listener.close()


@pytest.fixture(params=["mqtt5", "mqtt311"])
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_publish_reaches_the_centre_and_its_token_is_answered(
    broker: Mosquitto, centre: Listener, protocol: str
) -> None:
    with Path(broker.port, protocol=protocol) as path:
        path.up()
        token = path.publish(topic("call"), b"help", user_properties=(("type", "x"),))
        assert path.inbox.wait(PubAck) == PubAck("primary", token, 0)
        eventually(lambda: centre.payloads(topic("call")) == [b"help"])


def test_mqtt5_says_more_about_a_message_and_311_nothing(broker: Mosquitto, centre: Listener) -> None:
    for protocol in ("mqtt5", "mqtt311"):
        with Path(broker.port, protocol=protocol) as path:
            path.up()
            path.publish(topic("heartbeat"), b"{}", expiry_s=120, user_properties=(("type", "t"), ("id", "i")))
            path.inbox.wait(PubAck)
    eventually(lambda: len(centre.payloads(topic("heartbeat"))) == 2)
    fifth, third = (m.properties for m in centre.messages if m.topic == topic("heartbeat"))
    assert fifth.ContentType == "application/cloudevents+json"
    assert fifth.UserProperty == [("type", "t"), ("id", "i")]
    assert 118 <= fifth.MessageExpiryInterval <= 120
    assert not hasattr(third, "ContentType")


def test_what_the_centre_sends_comes_with_its_leaf(broker: Mosquitto, centre: Listener, protocol: str) -> None:
    centre.publish(topic("cmd"), b"old command", retain=True)
    with Path(broker.port, protocol=protocol) as path:
        path.up()
        assert path.inbox.wait(Subscribed) == Subscribed("primary", refused=False)
        centre.publish(topic("ack"), b'{"ack": 1}')
        path.inbox.wait(Downlink, 2)
        assert sorted(path.inbox.all(Downlink), key=lambda d: d.leaf) == [
            Downlink("primary", "ack", b'{"ack": 1}'),
            Downlink("primary", "cmd", b"old command", retained=True),
        ]


def test_a_message_over_64_kib_is_dropped_and_the_connection_stays(
    broker: Mosquitto, centre: Listener, protocol: str
) -> None:
    with Path(broker.port, protocol=protocol) as path:
        path.up()
        path.inbox.wait(Subscribed)
        centre.publish(topic("ack"), b"x" * (64 * 1024 + 2000))
        centre.publish(topic("ack"), b"y" * 64 * 1024)
        assert path.inbox.wait(Downlink).payload == b"y" * 64 * 1024
        assert path.inbox.kinds().count("PathDown") == 0


def test_a_lost_unit_leaves_its_will_and_a_clean_stop_its_farewell(broker: Mosquitto, centre: Listener) -> None:
    with Path(broker.port) as path:
        path.up()
        path.publish(ONLINE, b'{"online": true}', retain=True)
        path.inbox.wait(PubAck)
        path.mqtt.disconnect("test")
        eventually(lambda: centre.payloads(ONLINE) == [b'{"online": true}', WILL])
        path.up()
    eventually(lambda: centre.payloads(ONLINE) == [b'{"online": true}', WILL, FAREWELL])
    late = Listener(broker.port, ONLINE, client_id="late")
    eventually(lambda: late.payloads(ONLINE) == [FAREWELL])
    assert late.messages[0].retain
    late.close()


def test_disconnect_is_answered_once_and_the_next_connect_works(broker: Mosquitto) -> None:
    with Path(broker.port) as path:
        path.up()
        path.mqtt.disconnect("the core wants it")
        path.mqtt.disconnect("twice")
        assert path.inbox.all(PathDown) == [PathDown("primary", "the core wants it", refused=False)]
        path.up()
        assert path.inbox.kinds().count("PathDown") == 1


def test_a_second_connect_while_an_attempt_is_under_way_changes_nothing(broker: Mosquitto) -> None:
    broker.freeze()
    with Path(broker.port) as path:
        path.mqtt.connect()
        path.mqtt.connect()
        broker.thaw()
        path.inbox.wait(PathUp)
        path.publish(topic("call"))
        path.inbox.wait(PubAck)
        assert path.inbox.kinds().count("PathUp") == 1


def test_no_broker_there_is_said_in_words(broker: Mosquitto) -> None:
    port = free_port()
    with Path(port) as path:
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
    assert down == PathDown(
        "primary", f"nothing listens on 127.0.0.1:{port}: is the broker running, is `port` right?", refused=False
    )


def test_a_host_that_no_one_knows_is_said_in_words() -> None:
    # `.invalid` never resolves (RFC 2606); an empty label can't even be asked for.
    for host in ("broker.invalid", "a..b"):
        with Path(1883, host=host, plain_text="i-accept-unencrypted-calls") as path:
            path.mqtt.connect()
            assert f"the host name {host} was not found" in path.inbox.wait(PathDown).detail


def test_publishing_on_a_path_that_is_down_does_nothing(broker: Mosquitto) -> None:
    with Path(broker.port) as path:
        path.publish(topic("call"))
        path.up()
        path.publish(topic("call"))
        assert path.inbox.wait(PubAck).token == 2
        assert path.inbox.kinds().count("PubAck") == 1


def test_what_paho_will_not_send_is_answered_as_refused(broker: Mosquitto) -> None:
    with Path(broker.port) as path:
        path.up()
        token = path.publish(topic("#"))
        assert path.inbox.wait(PubAck) == PubAck("primary", token, 0x80)


def test_a_frozen_broker_never_blocks_the_core_and_is_left_at_once(broker: Mosquitto) -> None:
    with Path(broker.port) as path:
        path.up()
        broker.freeze()
        began = time.monotonic()
        for _ in range(100):  # 6 MB, more than the kernel takes
            path.publish(topic("call"), b"x" * 60_000)
        path.mqtt.disconnect("half-open")
        assert time.monotonic() - began < 1
        assert path.inbox.wait(PathDown).detail == "half-open"
        broker.thaw()
        path.up()
        path.publish(topic("call"))
        assert path.inbox.wait(PubAck).token == 101


def test_a_broker_frozen_before_connack_is_a_timeout_that_can_be_cut_short(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "STEP_TIMEOUT_S", 1.0)
    broker.freeze()
    with Path(broker.port) as path:
        path.mqtt.connect()
        eventually(lambda: path.mqtt._attempt is not None and path.mqtt._attempt.client is not None)
        path.mqtt.disconnect("enough")
        assert path.inbox.wait(PathDown).detail == "enough"
        path.mqtt.connect()
        assert path.inbox.wait(PathDown, 2).detail == f"no answer from 127.0.0.1:{broker.port} within 1 s"
        broker.thaw()
        path.up()


def test_close_on_a_frozen_broker_takes_a_second_and_leaves_the_will(broker: Mosquitto) -> None:
    path = Path(broker.port)
    path.up()
    broker.freeze()
    began = time.monotonic()
    path.mqtt.close(FAREWELL)
    assert time.monotonic() - began < 1.5
    assert not path.mqtt._served
    broker.thaw()
    centre = Listener(broker.port, ONLINE)
    # What was in the kernel's hands may still come; the will comes after it.
    eventually(lambda: centre.payloads(ONLINE)[-1:] == [WILL])
    centre.close()


def test_close_before_connect_and_connect_after_close() -> None:
    with Path(free_port()) as path:
        pass
    path.mqtt.connect()
    assert not path.mqtt._served


def test_after_a_restart_without_persistence_everything_is_said_anew(broker: Mosquitto) -> None:
    with Path(broker.port) as path:
        path.up()
        path.inbox.wait(Subscribed)
        broker.restart()
        down = path.inbox.wait(PathDown)
        assert not down.refused
        path.up()
        path.inbox.wait(Subscribed, 2)
        centre = Listener(broker.port)
        centre.publish(topic("ack"), b"after")
        assert path.inbox.wait(Downlink).payload == b"after"
        path.publish(topic("call"), b"again")
        path.inbox.wait(PubAck)
        eventually(lambda: centre.payloads(topic("call")) == [b"again"])
        centre.close()


def test_acknowledgements_wait_in_the_session_while_the_path_is_down(
    broker: Mosquitto, centre: Listener, protocol: str
) -> None:
    with Path(broker.port, protocol=protocol) as path:
        path.up()
        path.inbox.wait(Subscribed)
        path.mqtt.disconnect("outage")
        path.inbox.wait(PathDown)
        assert centre.publish(topic("ack"), b"kept") == 0
        path.up()
        assert path.inbox.wait(Downlink).payload == b"kept"


def test_one_client_id_used_twice_ends_the_first(broker: Mosquitto) -> None:
    with Path(broker.port) as first, Path(broker.port) as second:
        first.up()
        second.up()
        first.inbox.wait(PathDown)  # mosquitto 2.0 does not say why; test_raw_broker.py has one that does


def test_more_than_the_broker_takes_at_once_waits_in_order(make_broker: MakeBroker) -> None:
    broker = make_broker("max_inflight_messages 3")
    centre = Listener(broker.port)
    with Path(broker.port) as path:
        path.up()
        tokens = [path.publish(topic("call"), str(number).encode()) for number in range(200)]
        path.inbox.wait(PubAck, 200)
        assert [ack.token for ack in path.inbox.all(PubAck)] == tokens
        eventually(lambda: centre.payloads(topic("call")) == [str(number).encode() for number in range(200)])
        assert path.inbox.all(PathDown) == []
    centre.close()


def test_the_reason_codes_of_a_publish_are_handed_on(make_broker: MakeBroker) -> None:
    broker = make_broker("message_size_limit 1000")
    with Path(broker.port) as path:
        path.up()
        path.publish(topic("call"), b"nobody listens")
        path.publish(topic("call"), b"x" * 1001)
        path.inbox.wait(PubAck, 2)
        assert [ack.code for ack in path.inbox.all(PubAck)] == [0x10, 0x95]
        assert path.inbox.all(PathDown) == []


def test_the_brokers_maximum_packet_comes_with_path_up(make_broker: MakeBroker) -> None:
    broker = make_broker("max_packet_size 5000")
    with Path(broker.port) as path:
        assert path.up() == PathUp("primary", 5000)
        path.publish(topic("call"), b"x" * 6000)  # the core would not
        down = path.inbox.wait(PathDown)
        assert "larger than it takes" in down.detail
    with Path(broker.port, protocol="mqtt311") as path:
        assert path.up() == PathUp("primary", None)


def test_a_silent_connection_is_noticed_by_its_keepalive(broker: Mosquitto) -> None:
    with Path(broker.port, keepalive_s=1) as path:
        path.up()
        broker.freeze()
        assert "two keepalives" in path.inbox.wait(PathDown).detail
