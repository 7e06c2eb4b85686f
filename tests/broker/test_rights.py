"""The listener and the ACL of docs/operations/mosquitto, as they are shipped: what a unit may do, and nothing else."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING

import pytest

from agent.config import Tls
from agent.readings import Downlink, PubAck, Subscribed
from agent.uplink.tls import client_context
from tests.broker.listener import Listener
from tests.broker.mosquitto import HOST, Mosquitto, free_port, program
from tests.broker.paths import Path, tls_table, topic
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broker.pki import Ca, Identity

SHIPPED = FilePath(__file__).parents[2] / "docs" / "operations" / "mosquitto"
NOT_AUTHORISED = 0x87
UP = ("call", "tech", "audit", "heartbeat", "state", "reply", "online/primary", "online/backup-2")


def shipped_lines(port: int, home: FilePath) -> list[str]:
    """Return nodkald.conf with port and paths replaced, and nothing else."""
    lines = (SHIPPED / "nodkald.conf").read_text().splitlines()
    text = "\n".join(line for line in lines if line and not line.startswith("#"))
    replaced = text.replace("listener 8883", f"listener {port} {HOST}")
    replaced = replaced.replace("/etc/mosquitto/nodkald/acl", str(SHIPPED / "acl"))
    replaced = replaced.replace("/etc/mosquitto/nodkald", str(home)).replace("/var/lib/mosquitto/", f"{home}/")
    assert "/etc/" not in replaced
    return replaced.splitlines()


@pytest.fixture
def shipped(tmp_path: FilePath, ca: Ca, server_identity: Identity) -> Iterator[Mosquitto]:
    program()
    for name, source in (
        ("ca.crt", ca.certificate),
        ("server.crt", server_identity.certificate),
        ("server.key", server_identity.key),
    ):
        (tmp_path / name).write_bytes(source.read_bytes())
    port = free_port()
    broker = Mosquitto(tmp_path / "broker", *shipped_lines(port, tmp_path), port=port).start()
    yield broker
    broker.kill()


@pytest.fixture
def centre(shipped: Mosquitto, ca: Ca) -> Iterator[Listener]:
    identity = ca.issue("centre")
    tls = Tls(ca=ca.certificate, certificate=identity.certificate, key=identity.key)
    listener = Listener(shipped.port, "nk/v1/aabenraa/#", tls=client_context(tls, check_time=True))
    yield listener
    listener.close()


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_a_unit_writes_its_own_topics_and_hears_its_own(
    shipped: Mosquitto, centre: Listener, ca: Ca, unit_identity: Identity, protocol: str
) -> None:
    with Path(shipped.port, protocol=protocol, tls=tls_table(ca, unit_identity)) as path:
        path.up()
        assert not path.inbox.wait(Subscribed).refused
        for leaf in UP:
            path.publish(topic(leaf), leaf.encode())
        path.inbox.wait(PubAck, len(UP))
        assert {ack.code for ack in path.inbox.all(PubAck)} == {0}
        eventually(lambda: [m.topic for m in centre.messages] == [topic(leaf) for leaf in UP])
        centre.publish(topic("ack"), b"a")
        centre.publish(topic("cmd"), b"c", qos=0)
        path.inbox.wait(Downlink, 2)
        assert {d.leaf for d in path.inbox.all(Downlink)} == {"ack", "cmd"}


@pytest.mark.parametrize(
    "foreign",
    [
        topic("call", "u-other001"),
        topic("ack"),
        topic("cmd"),
        topic("ack", "u-other001"),
        topic("call").replace("aabenraa", "esbjerg"),
        topic("call/more"),
        topic("online"),
        "nk/v1/aabenraa/call",
        "anything",
    ],
)
def test_a_unit_writes_nothing_else(
    shipped: Mosquitto, centre: Listener, ca: Ca, unit_identity: Identity, foreign: str
) -> None:
    with Path(shipped.port, tls=tls_table(ca, unit_identity)) as path:
        path.up()
        path.publish(foreign)
        assert path.inbox.wait(PubAck).code == NOT_AUTHORISED
        path.publish(topic("call"), b"own")
        assert path.inbox.wait(PubAck, 2).code == 0
        eventually(lambda: [m.topic for m in centre.messages] == [topic("call")])


def test_a_unit_hears_nothing_of_another(shipped: Mosquitto, centre: Listener, ca: Ca, unit_identity: Identity) -> None:
    tls = Tls(ca=ca.certificate, certificate=unit_identity.certificate, key=unit_identity.key)
    spy = Listener(shipped.port, "nk/v1/#", client_id="spy", tls=client_context(tls, check_time=True))
    for leaf in ("ack", "cmd"):
        centre.publish(topic(leaf, "u-other001"), b"secret")
        centre.publish(topic(leaf), b"own")
    eventually(lambda: len(spy.messages) >= 2)
    assert [m.topic for m in spy.messages] == [topic("ack"), topic("cmd")]
    spy.close()


def test_a_unit_that_takes_itself_for_another_says_nothing_in_its_name(
    shipped: Mosquitto, centre: Listener, ca: Ca, unit_identity: Identity
) -> None:
    with Path(shipped.port, unit_id="u-other001", tls=tls_table(ca, unit_identity)) as path:
        path.up()
        centre.publish(topic("ack", "u-other001"), b"secret")
        path.publish(topic("call", "u-other001"))
        assert path.inbox.wait(PubAck).code == NOT_AUTHORISED
        path.mqtt.disconnect("leave the will")
        path.up()
        path.publish(topic("call"), b"own")
        path.inbox.wait(PubAck, 2)
        eventually(
            lambda: [m.topic for m in centre.messages if m.topic != topic("ack", "u-other001")] == [topic("call")]
        )
        assert path.inbox.all(Downlink) == []


def test_retained_state_survives_a_restart_of_the_broker(
    shipped: Mosquitto, centre: Listener, ca: Ca, unit_identity: Identity
) -> None:
    with Path(shipped.port, tls=tls_table(ca, unit_identity)) as path:
        path.up()
        path.publish(topic("state"), b"whole", retain=True)
        path.inbox.wait(PubAck)
        shipped.restart()
        eventually(lambda: [m.retain for m in centre.messages if m.topic == topic("state")] == [False, True])
