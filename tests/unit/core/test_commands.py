"""Commands from the centre: answered, rate-limited, and unable to touch a call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agent.effects import Light, Publish, Restart, Sounder
from agent.readings import Downlink
from tests.home_bench import HomeBench


class Asked(HomeBench):
    """A home that remembers its replies."""

    replies: list[dict[str, Any]]

    def start(self) -> None:
        self.replies = []
        super().start()

    def _published(self, publish: Publish) -> None:
        if publish.topic.endswith("/reply"):
            self.replies.append(json.loads(publish.payload))
        super()._published(publish)

    def command(self, payload: Any, *, retained: bool = False) -> None:
        """Send a command, as an object or as raw bytes."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        self.step(Downlink("primary", "cmd", raw, retained=retained))

    def ask(self, cmd: str) -> dict[str, Any]:
        """Send a command and return its reply."""
        self.command({"id": f"c{len(self.replies)}", "cmd": cmd})
        return self.replies[-1]


def test_a_command_is_answered_under_its_id() -> None:
    home = Asked()
    assert home.ask("state") == {"id": "c0", "ok": True, "result": "the state is published", "error": None}


@pytest.mark.parametrize(
    ("payload", "command_id"),
    [
        ({"id": "x", "cmd": "open_door"}, "x"),
        ({"cmd": "state"}, None),
        (b"\xff\xfe", None),
        (b"[" * 70_000, None),
        ({"id": 7, "cmd": "state"}, None),
    ],
)
def test_what_is_unknown_or_malformed_gets_an_error_and_is_counted(payload: Any, command_id: str | None) -> None:
    home = Asked()
    home.command(payload)
    (reply,) = home.replies
    assert (reply["id"], reply["ok"]) == (command_id, False)
    assert reply["error"]
    assert home.state.malformed == 1


def test_a_retained_command_is_ignored() -> None:
    home = Asked()
    home.command({"id": "x", "cmd": "restart"}, retained=True)
    assert not home.replies
    assert not home.other


def test_the_eleventh_command_in_a_minute_is_not_answered_and_the_next_minute_is() -> None:
    home = Asked()
    for _ in range(11):
        home.command({"id": "x", "cmd": "state"})
    assert len(home.replies) == 10
    home.advance(61.0)
    home.command({"id": "x", "cmd": "state"})
    assert len(home.replies) == 11


def test_restart_waits_while_a_call_exists_only_in_memory() -> None:
    home = Asked()
    home.acks = False
    home.fail_disk()
    home.pull()
    assert home.ask("restart")["ok"]
    assert not [effect for effect in home.other if isinstance(effect, Restart)]
    home.mend_disk()
    assert [effect for effect in home.other if isinstance(effect, Restart)]


def test_silence_mutes_until_the_light_changes_and_never_a_pre_alarm() -> None:
    home = Asked()
    home.pull()
    assert home.lights[-1].sounder is Sounder.RECEIVED
    home.ask("silence")
    assert home.lights[-1].sounder is Sounder.SILENT
    home.trigger("t1")
    home.assess("t1")
    assert home.lights[-1].sounder is Sounder.PRE_ALARM


def test_selftest_tells_the_open_faults() -> None:
    home = Asked()
    assert home.ask("selftest")["result"] == "no open faults"
    home.fail_disk(full=True)
    assert "storage.full" in home.ask("selftest")["result"]
    assert [event["data"]["ok"] for event in home.seen("tech.test")] == [True, False]


def test_in_a_walk_test_the_first_pull_of_each_sensor_is_a_test() -> None:
    home = Asked()
    home.ask("walktest.start")
    home.pull("bathroom-cord")
    home.pull("bedroom-button")
    assert [event["data"]["test"] for event in home.seen("call.raised")] == [True, True]
    assert home.ask("walktest.stop")["result"] == "pulled: bathroom-cord, bedroom-button"
    assert home.light is Light.READY


def test_a_second_pull_in_a_walk_test_is_a_person() -> None:
    home = Asked()
    home.ask("walktest.start")
    home.pull()
    home.pull()
    first, second = home.seen("call.raised")
    assert (first["data"]["test"], second["data"]["test"]) == (True, False)
    assert first["data"]["call_id"] != second["data"]["call_id"]
    home.ask("walktest.stop")
    assert home.light is Light.RECEIVED


def test_a_pull_that_is_held_for_ten_seconds_in_a_walk_test_is_a_person() -> None:
    home = Asked()
    home.ask("walktest.start")
    home.switch("bathroom-cord", pulled=True)
    home.advance(9.5)
    assert [event["data"]["test"] for event in home.seen("call.raised")] == [True]
    home.advance(1.5)
    assert [event["data"]["test"] for event in home.seen("call.raised")] == [True, False]


def test_a_fall_in_a_walk_test_is_real() -> None:
    home = Asked(pre_alarm_s=0.0)
    home.ask("walktest.start")
    home.trigger("t1")
    home.assess("t1")
    assert [event["data"]["test"] for event in home.seen("call.raised")] == [False]


def test_a_walk_test_ends_by_itself_and_at_a_restart() -> None:
    home = Asked()
    home.ask("walktest.start")
    home.advance(15 * 60 + 1.0)
    home.pull()
    home.ask("walktest.start")
    home.crash()
    home.levels()
    home.advance(1.0)
    home.pull("bedroom-button")
    assert [event["data"]["test"] for event in home.seen("call.raised")] == [False, False]


def test_a_test_call_is_not_escalated() -> None:
    home = Asked()
    home.ask("walktest.start")
    home.pull()
    home.advance(14 * 60.0)
    assert not home.seen("call.escalated")
