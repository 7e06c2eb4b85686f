"""A whole unit and a real broker: from the cord to *someone is coming*, as the contract says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.config import Room
from agent.events import CallData, StateData, parse_event
from tests.home import REPOSITORY, ROOT, Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.broker.mosquitto import Mosquitto

CORD = "bathroom-cord"


@pytest.mark.parametrize("protocol", ["mqtt5", "mqtt311"])
def test_from_the_cord_to_someone_is_coming(tmp_path: Path, broker: Mosquitto, protocol: str) -> None:
    with (
        Centre(broker.port, answers=False) as centre,
        Home(tmp_path, {"port": broker.port, "protocol": protocol}) as home,
        home.watched() as lights,
    ):
        eventually(lambda: lights[-1] == "ready")
        home.pull(CORD)
        raised = centre.wait("call.raised")
        assert isinstance(raised.data, CallData)
        assert raised.subject == CORD
        assert raised.source == f"/{ROOT}"
        assert raised.data.trigger.model_dump() == {
            "kind": "manual", "type": "pull_cord", "sensor": CORD, "room": Room.BATHROOM,
        }  # fmt: skip
        assert (raised.data.repeat, raised.data.test, raised.data.assessment) == (0, False, None)
        assert raised.data.delivery is not None
        assert (raised.data.delivery.attempt, raised.data.delivery.path) == (1, "primary")
        assert not raised.data.delivery.late
        assert raised.sequence is not None
        assert raised.sequence.startswith("00000001")
        message = next(m for m in centre.messages if m.topic == f"{ROOT}/call")
        assert (message.qos, message.retain) == (1, False)
        if protocol == "mqtt5":
            assert dict(getattr(message.properties, "UserProperty", [])) == {
                "type": raised.type.value, "id": raised.id, "sequence": raised.sequence,
            }  # fmt: skip
        eventually(lambda: lights[-1] == "sending")
        eventually(lambda: home.stored("call.raised") == [(raised.id, raised.sequence)])

        centre.say("ack", {"event_id": raised.id, "ack": "received"})
        eventually(lambda: lights[-1] == "received")
        eventually(lambda: home.stored("call.raised") == [])
        centre.say("ack", {"call_id": raised.data.call_id, "ack": "accepted", "by": "operator-12"})
        eventually(lambda: lights[-1] == "coming")
        centre.say("ack", {"call_id": raised.data.call_id, "ack": "closed", "outcome": "helped"})
        closed = centre.wait("call.closed")
        assert isinstance(closed.data, CallData)
        assert (closed.data.call_id, closed.data.outcome) == (raised.data.call_id, "helped")
        eventually(lambda: lights[-1] == "ready")
        assert lights == [*lights[: lights.index("sending")], "sending", "received", "coming", "ready"]
        assert len(centre.of("call.raised")) == 1


def test_every_pull_is_heard_and_a_pull_after_accepted_is_a_new_call(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port) as home:
        home.pull_and_release(CORD, times=3)
        centre.wait("call.raised", 3)
        first = [event.data for event in centre.of("call.raised") if isinstance(event.data, CallData)]
        assert [data.repeat for data in first] == [0, 1, 2]
        assert len({data.call_id for data in first}) == 1
        centre.say("ack", {"call_id": first[0].call_id, "ack": "accepted", "by": "operator-12"})
        eventually(lambda: home.logged("indication")[-1]["light"] == "coming")
        home.pull(CORD)
        again = centre.wait("call.raised", 4).data
        assert isinstance(again, CallData)
        assert again.repeat == 0
        assert again.call_id != first[0].call_id


def test_a_technician_pulls_and_watches_from_another_terminal(tmp_path: Path, broker: Mosquitto) -> None:
    def nodkald(*words: str) -> str:
        command = [sys.executable, "-m", "agent", "sim", "--unit-file", str(tmp_path / "unit.toml"), *words]
        return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=10).stdout

    with Centre(broker.port) as centre, Home(tmp_path, broker.port):
        assert nodkald("press", "bedroom-button") == "press bedroom-button: done\n"
        assert centre.wait("call.raised").subject == "bedroom-button"
        with pytest.raises(subprocess.CalledProcessError) as refused:
            nodkald("pull", "kitchen-cord")
        assert "there are: bathroom-cord, bedroom-button, reset-button" in refused.value.stderr


def test_a_late_consumer_finds_the_whole_picture(tmp_path: Path, broker: Mosquitto) -> None:
    with Home(tmp_path, broker.port) as home:
        eventually(lambda: home.logged("path_up"))
        home.pull(CORD)
        with Centre(broker.port, f"{ROOT}/state", answers=False) as centre:
            eventually(lambda: centre.messages)
            message = centre.messages[0]
            state = parse_event(bytes(message.payload))
            assert message.retain
            assert state.sequence is None
            assert isinstance(state.data, StateData)
            assert state.data.simulated
            assert state.data.profile == "simulated-home"
            assert set(state.data.sensors) == {CORD, "bedroom-button", "reset-button", "wearable"}
            # The picture follows what happens, within its second.
            eventually(lambda: _state(centre).calls and _state(centre).sensors[CORD].active)


def _state(centre: Centre) -> StateData:
    data = parse_event(bytes(centre.messages[-1].payload)).data
    assert isinstance(data, StateData)
    return data


def test_commands_are_answered_limited_and_never_trusted(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port) as home:
        eventually(lambda: home.logged("path_up"))
        assert centre.command("selftest", "c-1") == {"id": "c-1", "ok": True, "result": "no open faults", "error": None}
        centre.wait("tech.test")
        centre.say("cmd", {"id": "c-2", "cmd": "call.cancel"})
        assert not centre.reply("c-2")["ok"]
        centre.say("cmd", b"\xff{not json")
        assert not centre.reply(None)["ok"]
        centre.client.publish(f"{ROOT}/cmd", json.dumps({"id": "kept", "cmd": "selftest"}), qos=1, retain=True)
        centre.say("ack", b"[1, 2")
        centre.say("ack", {"ack": "accepted", "call_id": "nobody"})
        for number in range(20):
            centre.say("cmd", {"id": f"r-{number}", "cmd": "state"})
        eventually(lambda: len(home.logged("command_rate_limited")) >= 10)
        home.pull(CORD)  # none of it stood in a call's way
        centre.wait("call.raised")
        assert len(home.logged("ack_malformed")) == 1
        assert len(home.logged("ack_for_unknown_call")) == 1


def test_a_retained_command_is_not_carried_out(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre:
        centre.publish(f"{ROOT}/cmd", json.dumps({"id": "old", "cmd": "restart"}).encode(), retain=True)
        with Home(tmp_path, broker.port) as home:
            eventually(lambda: home.logged("command_retained_ignored"))
            assert not home.logged("restarting")


def test_restart_waits_for_the_disk_and_loses_nothing(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port, answers=False) as centre, Home(tmp_path, broker.port) as home:
        home.pull_and_release(CORD)
        raised = centre.wait("call.raised")
        assert centre.command("restart")["ok"]
        assert home.process is not None
        assert home.process.wait(10) == 0
        home.process = None
        centre.answers = True
        home.start()
        eventually(lambda: len(centre.copies(raised.id)) == 2)
        late = centre.copies(raised.id)[1].data.delivery
        assert late is not None
        assert (late.late, late.age_ms) == (True, None)
        assert len(centre.of("call.raised")) == 1


def test_a_clean_end_says_offline_itself(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port) as home:
        eventually(lambda: centre.online() == [True])
        assert home.stop(within=3) == 0
        eventually(lambda: centre.online() == [True, False])
        assert "disconnected" in broker.log
        assert not home.logged("storage_not_drained")


def test_a_unit_that_dies_is_offline_by_its_last_will(tmp_path: Path, broker: Mosquitto) -> None:
    with Centre(broker.port) as centre, Home(tmp_path, broker.port) as home:
        eventually(lambda: centre.online() == [True])
        home.kill()
        eventually(lambda: centre.online() == [True, False])
        home.start()
        eventually(lambda: centre.online() == [True, False, True])
