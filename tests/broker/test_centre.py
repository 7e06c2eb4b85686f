"""The reference centre as a person starts it, against a real mosquitto."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.broker.listener import Listener
from tests.broker.mosquitto import tls_lines
from tests.broker.paths import topic
from tests.unit.centre.messages import call
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto
    from tests.broker.pki import Ca, Identity

UNIT = """
schema = 1
tenant = "aabenraa"
unit_id = "u-test0001"
profile = "simulated-home"
state_dir = "{directory}/state"
runtime_dir = "{directory}/run"
language = "en"

[[uplink.paths]]
name = "primary"
host = "127.0.0.1"
port = {port}
protocol = "{protocol}"
{more}
"""
RECEIVED = {"event_id": "event-1-1", "ack": "received"}


class Centre:
    """`nodkald centre` as a process; its output is read as it comes."""

    def __init__(self, unit_file: Path, *options: str) -> None:
        self.lines: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "agent.cli", "centre", "--unit-file", str(unit_file), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip("\n"))

    def json(self, key: str) -> list[Any]:
        return [body[key] for line in list(self.lines) if key in (body := json.loads(line))]

    def wait_for(self, text: str) -> None:
        eventually(lambda: any(text in line for line in self.lines) or self._ended(), within=15)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(10)
        self._reader.join(10)
        return code

    def _ended(self) -> None:
        assert self.process.poll() is None, self.lines


@pytest.fixture
def started() -> Iterator[list[Centre]]:
    """Centres that end with the test."""
    centres: list[Centre] = []
    yield centres
    for centre in centres:
        if centre.process.poll() is None:
            centre.end(signal.SIGKILL)


def unit_file(tmp_path: Path, broker: Mosquitto, protocol: str = "mqtt5", more: str = "") -> Path:
    path = tmp_path / "unit.toml"
    path.write_text(UNIT.format(directory=tmp_path, port=broker.port, protocol=protocol, more=more))
    return path


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_every_copy_is_acknowledged_once_and_shown(
    broker: Mosquitto, tmp_path: Path, started: list[Centre], protocol: str
) -> None:
    unit = Listener(broker.port, topic("ack"))
    started.append(centre := Centre(unit_file(tmp_path, broker, protocol), "--jsonl", "--accept-after", "0"))
    centre.wait_for('"up":true')
    body = json.dumps(call(1)).encode()
    for _ in range(3):
        unit.publish(topic("call"), body)
    eventually(lambda: len(unit.messages) == 4 and len(centre.json("event")) == 3)
    acks = [json.loads(payload) for payload in unit.payloads(topic("ack"))]
    assert acks == [RECEIVED, {"call_id": "call-1", "ack": "accepted", "by": "operator-1"}, RECEIVED, RECEIVED]
    assert [not message.retain and message.qos == 1 for message in unit.messages] == [True] * 4
    assert centre.json("duplicate") == [False, True, True]
    assert centre.json("departures") == [[], [], []]
    assert centre.json("event")[0] == call(1)
    eventually(lambda: centre.json("ack") == acks)
    assert not centre.json("malformed"), "its own acknowledgements came back"
    unit.close()
    assert centre.end() == 0


def test_what_is_published_while_the_centre_is_away_waits_for_it(
    broker: Mosquitto, tmp_path: Path, started: list[Centre]
) -> None:
    unit = Listener(broker.port, topic("ack"))
    started.append(first := Centre(unit_file(tmp_path, broker), "--jsonl"))
    first.wait_for('"up":true')
    unit.publish(topic("call"), json.dumps(call(1)).encode())
    eventually(lambda: len(unit.messages) == 1)
    assert first.end(signal.SIGINT) == 0

    unit.publish(topic("call"), json.dumps(call(1)).encode())
    unit.publish(topic("call"), json.dumps(call(2)).encode())
    started.append(second := Centre(unit_file(tmp_path, broker), "--jsonl"))
    eventually(lambda: len(second.json("event")) == 2, within=15)
    assert [
        (body["id"], known) for body, known in zip(second.json("event"), second.json("duplicate"), strict=True)
    ] == [
        ("event-1-1", True),
        ("event-1-2", False),
    ]
    eventually(lambda: len(unit.messages) == 3)
    unit.close()


def test_a_centre_that_was_killed_knows_what_it_had_acknowledged(
    broker: Mosquitto, tmp_path: Path, started: list[Centre]
) -> None:
    unit = Listener(broker.port, topic("ack"))
    started.append(first := Centre(unit_file(tmp_path, broker), "--jsonl"))
    first.wait_for('"up":true')
    unit.publish(topic("call"), json.dumps(call(1)).encode())
    eventually(lambda: len(unit.messages) == 1)
    first.end(signal.SIGKILL)
    kept = [json.loads(line) for line in (tmp_path / "state" / "centre.jsonl").read_text().splitlines()]
    assert [record["event"] for record in kept] == [call(1)]
    unit.close()


def test_it_comes_back_with_the_broker(broker: Mosquitto, tmp_path: Path, started: list[Centre]) -> None:
    started.append(centre := Centre(unit_file(tmp_path, broker), "--jsonl"))
    centre.wait_for('"up":true')
    broker.kill()
    eventually(lambda: centre.json("line")[-1]["up"] is False)
    broker.start()
    eventually(lambda: centre.json("line")[-1]["up"] is True, within=15)
    unit = Listener(broker.port, topic("ack"))
    unit.publish(topic("call"), json.dumps(call(1)).encode())
    eventually(lambda: unit.payloads(topic("ack")))
    unit.close()


def test_it_knows_whether_the_unit_is_there_from_what_is_retained(
    broker: Mosquitto, tmp_path: Path, started: list[Centre]
) -> None:
    unit = Listener(broker.port, topic("ack"))
    body = b'{"online": true, "path": "primary", "boot_id": "b", "since": "s"}'
    unit.publish(topic("online/primary"), body, retain=True)
    started.append(centre := Centre(unit_file(tmp_path, broker)))
    centre.wait_for("the unit is online (primary)")
    unit.publish(topic("online/primary"), body.replace(b"true", b"false"), retain=True)
    centre.wait_for("THE UNIT IS OFFLINE")
    unit.close()


def test_no_ack_only_listens_and_leaves_no_trace(broker: Mosquitto, tmp_path: Path, started: list[Centre]) -> None:
    unit = Listener(broker.port, topic("ack"))
    started.append(centre := Centre(unit_file(tmp_path, broker), "--no-ack"))
    centre.wait_for("listens on primary")
    unit.publish(topic("call"), json.dumps(call(1)).encode())
    centre.wait_for("CALL")
    assert centre.end() == 0
    assert unit.messages == []
    assert not (tmp_path / "state" / "centre.jsonl").exists()
    unit.close()


def test_a_wrong_user_is_told_in_a_sentence(make_broker: MakeBroker, tmp_path: Path, started: list[Centre]) -> None:
    broker = make_broker("allow_anonymous false")
    started.append(centre := Centre(unit_file(tmp_path, broker)))
    centre.wait_for("refuses us (Not authorized): check [tls] in the unit file, and the broker's users")
    eventually(lambda: broker.log.count("not authorised") > 1)
    assert centre.end() == 0
    assert len(centre.lines) == 1, "told once, however often it is tried"


@pytest.fixture
def guarded(make_broker: MakeBroker, tmp_path: Path, ca: Ca, server_identity: Identity) -> Mosquitto:
    """A broker with TLS on which the unit may do what a unit may, and `centre` what a centre may."""
    acl = tmp_path / "acl"
    acl.write_text(
        "pattern read nk/v1/+/%u/ack\npattern write nk/v1/+/%u/call\n\n"
        "user centre\ntopic read nk/v1/#\ntopic write nk/v1/+/+/ack\n"
    )
    acl.chmod(0o700)
    lines = ("require_certificate true", "use_identity_as_username true", f"acl_file {acl}")
    return make_broker(*tls_lines(ca, server_identity), *lines)


def test_a_centre_with_its_own_certificate_hears_the_unit(
    guarded: Mosquitto, tmp_path: Path, started: list[Centre], ca: Ca, unit_identity: Identity
) -> None:
    file = unit_file(tmp_path, guarded, more=tls(ca, ca.issue("centre")))
    started.append(centre := Centre(file, "--jsonl"))
    centre.wait_for('"up":true')
    who = ["--cafile", str(ca.certificate), "--cert", str(unit_identity.certificate), "--key", str(unit_identity.key)]
    what = ["-q", "1", "-t", topic("call"), "-m", json.dumps(call(1))]
    subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(guarded.port), *who, *what], check=True)
    eventually(lambda: centre.json("ack") == [RECEIVED])
    assert centre.json("line") == [{"path": "primary", "up": True, "detail": ""}]


def test_the_units_own_certificate_may_not_play_the_centre(
    guarded: Mosquitto, tmp_path: Path, started: list[Centre], ca: Ca, unit_identity: Identity
) -> None:
    # mosquitto grants any subscription and then delivers nothing, so the refusal shows with the first acknowledgement.
    store = tmp_path / "centre.jsonl"
    store.write_text(json.dumps({"at": 4e9, "path": "primary", "event": call(1)}) + "\n")
    file = unit_file(tmp_path, guarded, more=tls(ca, unit_identity))
    started.append(centre := Centre(file, "--store", str(store), "--accept-after", "0"))
    centre.wait_for("ACL does not let us read")


def tls(ca: Ca, identity: Identity) -> str:
    return f'tls = {{ ca = "{ca.certificate}", certificate = "{identity.certificate}", key = "{identity.key}" }}'


@pytest.mark.parametrize(
    ("options", "code", "sentence"),
    [
        (["--no-ack", "--accept-after", "1"], 2, "leave out --accept-after"),
        (["--store", "/proc/centre.jsonl"], 1, "can't keep events there"),
    ],
)
def test_what_can_not_start_says_why(
    broker: Mosquitto, tmp_path: Path, options: list[str], code: int, sentence: str
) -> None:
    centre = Centre(unit_file(tmp_path, broker), *options)
    assert centre.process.wait(15) == code
    eventually(lambda: any(sentence in line for line in centre.lines))
