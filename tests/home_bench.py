"""A home on the bench: the real core with a manual clock, and a disk, brokers and a centre that do as they are told.

Rules of this file: no thread, no time of its own, no I/O. The disk and the brokers answer only when the test says so,
and `crash()` keeps exactly what the disk had. It is the core's whole world, for unit tests and Hypothesis machines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agent import core
from agent.assessment import IMPACT, Assessed, Assessment, FallDetection, Signal, TriggerSeen, Verdict
from agent.clock import ManualClock, Now
from agent.config import UnitFile
from agent.config_files import load_profile
from agent.core_state import CoreState, Setup
from agent.effects import (
    Abandon,
    Connect,
    DropNote,
    Effect,
    FetchTechnical,
    ForgetEvents,
    Light,
    Log,
    Publish,
    SaveNote,
    Show,
    StoreEvent,
)
from agent.profiles import Profile
from agent.readings import (
    Downlink,
    Edge,
    Item,
    Level,
    MotionBatch,
    OutboxEvent,
    PathDown,
    PathUp,
    PubAck,
    Restored,
    StorageTrouble,
    StorageWell,
    Stored,
    TechnicalPage,
    Tick,
)
from agent.texts import measured

SETTLED_S = 0.051
"""A little more than the debounce of the profile: 50 ms."""


def unit_file(paths: Iterable[str] = ("primary",), *, pre_alarm_s: float = 10.0) -> UnitFile:
    """Return a unit file for tests, strict as from disk."""
    return UnitFile.model_validate(
        {
            "schema": 1,
            "tenant": "aabenraa",
            "unit_id": "u-test0001",
            "profile": "simulated-home",
            "state_dir": Path("/nowhere/state"),
            "runtime_dir": Path("/nowhere/run"),
            "pre_alarm": {"seconds": pre_alarm_s},
            "uplink": {"paths": tuple({"name": n, "host": "127.0.0.1", "port": 1883 + i} for i, n in enumerate(paths))},
            "sensors": {"bathroom-cord": {"room": "bathroom"}},
        }
    )


@dataclass(frozen=True)
class ScriptedFalls:
    """Fall detection that says what the test put into it; breaks when told to."""

    said: tuple[Signal, ...] = ()
    broken: bool = False

    def step(self, item: Item, now: Now) -> tuple[FallDetection, tuple[Signal, ...]]:
        del item, now
        if self.broken:
            raise RuntimeError("the detector broke")
        return replace(self, said=()), self.said

    def next_deadline(self) -> float | None:
        return None


@dataclass
class Disk:
    """What is on disk, and whether it works; `waiting` is what was submitted and not yet written."""

    events: dict[str, OutboxEvent] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    boots: int = 0
    works: bool = True
    waiting: list[Effect] = field(default_factory=list)


class HomeBench:
    """The core and its world. `auto` lets disk and broker answer at once, as on a good day."""

    def __init__(
        self,
        paths: Iterable[str] = ("primary",),
        *,
        pre_alarm_s: float = 10.0,
        auto: bool = True,
        settled: bool = True,
    ) -> None:
        self.clock = ManualClock()
        self.profile: Profile = load_profile("simulated-home")
        self.unit = unit_file(paths, pre_alarm_s=pre_alarm_s)
        self.auto = auto
        self.disk = Disk()
        self.centre: list[dict[str, Any]] = []  # every copy of an event that reached the centre, in order
        self.lights: list[Show] = []
        self.logs: list[Log] = []
        self.other: list[Effect] = []
        self.broker_up: dict[str, bool] = dict.fromkeys(paths, True)  # whether it accepts a new connection
        self.linked: set[str] = set()  # paths that have a connection
        self.attempted: set[str] = set()  # paths on which an attempt is under way that nobody has answered
        self.requested: set[str] = set()  # those whose broker knows of the attempt: it can't be taken back
        self.puback_code: int | None = 0  # None: the broker never answers
        self.acks = True  # the centre answers `received` to every copy
        self.deaf: set[str] = set()  # paths behind whose broker there is no centre at present
        self.unanswered: list[Publish] = []
        self.published = 0
        self.state: CoreState
        self._boot_number = 0
        self.machine_boot = "machine-boot-1"
        self._waiting: list[Item] = []
        self._stepping = False
        self.start()
        if settled:
            self.levels()
            self.advance(2 * SETTLED_S)

    # ------------------------------------------------------------ the process

    def start(self) -> None:
        """Start the agent with what the disk has."""
        self._boot_number += 1
        self.disk.boots += 1
        self.disk.waiting.clear()
        self.unanswered.clear()
        self.linked.clear()
        self.attempted.clear()
        self.requested.clear()
        boot_id = f"boot-{self._boot_number}"
        setup = Setup(self.unit, self.profile, boot_id, self.machine_boot, bytes([self._boot_number]) * 32, "0.0.0")
        events = sorted(self.disk.events.values(), key=lambda e: e.sequence)
        restored = Restored(
            self.disk.boots,
            tuple(event for event in events if event.is_call),
            technical_waiting=any(not event.is_call for event in events),
            notes=dict(self.disk.notes),
        )
        self.state, effects = core.start(setup, restored, self.clock.now())
        self.state = core.with_falls(self.state, ScriptedFalls())
        self._stepping = True
        self._carry_out(effects)
        self._stepping = False
        self._work_off()

    def crash(self) -> None:
        """Kill -9 and start again: what was not written is gone."""
        self.start()

    def step(self, item: Item) -> None:
        """Hand the core one item at the present moment."""
        self._waiting.append(item)
        if not self._stepping:  # else it answers what is being carried out: one thing at a time, as the mailbox has it
            self._work_off()

    def _work_off(self) -> None:
        self._stepping = True
        while self._waiting:
            self.state, effects = core.step(self.state, self._waiting.pop(0), self.clock.now())
            self._carry_out(effects)
        self._stepping = False

    def advance(self, seconds: float) -> None:
        """Let time pass, with a tick whenever one is due."""
        end = self.clock.now().mono + seconds
        while (now := self.clock.now().mono) < end:
            due = core.next_deadline(self.state, self.clock.now())
            self.clock.advance(min(max(due - now, 0.001), end - now))
            self.step(Tick())

    # ------------------------------------------------------------ hands

    def switch(self, sensor: str, *, pulled: bool) -> None:
        """Pull or release, without letting time pass."""
        contact = self.profile.contacts[sensor]
        closed = pulled != (contact.contact == "normally_closed")
        self.step(Edge(sensor, closed, self.clock.now().mono))

    def levels(self, **pulled: bool) -> None:
        """Read every contact's level, as the pins' watch does; sensor names with underscores."""
        for name, contact in self.profile.contacts.items():
            is_pulled = pulled.get(name.replace("-", "_"), False)
            closed = is_pulled != (contact.contact == "normally_closed")
            self.step(Level(name, closed, self.clock.now().mono))

    def pull(self, sensor: str = "bathroom-cord", *, held_s: float = 0.5) -> None:
        """Pull and let go, with the debounce of both."""
        self.switch(sensor, pulled=True)
        self.advance(held_s)
        self.switch(sensor, pulled=False)
        self.advance(2 * SETTLED_S)

    def say(self, *signals: Signal) -> None:
        """Let fall detection say this on its next motion."""
        self.state = core.with_falls(self.state, ScriptedFalls(said=signals))
        at = self.clock.now().mono
        self.step(MotionBatch("wearable", (at,), ((0.0, 0.0, 1.0),)))

    def trigger(self, trigger_id: str, *, over_reference: bool = True, peak_g: float = 4.0) -> None:
        """Let a trigger be seen now, to be answered within six seconds."""
        at = self.clock.now().mono
        self.say(TriggerSeen(trigger_id, "wearable", at, peak_g, over_reference, answer_by=at + 6.0))

    def assess(self, trigger_id: str, verdict: Verdict = Verdict.CONFIRMED, *, audited: bool = True) -> None:
        """Let a trigger be assessed now."""
        score = None if verdict is Verdict.UNVERIFIED else 0.9
        answer = Assessment(verdict, (measured(IMPACT, 4.0),), score, 0.6, "fall-waist/1.0.0", "00" * 32)
        at = self.clock.now().mono
        told = Assessed(
            trigger_id, "wearable", at, 4.0, over_reference=True, assessment=answer, budget_left=5, audited=audited
        )
        self.say(told)

    # ------------------------------------------------------------ the world's answers

    def connect(self, path: str = "primary") -> None:
        """Let the broker of `path` accept us: at once if an attempt is under way, else at the next one."""
        self.broker_up[path] = True
        if path in self.attempted:
            self._accept(path)
        elif self.auto and path not in self.linked:
            self.advance(max(0.0, self.state.delivery.paths[path].due_at - self.clock.now().mono) + 0.01)

    def cut(self, path: str = "primary") -> None:
        """Cut the line of `path` until `connect`: the connection ends, and the attempt that may be beside it."""
        self.broker_up[path] = False
        self.lose(path)
        self.fail(path)

    def lose(self, path: str = "primary") -> None:
        """End the connection of `path`, and leave the attempt that may be beside it."""
        if path in self.linked:
            self.linked.discard(path)
            self.unanswered = [publish for publish in self.unanswered if publish.path != path]
            self.step(PathDown(path, "the line is cut"))

    def fail(self, path: str = "primary") -> None:
        """End the attempt that may be under way on `path`, and leave the connection that it may have."""
        if path in self.attempted:
            self.attempted.discard(path)
            self.requested.discard(path)
            self.step(PathDown(path, "no answer", beside=path in self.linked))

    def request(self, path: str = "primary") -> None:
        """Let the broker get to know of the attempt on `path`, without an answer yet."""
        self.requested |= {path} & self.attempted

    def _accept(self, path: str) -> None:
        """Make the attempt the connection: what the broker has not answered on the one before, it never will."""
        self.attempted.discard(path)
        self.requested.discard(path)
        self.linked.add(path)
        self.unanswered = [publish for publish in self.unanswered if publish.path != path]
        self.step(PathUp(path))

    def write(self) -> None:
        """Let the disk do what waits, in one transaction."""
        waiting, self.disk.waiting = self.disk.waiting, []
        if not self.disk.works:
            self.disk.waiting = waiting
            return
        stored = [self._write(effect) for effect in waiting]
        ids = tuple(event_id for event_id in stored if event_id)
        if ids:
            self.step(Stored(ids))

    def fail_disk(self, *, full: bool = False) -> None:
        """Let the disk fail from here on."""
        self.disk.works = False
        self.step(StorageTrouble("the disk is full" if full else "input/output error", full))

    def mend_disk(self) -> None:
        """Let the disk work again."""
        self.disk.works = True
        self.step(StorageWell())
        self.write()

    def answer_broker(self) -> None:
        """Let the brokers answer everything that they have."""
        waiting, self.unanswered = self.unanswered, []
        for publish in waiting:
            if self.puback_code is not None and publish.token:
                self.step(PubAck(publish.path, publish.token, self.puback_code))

    def ack(
        self, kind: str, *, event_ids: Iterable[str] = (), call_id: str | None = None, path: str = "primary"
    ) -> None:
        """Let the centre acknowledge."""
        body: dict[str, Any] = {"ack": kind}
        if call_id is None:
            body["event_ids"] = list(event_ids)
        else:
            body["call_id"] = call_id
        self.step(Downlink(path, "ack", json.dumps(body).encode()))

    # ------------------------------------------------------------ what was seen

    @property
    def light(self) -> Light:
        """What the light shows."""
        return self.lights[-1].light

    def seen(self, *kinds: str) -> list[dict[str, Any]]:
        """Return the events that reached the centre, once each, by the end of their type; all without `kinds`."""
        once = {event["id"]: event for event in reversed(self.centre)}
        found = sorted(once.values(), key=lambda event: str(event["sequence"]))
        return [event for event in found if not kinds or any(event["type"].endswith(kind) for kind in kinds)]

    def faults(self, kind: str, subject: str | None) -> list[str]:
        """Return the fault codes about a subject that the centre was told (`kind`: tech.fault or tech.restored)."""
        return [event["data"]["fault"] for event in self.seen(kind) if event["data"]["sensor"] == subject]

    def _carry_out(self, effects: Iterable[Effect]) -> None:  # noqa: C901, PLR0912 - one branch for each effect
        for effect in effects:
            match effect:
                case Show():
                    self.lights.append(effect)
                case Log():
                    self.logs.append(effect)
                case StoreEvent() | ForgetEvents() | SaveNote() | DropNote():
                    self.disk.waiting.append(effect)
                case FetchTechnical(after, limit):
                    self._fetch(after, limit)
                case Connect(path):
                    self.attempted.add(path)
                    if not self.broker_up[path]:
                        self.fail(path)
                    elif self.auto:
                        self._accept(path)
                case Abandon(path):
                    self.attempted -= {path} - self.requested
                case Publish():
                    self._published(effect)
                case _:
                    self.other.append(effect)
        if self.auto and self.disk.waiting and self.disk.works:
            self.write()
        if self.auto and self.unanswered and self.puback_code is not None:
            self.answer_broker()

    def _published(self, publish: Publish) -> None:
        if publish.path not in self.linked:
            return
        self.unanswered.append(publish)
        self.published += 1
        if self.puback_code not in (0, None):
            return
        event = json.loads(publish.payload)
        if not event.get("sequence"):
            return  # heartbeat, state, birth: they go past the outbox
        self.centre.append(event)
        if self.acks and self.auto and publish.path not in self.deaf:
            self.ack("received", event_ids=[event["id"]], path=publish.path)

    def _fetch(self, after: str, limit: int) -> None:
        if not self.disk.works:
            return
        technical = sorted((e for e in self.disk.events.values() if not e.is_call), key=lambda e: e.sequence)
        found = [event for event in technical if event.sequence > after]
        self.step(TechnicalPage(tuple(found[:limit]), more=len(found) > limit))

    def _write(self, effect: Effect) -> str | None:
        match effect:
            case StoreEvent(event):
                self.disk.events[event.event_id] = event
                return event.event_id
            case ForgetEvents(event_ids):
                for event_id in event_ids:
                    self.disk.events.pop(event_id, None)
            case SaveNote(key, body):
                self.disk.notes[key] = body
            case DropNote(key):
                self.disk.notes.pop(key, None)
        return None
