"""Whatever order things fail in: no call is lost, none is doubled, and a manual one is never delayed.

A Hypothesis machine over the real core (tests/home_bench.py). The citizen pulls, the disk stalls, fails and comes back,
lines are cut, brokers stop answering, the process is killed. The model of the truth is every event that was made; at
the end the world is mended, and the centre must have each one that was not in the very memory that a kill took away.
"""

from __future__ import annotations

import json

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.assessment import Verdict
from agent.call_table import OPEN
from agent.effects import Light
from agent.readings import Downlink
from tests.home_bench import SETTLED_S, HomeBench

PATHS = ("primary", "secondary")
CORDS = ("bathroom-cord", "bedroom-button")


class World(RuleBasedStateMachine):
    """The home, and what must come true."""

    @initialize()
    def move_in(self) -> None:
        self.home = HomeBench(PATHS, pre_alarm_s=5.0)
        self.home.auto = False
        self.home.acks = False
        self.promised: set[str] = set()  # ids of call events that no crash may lose
        self.made: dict[str, str] = {}  # every call event ever made: id -> body
        self.pulls = 0
        self.triggers = 0

    # ------------------------------------------------------------ the citizen

    @rule(sensor=st.sampled_from(CORDS))
    def pull(self, sensor: str) -> None:
        before = self._raised()
        published = self.home.published
        carried = self.home.state.delivery.active is not None  # a silent connection is one to publish on
        self.home.switch(sensor, pulled=True)
        self.home.advance(SETTLED_S)
        self.pulls += 1
        self._note_events()
        assert self._raised() >= before + 1, "a pull that settled is a call.raised, in the same step"
        if carried and self._window_is_free():
            assert self.home.published > published, "and it is on the wire in that step"
        self.home.switch(sensor, pulled=False)
        self.home.advance(SETTLED_S)

    @rule()
    def press_reset(self) -> None:
        self.home.pull("reset-button", held_s=0.1)

    @rule(verdict=st.sampled_from(list(Verdict)))
    def fall(self, verdict: Verdict) -> None:
        self.triggers += 1
        self.home.trigger(f"t{self.triggers}")
        self.home.assess(f"t{self.triggers}", verdict)

    @rule()
    def fall_unanswered(self) -> None:
        self.triggers += 1
        self.home.trigger(f"t{self.triggers}")

    # ------------------------------------------------------------ what fails, and what works again

    @rule(path=st.sampled_from(PATHS))
    def cut(self, path: str) -> None:
        self.home.cut(path)

    @rule(path=st.sampled_from(PATHS))
    def connect(self, path: str) -> None:
        self.home.connect(path)

    @rule(path=st.sampled_from(PATHS))
    def connection_ends(self, path: str) -> None:
        self.home.lose(path)

    @rule(path=st.sampled_from(PATHS))
    def attempt_fails(self, path: str) -> None:
        self.home.fail(path)

    @rule(path=st.sampled_from(PATHS))
    def broker_knows_of_the_attempt(self, path: str) -> None:
        self.home.request(path)

    @rule(code=st.sampled_from([0, 0, 0, 0x10, 0x87, None]))
    def broker_mood(self, code: int | None) -> None:
        self.home.puback_code = code

    @rule()
    def broker_answers(self) -> None:
        self.home.answer_broker()

    @rule()
    def disk_writes(self) -> None:
        self.home.write()
        self._all_waiting_is_stored()

    @rule(full=st.booleans())
    def disk_fails(self, full: bool) -> None:  # noqa: FBT001 - Hypothesis calls it by name
        self.home.fail_disk(full=full)

    @rule()
    def disk_mended(self) -> None:
        self.home.mend_disk()
        self._all_waiting_is_stored()

    @rule(share=st.floats(0, 1))
    def centre_acknowledges(self, share: float) -> None:
        ids = [event["id"] for event in self.home.centre]
        self.home.ack("received", event_ids=ids[: int(len(ids) * share)])

    @precondition(lambda self: any(call.phase in OPEN for call in self.home.state.calls.under_way()))
    @rule(data=st.data(), kind=st.sampled_from(["accepted", "closed"]))
    def centre_moves_a_call(self, data: st.DataObject, kind: str) -> None:
        ids = [call.call_id for call in self.home.state.calls.under_way() if call.phase in OPEN]
        self.home.ack(kind, call_id=data.draw(st.sampled_from(ids)))

    @rule(payload=st.binary(max_size=40))
    def centre_talks_nonsense(self, payload: bytes) -> None:
        self.home.step(Downlink("primary", "ack", payload))
        self.home.step(Downlink("primary", "cmd", payload))

    @rule(seconds=st.sampled_from([0.5, 4.0, 16.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        self.home.advance(seconds)

    @rule()
    def kill(self) -> None:
        on_disk = set(self.home.disk.events)
        delivered = {event["id"] for event in self.home.centre}
        self.promised &= on_disk | delivered
        self.home.crash()
        self.home.levels()
        self.home.advance(2 * SETTLED_S)
        self._note_events()

    # ------------------------------------------------------------ what must hold

    @invariant()
    def bodies_never_change(self) -> None:
        if not hasattr(self, "home"):
            return
        self._note_events()
        for event in self.home.centre:
            bare = {**event, "data": {**event["data"], "delivery": None}}
            if event["id"] in self.made:
                assert bare == json.loads(self.made[event["id"]])

    @invariant()
    def the_light_tells_the_truth(self) -> None:
        if not hasattr(self, "home") or not self.home.lights:
            return
        light = self.home.light
        calls = [call for call in self.home.state.calls.under_way() if call.phase in OPEN]
        if light is Light.SENDING:
            assert any(call.safe for call in calls)
            assert self.home.state.delivery.connected
        if light in (Light.RECEIVED, Light.COMING):
            assert calls
            assert self.home.state.delivery.connected

    @invariant()
    def the_core_knows_which_connections_there_are(self) -> None:
        if not hasattr(self, "home"):
            return
        for name, path in self.home.state.delivery.paths.items():
            assert path.carries == (name in self.home.linked)
            assert not path.is_attempted or name in self.home.attempted, "else it would wait for ever"
            assert path.carries or not path.in_flight
            assert not (self.home.state.delivery.active == name and not path.carries)

    def teardown(self) -> None:
        if not hasattr(self, "home"):
            return
        home = self.home
        home.auto = home.acks = home.disk.works = True
        home.puback_code = 0
        home.mend_disk()
        for path in PATHS:
            home.cut(path)
            home.broker_up[path] = True
        home.advance(700.0)  # the longest step of any timetable
        delivered = {event["id"] for event in home.seen()}
        assert self.promised <= delivered, "lost"
        assert not len(home.state.delivery.calls), "everything is acknowledged"
        assert not [event for event in home.disk.events.values() if event.is_call], "and gone from the disk"
        for boot, numbers in self._numbers_by_boot().items():
            assert numbers == sorted(set(numbers)), f"numbers of boot {boot} are unique"

    # ------------------------------------------------------------ helpers

    def _note_events(self) -> None:
        for entry in self.home.state.delivery.calls.entries.values():
            self.made[entry.event.event_id] = entry.event.body
            self.promised.add(entry.event.event_id)

    def _all_waiting_is_stored(self) -> None:
        if self.home.disk.works:
            assert set(self.home.state.delivery.calls.entries) <= set(self.home.disk.events)

    def _raised(self) -> int:
        self._note_events()
        return sum('"type":"dk.nodkald.call.raised"' in body for body in self.made.values())

    def _window_is_free(self) -> bool:
        active = self.home.state.delivery.active
        return active is not None and len(self.home.state.delivery.paths[active].in_flight) < 12

    def _numbers_by_boot(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for event in self.home.seen():
            found.setdefault(event["sequence"][:8], []).append(event["sequence"][8:])
        return found


World.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestNothingIsLost = World.TestCase
