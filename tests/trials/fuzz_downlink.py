"""A hundred thousand hostile messages into the core, with calls open and a real outbox; some of them through a broker.

Rules of this file: the core's part runs with a manual clock that stands still while messages come, so that whatever
changed was changed by one of them. What may change is named in `_what_matters`. The broker's part is a real unit. A
promise that is broken is a lie of the ledger, for that is what this trial counts.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import json
import time
import tracemalloc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.effects import DropNote, ForgetEvents, Light, SaveNote, StoreEvent
from agent.events import CallData, CommandName
from agent.ids import Entropy
from agent.readings import Downlink
from agent.uplink.outbox import open_outbox
from agent.uplink.topics import LEAVES_DOWN
from tests.broker.mosquitto import Mosquitto
from tests.home import ROOT, Centre, Home
from tests.home_bench import HomeBench
from tests.trials.hostile import REPEATABLE, Hostile, Ids, messages
from tests.trials.ledger import Pull, lies
from tests.trials.lights import Lights
from tests.trials.memory import resident_mb
from tests.waiting import eventually

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable
    from pathlib import Path

    from agent.core_state import CoreState
    from tests.trials.ledger import Ledger

MESSAGES = 100_000
AT_ONCE = 200
"""Messages for which the clock stands still."""
PAUSE_S = 2.0
THROUGH_A_BROKER = 2_000
FLAT_BYTES = 2_000_000
"""Pydantic keeps up to 16,384 short strings of what it parses, and fills that slowly. One thing kept of each message
would be three times as much."""
FLAT_MB = 3.0
TOLD = 20
CORD, BUTTON = "bathroom-cord", "bedroom-button"
ANOTHER = "nk/v1/aabenraa/u-other001"


def downlink(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Send `MESSAGES` to the core and `THROUGH_A_BROKER` to a real unit, `times` times over."""
    said = []
    for number in range(times):
        said.append(into_the_core(ledger, MESSAGES, rng, work / f"core-{number}"))
        print(said[-1])
        (work / f"unit-{number}").mkdir()
        said.append(through_a_broker(ledger, THROUGH_A_BROKER, rng, work / f"unit-{number}"))
        print(said[-1])
    ledger.times = times
    return "; ".join(said)


# ---------------------------------------------------------------- the core


class BenchOnDisk(HomeBench):
    """A home on the bench whose disk is doubled by a real outbox."""

    def __init__(self, directory: Path, **options: Any) -> None:
        self.outbox = open_outbox(directory / "outbox.db", 64_000_000)
        super().__init__(**options)

    def write(self) -> None:
        """Write what waits to both."""
        with self.outbox.transaction():
            for effect in self.disk.waiting:
                match effect:
                    case StoreEvent(event):
                        self.outbox.store([event])
                    case ForgetEvents(event_ids):
                        self.outbox.forget(event_ids)
                    case SaveNote(key, body):
                        self.outbox.save_note(key, body)
                    case DropNote(key):
                        self.outbox.drop_note(key)
        super().write()

    def close(self) -> None:
        """Close the real outbox."""
        self.outbox.close()

    def agrees(self) -> bool:
        """Whether the real outbox holds what the bench's disk holds."""
        kept = self.outbox.load()
        technical = self.outbox.technical_page("", 10_000).events
        return kept.notes == self.disk.notes and {e.event_id for e in (*kept.calls, *technical)} == set(
            self.disk.events
        )


def into_the_core(ledger: Ledger, count: int, rng: random.Random, work: Path) -> str:
    """Send `count` messages to a core that has calls in every phase, on two paths."""
    with contextlib.closing(BenchOnDisk(work, paths=("primary", "secondary"))) as bench:
        ids = busy(bench)
        began = time.monotonic()
        grown = _flood(ledger, bench, ids, count, rng)
        each_us = 1e6 * (time.monotonic() - began) / count
        if not bench.agrees():
            ledger.lies.append("the outbox on disk is not what the core was told")
        if grown > FLAT_BYTES:
            ledger.lies.append(f"the core's memory grew by {grown:,} bytes between the first tenth and the end")
        _still_open(ledger, bench, ids)
        return (
            f"{count:,} messages into the core ({bench.state.malformed:,} malformed, the rest void), "
            f"memory {grown:+,} bytes, {each_us:.0f} µs each while memory was traced"
        )


def _flood(ledger: Ledger, bench: HomeBench, ids: Ids, count: int, rng: random.Random) -> int:
    """Send the messages, note what they changed, and return by how many bytes memory grew after the first tenth."""
    hostile = messages(rng, ids)
    sent, broken = 0, 0
    at_first: int | None = None
    tracemalloc.start()
    try:
        while sent < count and broken < TOLD:
            for message in itertools.islice(hostile, min(AT_ONCE, count - sent)):
                sent += 1
                for promise in send_one(bench, message, rng.choice(("primary", "secondary"))):
                    broken += 1
                    ledger.lies.append(f"{promise}: {message.leaf} {message.payload[:200]!r}")
            bench.advance(PAUSE_S)
            _forget_the_record(bench)
            if at_first is None and sent >= count // 10:
                at_first = _traced()
        return _traced() - (at_first or 0)
    finally:
        tracemalloc.stop()


def busy(bench: HomeBench) -> Ids:
    """Let much be under way: calls that are closed, accepted, received, and waiting for the centre."""
    bench.connect("primary")
    bench.connect("secondary")
    bench.pull(CORD)
    bench.ack("closed", call_id=_newest(bench))
    done = _newest(bench)
    bench.pull(CORD)
    bench.ack("accepted", call_id=_newest(bench))
    accepted = _newest(bench)
    bench.trigger("fall-1")
    bench.assess("fall-1")
    bench.advance(bench.unit.pre_alarm.seconds + 1)
    received = _newest(bench)
    done_events = tuple(event["id"] for event in bench.seen())
    for command in REPEATABLE:
        bench.step(Downlink("primary", "cmd", json.dumps({"id": "again", "cmd": command}).encode()))
    bench.acks = False
    bench.pull(BUTTON)
    bench.pull(BUTTON)
    bench.step(Downlink("primary", "cmd", b'{"id":"t","cmd":"selftest"}'))
    return Ids(tuple(bench.disk.events), (received, _newest(bench)), done_events, (done,), (accepted,))


def _newest(bench: HomeBench) -> str:
    """Return the id of the call that was raised last."""
    return str(bench.seen("call.raised")[-1]["data"]["call_id"])


def send_one(bench: HomeBench, message: Hostile, path: str) -> list[str]:
    """Send one message; return the promises that were broken."""
    before = _what_matters(bench)
    try:
        bench.step(Downlink(path, message.leaf, message.payload, message.retained))
    except Exception as error:  # noqa: BLE001 - that none is raised is what is being tried
        return [f"raised {error!r}"]
    after = _what_matters(bench)
    broken = [f"changed {name}" for name, value in after.items() if value != before[name]]
    paths = bench.state.delivery.paths.values()
    if len(bench.state.commands_at) > 10 or any(len(path.in_flight) > 32 for path in paths):
        broken.append("a table of the core grew")
    return broken


def _what_matters(bench: HomeBench) -> dict[str, Any]:
    """Return all state but: the count of malformed messages and when commands came, replies on their way, the picture.

    Also the source of ids and tokens, which replies and pictures draw from.
    """
    state = bench.state
    delivery = replace(
        state.delivery,
        next_token=0,
        paths={name: replace(path, in_flight={}) for name, path in state.delivery.paths.items()},
    )
    kept: CoreState = replace(
        state, malformed=0, commands_at=(), picture="", picture_at=0.0, entropy=Entropy(b""), delivery=delivery
    )
    return {"the state": kept, "the disk": (dict(bench.disk.events), dict(bench.disk.notes)), "the light": bench.light}


def _still_open(ledger: Ledger, bench: HomeBench, ids: Ids) -> None:
    """Hold what was open against what is, and let a hand pull."""
    gone = [event_id for event_id in ids.open_events if event_id not in bench.disk.events]
    gone += [call_id for call_id in (*ids.open_calls, *ids.accepted_calls) if call_id not in bench.state.calls.by_id]
    if gone:
        ledger.lies.append(f"gone, and nobody said so: {gone}")
    bench.acks = True
    bench.pull(CORD)
    if not bench.seen("call.raised"):
        ledger.lies.append("the core does not call any more")


def _forget_the_record(bench: HomeBench) -> None:
    """Empty what the bench writes down for tests, so that only the core's own memory is measured."""
    for record in (bench.centre, bench.logs, bench.other):
        record.clear()
    del bench.lights[:-1]


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


# ---------------------------------------------------------------- a real unit


def through_a_broker(ledger: Ledger, count: int, rng: random.Random, work: Path) -> str:
    """Send `count` messages to a unit through mosquitto, a part of them while each of some calls is open."""
    broker = Mosquitto(work / "broker").start()
    try:
        with Centre(broker.port) as centre:
            _leave_retained(centre, rng)
            with Home(work, broker.port, pre_alarm_s=10) as home, Lights(work) as lights:
                assert home.process is not None
                sizes = []
                for _ in range(-(-count // AT_ONCE)):
                    _one_call(ledger, centre, home, lights, rng)
                    sizes.append(resident_mb(home.process.pid))
                    print(f"{len(sizes) * AT_ONCE} messages, {sizes[-1]:.1f} MB")
                restarts = home.logged("restarting") or len(home.logged("armed")) != 1
                malformed = len(home.logged("ack_malformed")) + len(home.logged("command_malformed"))
    finally:
        broker.kill()
    if restarts:
        ledger.lies.append("the unit restarted")
    if max(sizes) - sizes[0] > FLAT_MB:
        ledger.lies.append(f"the unit grew from {sizes[0]:.1f} to {max(sizes):.1f} MB")
    return (
        f"{len(sizes) * AT_ONCE:,} messages through mosquitto to a unit ({malformed:,} told as malformed), which held "
        f"{sizes[0]:.1f} MB after {AT_ONCE} of them and {sizes[-1]:.1f} MB at the end"
    )


def _leave_retained(centre: Centre, rng: random.Random) -> None:
    """Leave on the broker what a unit finds when it subscribes: an order and an acknowledgement of long ago."""
    order = {"id": "old", "cmd": rng.choice(list(CommandName))}
    centre.publish(f"{ROOT}/cmd", json.dumps(order).encode(), retain=True)
    centre.publish(f"{ROOT}/ack", b'{"ack":"closed","call_id":"of-long-ago"}', retain=True)


def _one_call(ledger: Ledger, centre: Centre, home: Home, lights: Lights, rng: random.Random) -> None:
    """Let a hand pull, send `AT_ONCE` messages about that, and see that the call goes its way nevertheless."""
    eventually(lambda: lights.now is Light.READY)
    centre.answers = False
    known = len(centre.of("call.raised"))
    pull = Pull(at=time.monotonic())
    ledger.pulls.append(pull)
    said: list[tuple[float, Light]] = []
    try:
        home.pull(CORD)
        raised = centre.wait("call.raised", known + 1)
        pull.arrived_at = time.monotonic()
        home.release(CORD)
        assert isinstance(raised.data, CallData)
        call_id = raised.data.call_id
        pull.promised_at = eventually(lambda: lights.first(pull.at, Light.SENDING))
        ids = Ids((raised.id,), (call_id,), ("of-long-ago",), ("of-long-ago",), ("of-long-ago",))
        _send_live(centre, itertools.islice(messages(rng, ids), AT_ONCE))
        # Behind all of them on the same line, so that what it brings about comes after whatever they did.
        centre.answers = True
        for word, light in (("received", Light.RECEIVED), ("accepted", Light.COMING), ("closed", Light.READY)):
            said.append((time.monotonic(), light))
            centre.say("ack", {"ack": word, "event_id": raised.id, "call_id": call_id})
            eventually(lambda light=light: lights.now is light)  # type: ignore[misc]  # because mypy infers no default
    except AssertionError as error:
        ledger.lies.append(f"a call among hostile messages did not go its way: {error}")
        print(home.log[-2000:])
    ledger.false_calls += len(centre.of("call.raised")) - known - (pull.arrived_at is not None)
    ledger.lies += lies(lights.since(pull.at), said, slack_s=0.05)


def _send_live(centre: Centre, hostile: Iterable[Hostile]) -> None:
    """Publish messages: what is not for `ack` or `cmd` goes to another unit's, retained ones only as they are live."""
    for message in hostile:
        topic = f"{ROOT}/{message.leaf}" if message.leaf in LEAVES_DOWN else f"{ANOTHER}/ack"
        if message.leaf != "cmd" or not message.retained:  # live, a broker says of nothing that it is retained
            centre.client.publish(topic, message.payload, qos=LEAVES_DOWN.get(message.leaf, 1))
