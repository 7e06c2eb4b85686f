"""Sensors that fall silent, disks and lines that fail, and what the centre sees of it all."""

from __future__ import annotations

import json
from typing import Any

from agent.effects import Publish
from agent.events import parse_event
from agent.readings import (
    Evicted,
    LinkDown,
    LinkQuality,
    LinkUp,
    ModelState,
    MotionBatch,
    ShadowScored,
    ShadowState,
)
from agent.supervision import FAULT_OF, TRANSITIONS, Phase, Sign
from tests.home_bench import HomeBench


class Watched(HomeBench):
    """A home that remembers what went past the outbox."""

    past: list[Publish]

    def start(self) -> None:
        self.past = []
        super().start()

    def _published(self, publish: Publish) -> None:
        if not json.loads(publish.payload).get("sequence"):
            self.past.append(publish)
        super()._published(publish)

    def live(self, seconds: float, *, motion: bool = True) -> None:
        """Let time pass with levels read and motion coming, as on a good day."""
        for _ in range(int(seconds)):
            self.advance(1.0)
            self.levels()
            if motion:
                self.step(MotionBatch("wearable", (self.clock.now().mono,), ((0.0, 0.0, 1.0),)))

    def state_event(self) -> Any:
        """Return the newest retained state."""
        return parse_event([p.payload for p in self.past if p.topic.endswith("/state")][-1]).data


def test_a_silent_wearable_is_reported_once_and_its_return_too() -> None:
    home = Watched()
    home.live(5)
    home.step(LinkDown("wearable", home.clock.now().mono, "unplugged"))
    home.live(30, motion=False)
    assert home.faults("tech.fault", "wearable") == ["sensor.silent"]
    assert "unplugged" in home.seen("tech.fault")[0]["data"]["detail"]
    home.step(LinkUp("wearable", home.clock.now().mono))
    home.live(5)
    assert home.faults("tech.restored", "wearable") == ["sensor.silent"]


def test_a_port_on_which_little_of_something_else_is_heard_is_not_called_quiet() -> None:
    home = Watched()
    home.connect()
    home.step(LinkUp("wearable", home.clock.now().mono))
    for _ in range(12):  # a modem, say: too little for `sensor.garbled`
        home.live(1, motion=False)
        home.step(LinkQuality("wearable", home.clock.now().mono, good_frames=0, garbage_bytes=30))
    (told,) = [event["data"] for event in home.seen("tech.fault") if event["data"]["sensor"] == "wearable"]
    assert told["fault"] == "sensor.silent"
    assert "which device is on the port" in told["detail"]


def test_garbage_above_the_limit_is_garbled_until_the_line_is_clean() -> None:
    home = Watched()
    home.live(5)
    for _ in range(10):
        home.live(1)
        home.step(LinkQuality("wearable", home.clock.now().mono, good_frames=100, garbage_bytes=100))
    assert home.faults("tech.fault", "wearable") == ["sensor.garbled"]
    home.live(70)
    assert home.faults("tech.restored", "wearable") == ["sensor.garbled"]
    assert len(home.seen("tech.fault")) == 1


def test_samples_that_the_kernel_lost_weigh_as_garbage() -> None:
    home = Watched()
    home.live(2)
    home.step(LinkQuality("wearable", home.clock.now().mono, good_frames=10, garbage_bytes=0, lost_samples=90))
    assert home.faults("tech.fault", "wearable") == ["sensor.garbled"]


def test_a_dead_pin_is_a_silent_sensor() -> None:
    home = Watched()
    home.live(2)
    home.step(LinkDown("bathroom-cord", home.clock.now().mono, "the pin can't be read"))
    for _ in range(15):
        home.advance(1.0)
        for name in ("bedroom-button", "reset-button"):
            home.pull(name, held_s=0.0)
    assert "sensor.silent" in home.faults("tech.fault", "bathroom-cord")


def test_every_fault_of_supervision_can_begin_and_end() -> None:
    for phase in FAULT_OF:
        assert any(target is phase for target in TRANSITIONS.values())
        assert any(origin is phase for origin, _ in TRANSITIONS)
    assert {sign for _, sign in TRANSITIONS} == set(Sign)
    assert {phase for phase, _ in TRANSITIONS} == set(Phase)


def test_a_failing_disk_keeps_no_call_from_the_centre_and_is_reported() -> None:
    home = Watched()
    home.acks = False
    home.fail_disk(full=True)
    home.pull()
    assert len(home.seen("call.raised")) == 1
    assert home.faults("tech.fault", "outbox") == ["storage.full"]
    assert not home.disk.events
    home.mend_disk()
    assert [event.is_call for event in home.disk.events.values()].count(True) == 1
    assert home.faults("tech.restored", "outbox") == ["storage.full"]


def test_an_eviction_names_the_range_that_it_left_out() -> None:
    home = Watched()
    home.live(2)
    home.step(Evicted("00000001000000000001", "00000001000000000009", 7))
    home.step(Evicted("00000001000000000010", "00000001000000000019", 10))
    home.live(65)
    (restored,) = home.seen("tech.restored")
    assert restored["data"]["evicted"] == {
        "first": "00000001000000000001",
        "last": "00000001000000000019",
        "count": 17,
    }


def test_a_lost_line_is_reported_when_it_is_back() -> None:
    home = Watched(("primary", "secondary"))
    home.live(2)
    home.cut("secondary")
    home.live(40)
    assert home.faults("tech.fault", "secondary") == ["uplink.lost"]
    home.connect("secondary")
    assert home.faults("tech.restored", "secondary") == ["uplink.lost"]


def test_the_clock_that_never_synchronises_is_a_fault() -> None:
    home = Watched()
    home.clock.set_wall(100.0, synced=False)
    home.live(601)
    assert home.faults("tech.fault", None) == ["clock.unsynced"]
    home.clock.set_wall(1_790_000_000.0, synced=True)
    home.live(2)
    assert home.faults("tech.restored", None) == ["clock.unsynced"]


def test_heartbeats_come_every_interval_and_expire_after_two() -> None:
    home = Watched()
    home.live(180)
    beats = [publish for publish in home.past if publish.topic.endswith("/heartbeat")]
    assert len(beats) == 3 + 1
    assert {publish.expiry_s for publish in beats} == {120}
    last = json.loads(beats[-1].payload)
    assert last["data"]["last_sequence"] == f"00000001{home.state.next_number - 1:012d}"


def test_birth_is_retained_on_every_connect() -> None:
    home = Watched()
    home.cut()
    home.connect()
    births = [publish for publish in home.past if publish.topic.endswith("/online/primary")]
    assert len(births) == 2
    assert all(publish.retain for publish in births)
    assert json.loads(births[-1].payload)["online"] is True


def test_the_state_is_retained_and_follows_what_changes() -> None:
    home = Watched()
    home.live(2)
    state = home.state_event()
    assert state.simulated is True
    assert state.paths["primary"].active
    assert state.sensors["wearable"].link == "alive"
    home.pull()
    home.live(2)
    assert len(home.state_event().calls) == 1
    home.live(30, motion=False)
    assert home.state_event().faults[0].fault == "sensor.silent"
    published = len(home.past)
    home.live(20, motion=False)
    assert len([p for p in home.past[published:] if p.topic.endswith("/state")]) == 0


def test_the_day_is_summed_up_once() -> None:
    home = Watched()
    home.trigger("t1", over_reference=False)
    home.assess("t1")
    home.advance(1.0)
    home.clock.advance(24 * 3600.0)
    home.advance(2.0)
    (summary,) = home.seen("audit.summary")
    assert summary["data"]["triggers"] == 1
    assert summary["data"]["confirmed"] == 1
    assert summary["data"]["scores"][9] == 1


def test_the_day_of_a_model_in_the_shadow_is_summed_up_with_it() -> None:
    home = Watched()
    home.step(ModelState("wearable", failing=False, detail="", name="fall-waist/1.0.0", sha256="ab"))
    home.step(ShadowState("fall-waist/1.1.0", "cd", failing=False, detail="on this machine"))
    for live, shadow, score in ((True, True, 0.91), (True, False, 0.2), (False, True, 1.0), (False, False, 0.04)):
        home.step(ShadowScored(live, shadow, score))
    home.step(ShadowScored(None, shadow=False, score=0.04))
    home.step(ShadowScored(None, None, None))
    home.clock.advance(24 * 3600.0)
    home.advance(2.0)
    (summary,) = home.seen("audit.summary")
    assert (summary["data"]["model"], summary["data"]["model_sha256"]) == ("fall-waist/1.0.0", "ab")
    assert summary["data"]["shadow"] == {
        "model": "fall-waist/1.1.0",
        "model_sha256": "cd",
        "failing": False,
        "both_call": 1,
        "neither_calls": 1,
        "only_live_calls": 1,
        "only_shadow_calls": 1,
        "not_compared": 2,
        "scores": [2, 0, 1, 0, 0, 0, 0, 0, 0, 2],
    }
    assert "on this machine" not in str(home.centre)
    home.clock.advance(24 * 3600.0)
    home.advance(2.0)
    assert home.seen("audit.summary")[1]["data"]["shadow"]["both_call"] == 0


def test_a_summary_from_before_there_were_shadows_is_still_one() -> None:
    home = Watched()
    home.clock.advance(24 * 3600.0)
    home.advance(2.0)
    (summary,) = home.seen("audit.summary")
    assert summary["data"]["shadow"] is None
    for new in ("shadow", "model", "model_sha256"):
        del summary["data"][new]
    assert parse_event(json.dumps(summary)).type == "dk.nodkald.audit.summary"


def test_technical_events_are_sent_again_until_the_centre_has_them() -> None:
    home = Watched()
    home.live(2)
    home.acks = False
    home.step(LinkDown("wearable", home.clock.now().mono, "unplugged"))
    home.live(120, motion=False)
    copies = [event for event in home.centre if event["type"].endswith("tech.fault")]
    assert [copy["data"]["delivery"]["attempt"] for copy in copies] == list(range(1, len(copies) + 1))
    assert len(copies) >= 2
    home.ack("received", event_ids=[event["id"] for event in copies])
    assert not home.disk.events
