"""The MQTT shell against answers that no mosquitto gives: refusals, odd codes, silence, garbage."""

from __future__ import annotations

import pytest

from agent.readings import PathDown, PathUp, PubAck, Subscribed
from tests.broker.paths import Path, topic
from tests.broker.raw_broker import CONNECT, ID, PUBLISH, SUBSCRIBE, RawBroker
from tests.waiting import eventually

CONNACK = b"\x20\x03\x00\x00\x00"
SUBACK = b"\x90\x05" + ID + b"\x00\x01\x00"


def connack(code: int) -> bytes:
    return b"\x20\x03\x00" + bytes([code, 0])


@pytest.mark.parametrize(
    ("code", "words", "refused"),
    [
        (0x84, "version of MQTT", True),
        (0x86, "wrong user name", True),
        (0x87, "not authorised", True),
        (0x88, "unavailable", False),
        (0x9D, "moved", True),
        (0xC7, "no reason that we know", False),  # no code of the standard
    ],
)
def test_a_refused_connection_says_who_must_mend_it(code: int, words: str, refused: bool) -> None:  # noqa: FBT001 - a table's column
    with RawBroker({CONNECT: connack(code)}) as broker, Path(broker.port, closing_s=0.1) as path:
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
        assert words in down.detail
        assert f"code 0x{code:02x}" in down.detail
        assert down.refused is refused


def test_a_refused_connection_with_311() -> None:
    with (
        RawBroker({CONNECT: b"\x20\x02\x00\x05"}) as broker,
        Path(broker.port, closing_s=0.1, protocol="mqtt311") as path,
    ):
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
        assert (down.refused, "code 0x87" in down.detail) == (True, True)


@pytest.mark.parametrize("suback", [b"\x00\x87\x00", b"\x00\x00\x00", b"\x00\xc7\x00"])
def test_a_subscription_that_is_not_granted_is_told(suback: bytes) -> None:
    answers = {CONNECT: CONNACK, SUBSCRIBE: b"\x90\x05" + ID + suback}
    with RawBroker(answers) as broker, Path(broker.port, closing_s=0.1) as path:
        path.up()
        subscribed = path.inbox.wait(Subscribed)
        assert subscribed.refused
        assert f"ack (code 0x{suback[1]:02x})" in subscribed.detail
        assert "cmd" not in subscribed.detail


@pytest.mark.parametrize("code", [0x10, 0x80, 0x83, 0x87, 0x95, 0x97, 0x99, 0xC7])
def test_any_code_of_a_puback_is_handed_on_and_the_connection_stays(code: int) -> None:
    answers = {CONNECT: CONNACK, SUBSCRIBE: SUBACK, PUBLISH: b"\x40\x03" + ID + bytes([code])}
    with RawBroker(answers) as broker, Path(broker.port, closing_s=0.1) as path:
        path.up()
        first, second = path.publish(topic("call")), path.publish(topic("call"))
        path.inbox.wait(PubAck, 2)
        assert path.inbox.all(PubAck) == [PubAck("primary", first, code), PubAck("primary", second, code)]
        assert path.inbox.all(PathDown) == []


@pytest.mark.parametrize(("code", "refused"), [(0x8E, True), (0x98, True), (0x8B, False), (0x97, False)])
def test_the_brokers_own_disconnect_says_why(code: int, refused: bool) -> None:  # noqa: FBT001 - a table's column
    answers = {CONNECT: CONNACK, SUBSCRIBE: SUBACK, PUBLISH: bytes([0xE0, 1, code])}
    with RawBroker(answers) as broker, Path(broker.port, closing_s=0.1) as path:
        path.up()
        path.publish(topic("call"))
        down = path.inbox.wait(PathDown)
        assert f"code 0x{code:02x}" in down.detail
        assert down.refused is refused


def test_a_broker_that_makes_room_for_our_own_new_connection_refuses_nobody() -> None:
    """Its reason 0x8E would else be told as another unit with our client id."""
    answers = {CONNECT: CONNACK, SUBSCRIBE: SUBACK, PUBLISH: bytes([0xE0, 1, 0x8E])}
    with RawBroker(answers) as broker, Path(broker.port, closing_s=0.1) as path:
        path.up()
        path.mqtt.connect()
        eventually(lambda: path.mqtt._attempt is not None and path.mqtt._attempt.sock)
        path.publish(topic("call"))
        down = path.inbox.wait(PathDown)
        assert "takes its place" in down.detail
        assert not down.refused
        assert not down.beside
        path.inbox.wait(PathUp, 2)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\x00",  # a packet type that does not exist
        b"\x40\x01\x00",  # a PUBACK that is too short
        b"\x30\xff\xff\xff\xff\xff",  # a length that never ends
        b"",  # the connection ends
    ],
)
def test_garbage_ends_the_connection_and_the_next_attempt_works(answer: bytes) -> None:
    with (
        RawBroker({CONNECT: CONNACK, SUBSCRIBE: SUBACK, PUBLISH: answer}) as broker,
        Path(broker.port, closing_s=0.1) as path,
    ):
        for attempt in (1, 2):
            path.up()
            path.publish(topic("call"))
            path.inbox.wait(PathDown, attempt)
        assert path.inbox.kinds().count("PathDown") == 2


def test_what_never_answers_a_publish_makes_no_memory_grow_beyond_what_was_published() -> None:
    with RawBroker({CONNECT: CONNACK, SUBSCRIBE: SUBACK}) as broker, Path(broker.port, closing_s=0.1) as path:
        path.up()
        for _ in range(50):
            path.publish(topic("call"), b"x" * 1000)
        eventually(lambda: broker.received.count(PUBLISH) == 50)
        link = path.mqtt._link
        assert link is not None
        assert len(link.tokens) == 50
        path.mqtt.disconnect("no PUBACK")
        assert (len(link.tokens), len(link.waiting)) == (0, 0)
        eventually(lambda: link.client is None)  # and with it all that paho kept
