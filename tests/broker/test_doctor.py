"""`nodkald doctor` and `nodkald status` against real brokers, a real unit and a real (scripted) response centre."""

from __future__ import annotations

import json
import time
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

import pytest

from agent import cli
from agent.clock import Now
from agent.config import BrokerPath, Tls, UnitFile
from agent.doctor import broker_visit, certificates
from agent.doctor.broker_visit import NO_SUBSCRIBER, Stage, Visit, visit
from agent.doctor.finding import Verdict
from agent.readings import PathDown, PubAck
from agent.uplink.tls import client_context
from tests.broker.mosquitto import HOST, free_port, tls_lines
from tests.broker.paths import Path, tls_table, topic
from tests.broker.pki import make_ca
from tests.broker.test_rights import shipped  # noqa: F401 - a fixture: the broker as docs/operations has it
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto
    from tests.broker.pki import Ca, Identity

LONG_AGO = ("20010101000000Z", "20020101000000Z")


def visited(port: int, *, synced: bool = True, **keys: Any) -> Visit:
    unit = UnitFile.model_validate(
        {
            "schema": 1,
            "tenant": "aabenraa",
            "unit_id": "u-test0001",
            "profile": "simulated-home",
            "uplink": {"paths": [{"name": "primary", "host": HOST, "port": port, **keys}]},
        }
    )
    return visit(unit, unit.uplink.paths[0], Now(time.monotonic(), time.time(), synced))


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_visit, "WITHIN_S", 1.0)


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_the_centres_receipt_proves_the_way_there_and_back(broker: Mosquitto, protocol: str) -> None:
    with Centre(broker.port) as centre:
        seen = visited(broker.port, protocol=protocol)
        assert (seen.stage, seen.detail) == (Stage.DONE, "")
        [event] = centre.of("tech.test")
    assert event.sequence == "00000000000000000001"
    assert event.data.delivery is not None
    assert event.data.delivery.path == "primary"
    # Clean start and no last will: nothing of the visit stays on the broker.
    level = "p5" if protocol == "mqtt5" else "p2"  # as mosquitto numbers 3.1.1
    assert f"as u-test0001-doctor.primary ({level}, c1, k30" in broker.log
    assert "Will message" not in broker.log.split("u-test0001-doctor.primary")[-1]


def test_the_running_units_connection_is_left_alone(broker: Mosquitto) -> None:
    with Path(broker.port) as unit, Centre(broker.port):
        unit.up()
        assert visited(broker.port).stage is Stage.DONE
        unit.publish(topic("reply"))
        unit.inbox.wait(PubAck)
        assert unit.inbox.all(PathDown) == []


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_the_shipped_rights_are_enough(
    shipped: Mosquitto,  # noqa: F811 - the fixture imported above
    ca: Ca,
    unit_identity: Identity,
    protocol: str,
) -> None:
    office = ca.issue("centre")
    tls = client_context(Tls(ca=ca.certificate, certificate=office.certificate, key=office.key), check_time=True)
    with Centre(shipped.port, "nk/v1/aabenraa/#", tls=tls):
        seen = visited(shipped.port, protocol=protocol, tls=tls_table(ca, unit_identity))
    assert (seen.stage, seen.detail) == (Stage.DONE, "")


def test_without_a_centre_the_broker_says_so_at_once(broker: Mosquitto) -> None:
    began = time.monotonic()
    assert visited(broker.port) == Visit(Stage.RECEIPT, code=NO_SUBSCRIBER, login_s=pytest.approx(0.0, abs=2.0))
    assert time.monotonic() - began < 3.0


def test_a_centre_that_only_listens_gives_no_receipt(broker: Mosquitto, hurry: None) -> None:
    with Centre(broker.port, answers=False) as centre:
        seen = visited(broker.port)
        assert (seen.stage, seen.code) == (Stage.RECEIPT, 0)
        assert len(centre.of("tech.test")) == 1


def test_a_receipt_for_another_event_is_none_for_ours(broker: Mosquitto, hurry: None) -> None:
    with Centre(broker.port, answers=False) as centre:
        centre.client.publish(topic("ack"), b'{"ack": "received", "event_id": "another"}', qos=1, retain=True)
        centre.client.publish(topic("ack"), b"[[[", qos=1, retain=True)
        assert visited(broker.port).stage is Stage.RECEIPT


def test_a_right_that_is_missing_is_told(make_broker: MakeBroker, tmp_path: FilePath) -> None:
    acl = tmp_path / "acl"
    acl.write_text(f"topic read {topic('ack')}\n")
    broker = make_broker(f"acl_file {acl}")
    seen = visited(broker.port)
    assert (seen.stage, seen.code, seen.refused) == (Stage.SENDING, 0x87, True)


def test_a_broker_that_is_off(hurry: None) -> None:
    seen = visited(free_port())
    assert (seen.stage, "nothing listens on" in seen.detail) == (Stage.TCP, True)


def test_a_broker_that_accepts_and_says_nothing(broker: Mosquitto, hurry: None) -> None:
    broker.freeze()
    assert visited(broker.port).stage is Stage.LOGIN


def test_a_broker_of_another_ca(make_broker: MakeBroker, ca: Ca, server_identity: Identity, tmp_path: FilePath) -> None:
    broker = make_broker(*tls_lines(ca, server_identity))
    seen = visited(broker.port, tls=tls_table(make_ca(tmp_path, "other-ca")))
    assert (seen.stage, seen.refused) == (Stage.TLS, True)
    assert "signed by a CA that is not in tls.ca" in seen.detail


def test_an_expired_certificate_is_found_on_disk_and_refused_by_the_broker(
    make_broker: MakeBroker, ca: Ca, server_identity: Identity
) -> None:
    expired = ca.issue("u-test0001", valid=LONG_AGO)
    broker = make_broker(*tls_lines(ca, server_identity), "require_certificate true")
    table = tls_table(ca, expired)
    seen = visited(broker.port, tls=table)
    assert (seen.stage, seen.refused) == (Stage.TLS, True), seen
    assert "check tls.certificate" in seen.detail
    path = BrokerPath.model_validate({"name": "primary", "host": HOST, "port": broker.port, "tls": table})
    found = certificates.examine([path], "u-test0001", time.time())
    assert [one.verdict for one in found] == [Verdict.WARN, Verdict.FAIL]  # the CA of these tests lives for 30 days
    assert "expired" in found[1].found.en


def test_a_key_that_is_not_there(make_broker: MakeBroker, ca: Ca, server_identity: Identity) -> None:
    broker = make_broker(*tls_lines(ca, server_identity))
    seen = visited(broker.port, tls={"ca": "/nowhere/ca.crt"})
    assert (seen.stage, "/nowhere/ca.crt" in seen.detail) == (Stage.FILES, True)


# ---------------------------------------------------------------- the commands on a whole home


def doctor(home: Home, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, list[dict[str, Any]]], float]:
    began = time.monotonic()
    code = cli.main(["doctor", "--json", "--unit-file", str(home.unit_file)])
    took = time.monotonic() - began
    by_check: dict[str, list[dict[str, Any]]] = {}
    for finding in json.loads(capsys.readouterr().out)["findings"]:
        by_check.setdefault(finding["check"], []).append(finding)
    return code, by_check, took


def verdicts(found: dict[str, list[dict[str, Any]]], check: str) -> list[str]:
    return [finding["verdict"] for finding in found[check]]


def test_a_well_home_is_well_and_the_unit_notices_nothing(
    broker: Mosquitto, tmp_path: FilePath, capsys: pytest.CaptureFixture[str]
) -> None:
    with Home(tmp_path, broker.port) as home, Centre(broker.port) as centre:
        centre.wait("state")
        home.pull_and_release("bathroom-cord")
        called = centre.wait("call.raised")
        _, found, took = doctor(home, capsys)
        assert took < 10.0
        wanted = {"configuration": 1, "contact": 3, "serial": 1, "model": 1, "outbox": 1, "broker": 1, "centre": 1}
        assert {check: verdicts(found, check) for check in wanted} == {c: ["ok"] * n for c, n in wanted.items()}
        assert cli.main(["log", "--unit-file", str(home.unit_file)]) == 0
        assert "KALD fra bathroom-cord (badeværelse)" in capsys.readouterr().out
        assert cli.main(["status", "--json", "--unit-file", str(home.unit_file)]) in (0, 3)
        said = json.loads(capsys.readouterr().out)
        assert [call["call_id"] for call in said["calls"]] == [called.data.call_id]  # type: ignore[union-attr]  # because a call has one
        assert not home.logged("path_down")


def test_a_home_whose_wearable_is_unplugged_and_whose_cord_hangs(
    broker: Mosquitto, tmp_path: FilePath, capsys: pytest.CaptureFixture[str]
) -> None:
    with Home(tmp_path, broker.port) as home, Centre(broker.port):
        home.pull("bathroom-cord")
        home.ask(do="unplug", sensor="wearable")
        home_says = {"serial": ["fail"], "contact": ["warn", "ok", "ok"]}

        def found() -> dict[str, list[str]]:
            code, by_check, _ = doctor(home, capsys)
            assert code == 2 or by_check["serial"][0]["verdict"] != "fail"
            return {check: verdicts(by_check, check) for check in home_says}

        eventually(lambda: found() == home_says, within=20, every=0.2)


def test_a_home_that_does_not_run_with_a_damaged_outbox_and_no_broker(
    tmp_path: FilePath, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path, free_port())
    home.outbox.parent.mkdir()
    home.outbox.write_bytes(b"SQLite format 3\0" + b"garbage" * 2000)
    code, found, took = doctor(home, capsys)
    assert (code, took < 10.0) == (2, True)
    assert {check: verdicts(found, check) for check in ("agent", "outbox", "broker", "centre", "contact", "model")} == {
        "agent": ["fail"],
        "outbox": ["fail"],
        "broker": ["fail"],
        "centre": ["skipped"],
        "contact": ["skipped"],
        "model": ["ok"],
    }
    assert str(home.outbox) in found["outbox"][0]["next_step"]["en"]


def test_a_wrong_unit_file_is_examined_as_far_as_it_goes(
    tmp_path: FilePath, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path, free_port())
    home.unit_file.write_text(home.unit_file.read_text().replace("unit_id", "unit_idd"))
    code, found, _ = doctor(home, capsys)
    assert code == 2
    assert set(verdicts(found, "configuration")) == {"fail"}
    assert "broker" not in found
    assert len(found["clock"]) == 1


def test_the_report_on_the_screen_is_in_the_units_language_and_ends_with_a_count(
    tmp_path: FilePath, capsys: pytest.CaptureFixture[str]
) -> None:
    home = Home(tmp_path, free_port())
    assert cli.main(["doctor", "--unit-file", str(home.unit_file)]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("FEJL           enhed: enheden kører ikke") for line in lines)
    assert any(line.strip().startswith("-> Start den") for line in lines)
    assert " fejl, " in lines[-1]
    assert all(len(line) <= 120 for line in lines if "/" not in line)
