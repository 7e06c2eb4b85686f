"""Two connections of one path at real brokers: a new one is made beside the old, and one of them is the path's."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from agent.readings import PathDown, PathUp, PubAck
from agent.uplink import mqtt
from tests.broker.listener import Listener
from tests.broker.mosquitto import tls_lines
from tests.broker.paths import WILL, Path, tls_table, topic
from tests.home import Centre, Home
from tests.trials.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator

    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto
    from tests.broker.pki import Ca, Identity

ONLINE = topic("online/primary")
CORDS = ("bathroom-cord", "bedroom-button")


@pytest.fixture
def secure(make_broker: MakeBroker, ca: Ca, server_identity: Identity) -> Mosquitto:
    return make_broker(*tls_lines(ca, server_identity))


@pytest.fixture
def tls(ca: Ca, unit_identity: Identity) -> dict[str, Any]:
    return {"tls": tls_table(ca, unit_identity)}


class SlowResolver:
    """Lets every look-up hang, once it is told to, until `go_on`."""

    def __init__(self) -> None:
        self.hangs = False
        self.hanging = 0
        self.go_on = threading.Event()
        self._real = socket.getaddrinfo

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self.hangs:
            self.hanging += 1
            assert self.go_on.wait(20)
        return self._real(*args, **options)


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowResolver]:
    slow = SlowResolver()
    monkeypatch.setattr(socket, "getaddrinfo", slow)
    yield slow
    slow.go_on.set()


def answered(path: Path) -> None:
    """Publish, and wait for the PUBACK of that."""
    token = path.publish(topic("call"))
    eventually(lambda: token in [ack.token for ack in path.inbox.all(PubAck)])


# ---------------------------------------------------------------- the new one takes over


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_the_new_connection_takes_over_and_its_birth_is_the_last_word(broker: Mosquitto, protocol: str) -> None:
    centre = Listener(broker.port)
    with Path(broker.port, protocol=protocol) as path:
        path.up()
        births = []
        for number in range(1, 11):
            births.append(f'{{"online": true, "birth": {number}}}'.encode())
            path.publish(ONLINE, births[-1], retain=True)
            path.inbox.wait(PubAck, number)
            path.mqtt.connect()
            path.inbox.wait(PathUp, number + 1)
        answered(path)
        assert not any(down.refused for down in path.inbox.all(PathDown)), "it was ourselves who took its place"
        assert path.inbox.all(PathUp)[-1] == path.inbox.all(PathUp)[0]
        births.append(b'{"online": true}')
        path.publish(ONLINE, births[-1], retain=True)
        eventually(lambda: centre.payloads(ONLINE)[-1] == births[-1])
        # Mosquitto publishes no will of a session that goes on; where another does, it must come before the next birth.
        assert [word for word in centre.payloads(ONLINE) if word != WILL] == births
        eventually(lambda: len(path.mqtt._served) == 1)
    centre.close()


def test_a_line_that_lost_what_was_on_it_is_renewed_at_once(secure: Mosquitto, tls: dict[str, Any]) -> None:
    with Proxy(secure.port) as proxy, Path(proxy.port, **tls) as path:
        path.up()
        proxy.swallows = True
        path.publish(topic("call"))
        eventually(lambda: all(stretch.deaf for stretch in proxy._stretches))
        proxy.swallows = False
        began = time.monotonic()
        path.mqtt.connect()
        path.inbox.wait(PathUp, 2)
        answered(path)
        assert time.monotonic() - began < 2
        assert [ack.token for ack in path.inbox.all(PubAck)] == [2]


# ---------------------------------------------------------------- the old one goes on


def test_an_attempt_that_fails_leaves_the_old_connection_as_it_was(
    secure: Mosquitto, tls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "STEP_TIMEOUT_S", 1.0)
    with Path(secure.port, **tls) as path:
        path.up()
        secure.freeze()
        token = path.publish(topic("call"))
        path.mqtt.connect()
        assert path.inbox.wait(PathDown).beside
        later = path.publish(topic("call"))
        secure.thaw()
        path.inbox.wait(PubAck, 2)
        assert [ack.token for ack in path.inbox.all(PubAck)] == [token, later]
        answered(path)
        assert len(path.inbox.all(PathDown)) == len(path.inbox.all(PathUp)) == 1


def test_an_attempt_is_abandoned_without_a_word(secure: Mosquitto, tls: dict[str, Any]) -> None:
    with Path(secure.port, **tls) as path:
        path.up()
        secure.freeze()
        path.mqtt.connect()
        eventually(lambda: path.mqtt._attempt is not None and path.mqtt._attempt.reached)
        path.mqtt.abandon()
        eventually(lambda: len(path.mqtt._served) == 1)
        secure.thaw()
        answered(path)
        assert path.inbox.kinds().count("PathUp") == 1
        assert not path.inbox.all(PathDown)


def test_an_attempt_of_which_the_broker_knows_can_not_be_taken_back(broker: Mosquitto) -> None:
    with Path(broker.port) as path:
        path.up()
        broker.freeze()
        path.mqtt.connect()
        eventually(lambda: path.mqtt._attempt is not None and path.mqtt._attempt.sock)
        path.mqtt.abandon()
        broker.thaw()
        path.inbox.wait(PathUp, 2)
        answered(path)


def test_the_old_one_is_lost_and_the_attempt_is_the_next(broker: Mosquitto) -> None:
    with Proxy(broker.port) as proxy, Path(proxy.port) as path:
        path.up()
        broker.freeze()
        path.mqtt.connect()
        eventually(lambda: path.mqtt._attempt is not None and path.mqtt._attempt.sock)
        eventually(lambda: len(proxy._stretches) == 2)
        proxy._stretches[0].cut()
        assert not path.inbox.wait(PathDown).beside
        path.mqtt.connect()
        broker.thaw()
        path.inbox.wait(PathUp, 2)
        answered(path)
        assert len(path.inbox.all(PathDown)) == 1


# ---------------------------------------------------------------- what hangs


def test_a_look_up_that_hangs_stops_neither_the_old_connection_nor_the_next_attempt(
    broker: Mosquitto, resolver: SlowResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "REACHED_WITHIN_S", 0.2)
    with Path(broker.port) as path:
        path.up()
        resolver.hangs = True
        path.mqtt.connect()
        eventually(lambda: resolver.hanging == 1)
        answered(path)
        path.mqtt.connect()
        threading.Event().wait(0.2)
        path.mqtt.connect()
        eventually(lambda: resolver.hanging == 2)
        resolver.hangs = False
        threading.Event().wait(0.2)
        path.mqtt.connect()
        path.inbox.wait(PathUp, 2)
        resolver.go_on.set()
        eventually(lambda: len(path.mqtt._served) == 1)
        answered(path)
        assert path.inbox.kinds().count("PathUp") == 2, "those that were left behind disturb nobody"


def test_threads_that_hang_have_a_bound(
    broker: Mosquitto, resolver: SlowResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "REACHED_WITHIN_S", 0.0)
    resolver.hangs = True
    with Path(broker.port, closing_s=0.1) as path:
        for _ in range(2 * mqtt.THREADS):
            path.mqtt.connect()
        eventually(lambda: resolver.hanging == mqtt.THREADS)
        assert len(path.mqtt._served) == mqtt.THREADS


def test_mending_ends_what_hangs_and_nothing_else(broker: Mosquitto, resolver: SlowResolver) -> None:
    with Path(broker.port) as path:
        path.up()
        resolver.hangs = True
        path.mqtt.connect()
        eventually(lambda: resolver.hanging)
        threading.Event().wait(0.2)
        path.mqtt.disconnect("hung", hung_for_s=0.2)
        down = path.inbox.wait(PathDown)
        assert (down.detail, down.beside) == ("hung", True)
        assert path.mqtt.busy_since() is None
        answered(path)


# ---------------------------------------------------------------- a whole unit


def test_a_second_pull_in_doubt_is_as_quick_as_the_line_is(
    tmp_path: pathlib.Path, secure: Mosquitto, tls: dict[str, Any], ca: Ca, unit_identity: Identity
) -> None:
    """The broker's every answer is late; a new connection would take many times as long, and is not waited for."""
    late_s = 1.5
    with Proxy(secure.port) as proxy:
        home = Home(tmp_path, {"port": proxy.port, **tls})
        home.prelude = (
            "from agent.uplink import delivery, mqtt; delivery.PUBACK_WITHIN_CALL_S = mqtt.STEP_TIMEOUT_S = 0.5"
        )
        with Centre(secure.port, tls=ca.client_context(unit_identity)) as centre, home:
            eventually(lambda: home.logged("path_up"))
            proxy.delay_s = late_s
            home.pull_and_release(CORDS[0])
            eventually(lambda: home.logged("path_silent"))
            assert home.logged("indication")[-1]["light"] == "line_down"
            pulled_at = time.monotonic()
            home.pull_and_release(CORDS[1])
            centre.wait("call.raised", 2)
            assert time.monotonic() - pulled_at < 2 * late_s
            eventually(lambda: home.logged("path_answers"))
            eventually(lambda: home.stored("call.raised") == [])
            eventually(lambda: home.logged("indication")[-1]["light"] == "received")
            assert not home.logged("path_down")
            assert len(home.logged("path_up")) == 1
