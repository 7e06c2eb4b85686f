"""TLS towards a real broker: whom we trust, whom it trusts, and what a technician is told."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from agent.readings import PathDown, PubAck
from agent.uplink import mqtt
from tests.broker.mosquitto import HOST, tls_lines
from tests.broker.paths import LateClock, Path, tls_table, topic
from tests.broker.pki import make_ca
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path as FilePath

    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto
    from tests.broker.pki import Ca, Identity

LONG_AGO = ("20010101000000Z", "20020101000000Z")
FAR_AHEAD = ("20890101000000Z", "20900101000000Z")


@pytest.fixture
def tls_broker(make_broker: MakeBroker, ca: Ca, server_identity: Identity) -> Mosquitto:
    return make_broker(*tls_lines(ca, server_identity), "require_certificate true", "use_identity_as_username true")


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_both_sides_know_each_other(tls_broker: Mosquitto, ca: Ca, unit_identity: Identity, protocol: str) -> None:
    with Path(tls_broker.port, protocol=protocol, tls=tls_table(ca, unit_identity)) as path:
        path.up()
        path.publish(topic("call"), b"x" * 100_000)  # more than one TLS record
        path.inbox.wait(PubAck)
    assert "u'u-test0001'" in tls_broker.log  # the certificate's CN is the user name


def test_a_broker_of_another_ca_is_refused_by_us(
    tls_broker: Mosquitto, tmp_path: FilePath, unit_identity: Identity
) -> None:
    other = make_ca(tmp_path, "other-ca")
    with Path(tls_broker.port, tls=tls_table(other, unit_identity)) as path:
        path.mqtt.connect()
        assert path.inbox.wait(PathDown) == PathDown(
            "primary",
            f"the certificate of {HOST}:{tls_broker.port} was signed by a CA that is not in tls.ca",
            refused=True,
        )


def test_a_broker_under_another_name_is_refused_by_us(tls_broker: Mosquitto, ca: Ca, unit_identity: Identity) -> None:
    with Path(tls_broker.port, host="localhost", tls=tls_table(ca, unit_identity)) as path:
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
        assert down.refused
        assert "another host name than `host`" in down.detail


def test_a_unit_without_a_certificate_is_told_so(tls_broker: Mosquitto, ca: Ca) -> None:
    with Path(tls_broker.port, tls=tls_table(ca)) as path:
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
        assert down.refused
        assert "ALERT" in down.detail
        assert "check tls.certificate and tls.key" in down.detail


def test_a_unit_with_a_certificate_of_another_ca_is_told_so(tls_broker: Mosquitto, ca: Ca, tmp_path: FilePath) -> None:
    stranger = make_ca(tmp_path, "other-ca").issue("u-test0001")
    with Path(tls_broker.port, tls=tls_table(ca, stranger)) as path:
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
        assert down.refused
        assert "ALERT" in down.detail
        assert "check tls.certificate and tls.key" in down.detail


def test_an_expired_broker_is_refused_only_with_a_clock_that_can_tell(
    make_broker: MakeBroker, tmp_path: FilePath
) -> None:
    ca = make_ca(tmp_path, "ca")
    expired = ca.issue("broker", alt_names=f"IP:{HOST}", valid=LONG_AGO)
    broker = make_broker(*tls_lines(ca, expired))
    with Path(broker.port, tls=tls_table(ca), synced=True) as path:
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
        assert down.refused
        assert "has expired, or the unit's clock is wrong" in down.detail
    with Path(broker.port, tls=tls_table(ca), synced=False) as path:
        path.up()


def test_a_broker_of_tomorrow_is_refused_only_with_a_clock_that_can_tell(
    make_broker: MakeBroker, tmp_path: FilePath
) -> None:
    ca = make_ca(tmp_path, "ca")
    broker = make_broker(*tls_lines(ca, ca.issue("broker", alt_names=f"IP:{HOST}", valid=FAR_AHEAD)))
    with Path(broker.port, tls=tls_table(ca), synced=True) as path:
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
        assert down.refused
        assert "is not valid yet: is the unit's clock right?" in down.detail
    with Path(broker.port, tls=tls_table(ca), synced=False) as path:
        path.up()


def test_a_line_that_works_is_kept_when_the_clock_comes_and_dates_count_from_the_next_one(
    make_broker: MakeBroker, tmp_path: FilePath
) -> None:
    ca = make_ca(tmp_path, "ca")
    broker = make_broker(*tls_lines(ca, ca.issue("broker", alt_names=f"IP:{HOST}", valid=LONG_AGO)))
    clock = LateClock()
    with Path(broker.port, tls=tls_table(ca), clock=clock) as path:
        path.up()
        clock.synced = True
        path.publish(topic("call"))
        path.inbox.wait(PubAck)
        assert path.inbox.all(PathDown) == []
        path.mqtt.disconnect("the line is lost")
        path.inbox.wait(PathDown)
        path.mqtt.connect()
        assert "has expired" in path.inbox.wait(PathDown, 2).detail
        clock.synced = False  # nobody can take the clock away again to have dates ignored
        path.mqtt.connect()
        assert "has expired" in path.inbox.wait(PathDown, 3).detail


def test_without_a_clock_everything_but_time_is_checked(tls_broker: Mosquitto, ca: Ca, tmp_path: FilePath) -> None:
    with Path(tls_broker.port, tls=tls_table(make_ca(tmp_path, "other-ca")), synced=False) as path:
        path.mqtt.connect()
        assert "not in tls.ca" in path.inbox.wait(PathDown).detail
    with Path(tls_broker.port, host="localhost", tls=tls_table(ca), synced=False) as path:
        path.mqtt.connect()
        assert "another host name" in path.inbox.wait(PathDown).detail


def test_a_missing_file_is_a_refusal_and_not_a_crash(tls_broker: Mosquitto, tmp_path: FilePath) -> None:
    with Path(tls_broker.port, tls={"ca": str(tmp_path / "nowhere.crt")}) as path:
        path.mqtt.connect()
        assert path.inbox.wait(PathDown) == PathDown(
            "primary",
            f"tls.ca {tmp_path}/nowhere.crt does not exist; provision the unit, or correct the path",
            refused=True,
        )


def test_a_port_without_tls_is_told(broker: Mosquitto, ca: Ca) -> None:
    with Path(broker.port, tls=tls_table(ca)) as path:
        path.mqtt.connect()
        down = path.inbox.wait(PathDown)
        assert not down.refused
        assert f"{HOST}:{broker.port} broke" in down.detail  # mosquitto resets what it can't read


def test_a_handshake_that_hangs_can_be_cut_short(ca: Ca, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as silent, Path(silent.getsockname()[1], tls=tls_table(ca)) as path:
        path.mqtt.connect()
        eventually(lambda: path.mqtt._attempt is not None and path.mqtt._attempt.reached)
        began = time.monotonic()
        path.mqtt.disconnect("enough")
        assert path.inbox.wait(PathDown).detail == "enough"
        link = path.mqtt._served[-1]
        monkeypatch.setattr(mqtt, "STEP_TIMEOUT_S", 0.2)
        path.mqtt.connect()
        assert "within 0 s" in path.inbox.wait(PathDown, 2).detail
        assert link is not path.mqtt._link
        assert time.monotonic() - began < 3
