"""A whole unit with certificates and the ACL that `docs/operations/mosquitto` gives to operators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.events import CallData
from tests.broker.mosquitto import OPERATIONS, free_port, shipped_lines, tls_lines
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto
    from tests.broker.pki import Ca, Identity

CORD = "bathroom-cord"


@pytest.fixture(scope="session")
def centre_identity(ca: Ca) -> Identity:
    return ca.issue("centre")


def shipped_broker(make_broker: MakeBroker, directory: Path, ca: Ca, server: Identity) -> Mosquitto:
    """The shipped listener, with only the paths and the port replaced, and an ACL file that a test may change."""
    port = free_port()
    acl = directory / "acl"
    acl.write_text((OPERATIONS / "acl").read_text())
    acl.chmod(0o600)
    (directory / "broker").mkdir()
    return make_broker(
        f"listener {port} 127.0.0.1", *tls_lines(ca, server), f"acl_file {acl}",
        f"persistence_location {directory / 'broker'}/", *shipped_lines(), port=port,
    )  # fmt: skip


def centre_on(broker: Mosquitto, ca: Ca, identity: Identity, *, lasting: bool = False) -> Centre:
    return Centre(broker.port, "nk/v1/aabenraa/#", tls=ca.client_context(identity), lasting=lasting)


def path_table(broker: Mosquitto, ca: Ca, identity: Identity) -> dict[str, object]:
    tls = {"ca": ca.certificate, "certificate": identity.certificate, "key": identity.key}
    return {"port": broker.port, "tls": tls}


def test_certificates_and_the_shipped_acl_let_everything_through_that_a_call_needs(
    tmp_path: Path,
    make_broker: MakeBroker,
    ca: Ca,
    server_identity: Identity,
    unit_identity: Identity,
    centre_identity: Identity,
) -> None:
    broker = shipped_broker(make_broker, tmp_path, ca, server_identity)
    with (
        centre_on(broker, ca, centre_identity) as centre,
        Home(tmp_path, path_table(broker, ca, unit_identity)) as home,
        home.watched() as lights,
    ):
        home.pull(CORD)
        raised = centre.wait("call.raised").data
        assert isinstance(raised, CallData)
        eventually(lambda: lights[-1] == "received")
        centre.say("ack", {"call_id": raised.call_id, "ack": "accepted", "by": "operator-12"})
        eventually(lambda: lights[-1] == "coming")
        assert centre.command("selftest")["ok"]
        centre.wait("state")
        centre.wait("heartbeat")
        assert home.stop() == 0
        eventually(lambda: centre.online() == [True, False])
        assert not centre.of("tech.fault")


def test_missing_rights_are_reported_once_they_are_back(
    tmp_path: Path,
    make_broker: MakeBroker,
    ca: Ca,
    server_identity: Identity,
    unit_identity: Identity,
    centre_identity: Identity,
) -> None:
    broker = shipped_broker(make_broker, tmp_path, ca, server_identity)
    acl = tmp_path / "acl"
    right = acl.read_text()
    acl.write_text(right.replace("pattern write nk/v1/aabenraa/%u/call\n", ""))
    broker.restart()
    with (
        centre_on(broker, ca, centre_identity, lasting=True) as centre,
        Home(tmp_path, path_table(broker, ca, unit_identity)) as home,
    ):
        eventually(lambda: home.logged("path_up"))
        home.pull(CORD)
        refused = centre.fault("uplink.refused")  # the technical topic has its rights
        assert refused.subject == "primary"
        assert "0x87" in refused.model_dump_json()
        assert not centre.of("tech.restored")  # what is taken on another topic does not mend this one
        assert not centre.of("call.raised")
        acl.write_text(right)
        broker.restart()
        centre.wait("call.raised")
        centre.fault("uplink.refused", "tech.restored")


def test_a_refused_path_is_reported_over_the_other(
    tmp_path: Path,
    make_broker: MakeBroker,
    ca: Ca,
    server_identity: Identity,
) -> None:
    strict = shipped_broker(make_broker, tmp_path, ca, server_identity)
    plain = make_broker()
    stranger = ca.issue("somebody-else")
    with (
        Centre(plain.port) as centre,
        Home(tmp_path, path_table(strict, ca, stranger), plain.port) as home,
    ):
        home.pull(CORD)
        centre.wait("call.raised")
        assert centre.fault("uplink.refused").subject == "primary"
