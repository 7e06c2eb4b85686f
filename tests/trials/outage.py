"""Trial: a day without a line, with 500 pulls and 100,000 technical events behind an outbox of 20 MB.

Rules of this file: a real unit process with its real SQLite outbox, real mosquitto, a real centre. What is not real is
the day: `outage_world` makes the events as fast as the unit takes them, and moves the unit's clock on by an hour 24
times. Numbers decide at the end: in the unit's `sequence` there may be no hole but what the unit itself has announced
as evicted.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.effects import Light
from agent.events import EventType, EvictedRange, FaultData
from agent.housekeeping import EVICTION_OVER_AFTER_S
from tests.broker.mosquitto import Mosquitto
from tests.home import HAND_S, Home
from tests.trials.heard import Heard, TrialCentre
from tests.trials.ledger import Pull, lies
from tests.trials.lights import Lights
from tests.trials.memory import resident_mb
from tests.trials.outage_world import tell
from tests.waiting import eventually

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from tests.trials.heard import Arrival
    from tests.trials.ledger import Ledger

SENSORS = ("bathroom-cord", "bedroom-button")
HOUR_S = 3600
SLACK_S = 0.25
FLAT_MB = 20.0
"""Half of it is the calls: the unit keeps each in memory until the centre has it."""
FILE_SHARE, WAL_MB = 1.25, 5.0
"""The limit counts what events hold. The file has part-filled pages besides, and a WAL that is cut back to 4 MB."""
TECHNICAL_BEFORE_CALLS = 16
"""As many technical events as a window holds may overtake a call, not one more."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much happens in the day."""

    pulls: int = 500
    technical: int = 100_000
    limit_mb: int = 20
    hours: int = 24


@dataclass(slots=True)
class Day:
    """What was measured."""

    before_mb: float = 0.0
    resident_mb: list[float] = field(default_factory=list)
    after_mb: float = 0.0
    file_mb: float = 0.0
    """The largest that the outbox was on disk, with its WAL."""
    stored: int = 0
    made_s: float = 0.0
    calls_s: float = 0.0
    all_s: float = 0.0
    overtaking: int = 0
    evicted: EvictedRange | None = None
    technical: int = 0


def run(ledger: Ledger, times: int, rng: random.Random, work: Path, size: Size | None = None) -> str:
    """Let `times` days without a line pass."""
    notes = []
    for number in range(times):
        place = work / f"day-{number}"
        place.mkdir()
        notes.append(_day(ledger, rng, place, size or Size()))
        ledger.times += 1
    return "; ".join(notes)


def _day(ledger: Ledger, rng: random.Random, work: Path, size: Size) -> str:
    broker = Mosquitto(work / "broker", "persistence true", f"persistence_location {work / 'broker'}/").start()
    heard, day, world = Heard(), Day(), work / "world"
    home = Home(work, broker.port, outbox_limit_mb=size.limit_mb)
    home.prelude = f"from pathlib import Path; from tests.trials.outage_world import begin; begin(Path({str(world)!r}))"
    try:
        with TrialCentre(broker.port, heard, rng, 0, "centre") as centre, Lights(work) as lights, home:
            assert home.process is not None
            eventually(lambda: home.logged("model_ready"), within=30)
            eventually(lambda: lights.now is Light.READY and not home.stored())
            day.before_mb = resident_mb(home.process.pid)
            broker.stop()
            eventually(lambda: lights.now is Light.LINE_DOWN)
            dark_at = time.monotonic()
            pulls = _hours_without_a_line(day, home, world, rng, size)
            path_at = _line_back(broker, centre)
            _delivered(day, home, heard, size, path_at)
            # What was evicted is announced when no more has been for a while: the clock is moved on by that.
            tell(world, f"leap {EVICTION_OVER_AFTER_S + 1:.0f}")
            _announced(day, heard)
            day.after_mb = resident_mb(home.process.pid)
            _judge(ledger, day, heard, pulls, path_at, size)
            _judge_light(ledger, lights, heard, dark_at, path_at)
    finally:
        broker.kill()
    return _note(day, size)


def _hours_without_a_line(day: Day, home: Home, world: Path, rng: random.Random, size: Size) -> dict[str, list[Pull]]:
    """Let events come and hands pull at the same time, hour after hour."""
    began = time.monotonic()
    pulls: dict[str, list[Pull]] = {sensor: [] for sensor in SENSORS}
    for hour in range(size.hours):
        share = size.technical * (hour + 1) // size.hours - size.technical * hour // size.hours
        events = threading.Thread(target=tell, args=(world, f"events {share}"), name="world-events")
        events.start()
        for number in range(size.pulls * hour // size.hours, size.pulls * (hour + 1) // size.hours):
            pulls[SENSORS[number % 2]].append(_pull(home, SENSORS[number % 2], rng))
        events.join()
        made = (hour + 1) * size.pulls // size.hours
        eventually(lambda made=made: len(home.stored("call.raised")) == made, within=60)  # type: ignore[misc]  # because mypy infers no default
        _measure(day, home)
        tell(world, f"leap {HOUR_S}")
        _measure(day, home)
        print(f"hour {hour + 1}: {made} pulls, {day.resident_mb[-1]:.1f} MB, file {day.file_mb:.1f} MB", flush=True)
    day.stored = len(home.stored())
    day.made_s = time.monotonic() - began
    return pulls


def _pull(home: Home, sensor: str, rng: random.Random) -> Pull:
    pull = Pull(at=time.monotonic())
    home.ask(do="pull", sensor=sensor)
    threading.Event().wait(HAND_S + rng.uniform(0, 0.05))
    home.ask(do="release", sensor=sensor)
    threading.Event().wait(HAND_S)
    return pull


def _measure(day: Day, home: Home) -> None:
    assert home.process is not None
    day.resident_mb.append(resident_mb(home.process.pid))
    files = (home.outbox, home.outbox.with_name(f"{home.outbox.name}-wal"))
    day.file_mb = max(day.file_mb, sum(file.stat().st_size for file in files) / 1e6)


def _line_back(broker: Mosquitto, centre: TrialCentre) -> float:
    """Bring broker and centre back; return the moment from which the whole way was there."""
    broker.start()
    eventually(centre.client.is_connected, within=30, every=0.002)
    return time.monotonic()


def _delivered(day: Day, home: Home, heard: Heard, size: Size, path_at: float) -> None:
    """Wait until everything that was stored is at the centre."""
    with contextlib.suppress(AssertionError):
        eventually(lambda: len(_raised(heard)) >= size.pulls, within=120)
    day.calls_s = max((arrival.at for arrival in _raised(heard)), default=path_at) - path_at
    with contextlib.suppress(AssertionError):
        eventually(lambda: not home.stored(), within=900, every=0.1)
        day.all_s = time.monotonic() - path_at
    last = max((arrival.at for arrival in _raised(heard)), default=path_at)
    late = [arrival for arrival in list(heard.order) if arrival.at > path_at]
    day.technical = sum(arrival.event.type is not EventType.CALL_RAISED for arrival in late)
    day.overtaking = sum(arrival.at < last and arrival.event.type is not EventType.CALL_RAISED for arrival in late)


def _announced(day: Day, heard: Heard) -> None:
    """Wait until the centre was told of everything that was evicted since the start."""

    def told() -> bool:
        found = [a.event.data for a in list(heard.order) if isinstance(a.event.data, FaultData)]
        ranges = [data.evicted for data in found if data.evicted is not None]
        day.evicted = max(ranges, key=lambda announced: announced.count, default=None)
        return day.evicted is not None and day.evicted.count >= len(_holes(heard.numbers()))

    with contextlib.suppress(AssertionError):
        eventually(told, within=30, every=0.1)


def _judge(ledger: Ledger, day: Day, heard: Heard, pulls: dict[str, list[Pull]], path_at: float, size: Size) -> None:
    """Write what became of it into the ledger."""
    raised = _raised(heard)
    for sensor, made in pulls.items():
        came = sorted((a for a in raised if a.event.subject == sensor), key=lambda a: a.event.sequence or "")
        ledger.false_calls += max(0, len(came) - len(made))
        for number, pull in enumerate(made):
            pull.path_at = path_at
            pull.arrived_at = came[number].at if number < len(came) else None
        ledger.pulls += made
    numbers = [arrival.event.sequence or "" for arrival in raised]
    holes = _holes(heard.numbers())
    known = day.evicted
    unknown = [number for number in holes if known is None or not known.first <= number <= known.last]
    ledger.lost_events += len(unknown)
    count = known.count if known is not None else 0
    broken = {
        "calls came in another order than they were made": numbers != sorted(numbers),
        f"{count} events were announced as evicted, and {len(holes)} are missing": count != len(holes),
        "nothing was evicted, so the limit was not tried": known is None,
        f"{day.overtaking} technical events came before the last call": day.overtaking > TECHNICAL_BEFORE_CALLS,
        f"memory rose from {day.before_mb:.1f} to {max(day.resident_mb):.1f} MB": (
            max(day.resident_mb) - day.before_mb > FLAT_MB
        ),
        f"the outbox had {day.file_mb:.1f} MB on disk": day.file_mb > size.limit_mb * FILE_SHARE + WAL_MB,
        "not everything was delivered": not day.all_s,
    }
    ledger.lies += [promise for promise, is_broken in broken.items() if is_broken] + heard.oddities


def _judge_light(ledger: Ledger, lights: Lights, heard: Heard, dark_at: float, path_at: float) -> None:
    shown = lights.since(dark_at)
    ledger.lies += [
        f"{light.value} without a line"
        for at, light in shown
        if at < path_at - SLACK_S and light is not Light.LINE_DOWN
    ]
    ledger.lies += lies(shown, [(at, word) for at, word in heard.said if at > dark_at], SLACK_S)


def _raised(heard: Heard) -> list[Arrival]:
    return [arrival for arrival in list(heard.order) if arrival.event.type is EventType.CALL_RAISED]


def _holes(numbers: list[str]) -> list[str]:
    """Return the numbers that are missing between the first and the last of a boot."""
    there = set(numbers)
    boot = numbers[0][:8]
    every = (f"{boot}{number:012d}" for number in range(1, int(numbers[-1][8:]) + 1))
    return [number for number in every if number not in there]


def _note(day: Day, size: Size) -> str:
    evicted = day.evicted.count if day.evicted is not None else 0
    return (
        f"real: unit, SQLite, mosquitto, centre, {size.pulls} pulls; made faster: {size.technical:,} technical events "
        f"(a model that fails and recovers) in {day.made_s:.0f} s, and a clock moved on {size.hours} times by an hour. "
        f"{evicted:,} were evicted, and announced as such; the calls were at the centre {day.calls_s:.1f} s after the "
        f"path was back, the {day.technical:,} other events after {day.all_s:.0f} s, {day.overtaking} of them before "
        f"the last call; resident memory {day.before_mb:.1f} MB before, {max(day.resident_mb):.1f} MB at most, "
        f"{day.after_mb:.1f} MB after; the outbox had {day.file_mb:.1f} MB on disk at most"
    )
