"""The thread that keeps windows: only while the consent stands, and never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from agent.clock import ManualClock
from agent.config import BrokerPath, Consent, UnitFile, Uplink
from agent.consent import Standing, ends_at, standing
from agent.effects import KeepWindow, WindowTrigger
from agent.errors import OpensslError
from agent.readings import MotionBatch
from agent.windows import record, store, worker
from agent.windows.record import HeaderTrigger
from agent.windows.sealer import Sealer
from agent.windows.store import WindowStore
from agent.windows.worker import WAITING, WindowsWorker
from tests.waiting import eventually

UNTIL = date(2027, 6, 30)
THAT_DAY = datetime(2027, 6, 30, 12, tzinfo=UTC).timestamp()
MOTION = MotionBatch("wearable", (999.5, 1000.0), ((0.0, 0.0, 1.0),) * 2)
WINDOW = KeepWindow("wearable", 995.0, 1020.0, (MOTION,), (WindowTrigger(1000.0, 2.0, over_reference=False),))


def agreed(**changes: Any) -> Consent:
    keys = {"motion_windows": True, "reference": "c-4f7k2q", "until": UNTIL, "certificate": Path("/nowhere.pem")}
    return Consent(**{**keys, **changes})


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    with capture_logs() as lines:
        monkeypatch.setattr(worker, "_LOG", structlog.get_logger())
        yield lines


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1030.0, THAT_DAY)


@pytest.fixture
def begin(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., WindowsWorker]]:
    """Start workers with an encryption that leaves everything as it is; they end with the test."""
    begun: list[WindowsWorker] = []
    monkeypatch.setattr(Sealer, "encrypt", lambda _, content: content)
    monkeypatch.setattr(Sealer, "start", lambda _: None)
    monkeypatch.setattr(worker, "LOOK_EVERY_S", 0.02)

    def start(consent: Consent) -> WindowsWorker:
        paths = (BrokerPath(name="primary", host="127.0.0.1", port=1),)
        unit_file = UnitFile(
            schema=1, tenant="aabenraa", unit_id="u-test0001", profile="p", uplink=Uplink(paths=paths),
            state_dir=tmp_path, consent=consent,
        )  # fmt: skip
        begun.append(WindowsWorker(unit_file, clock))
        begun[-1].start()
        return begun[-1]

    yield start
    for one in begun:
        one.stop()


def count(directory: Path) -> int:
    return len(WindowStore(directory).windows())


def events(logs: list[Any], event: str) -> list[Any]:
    return [line for line in logs if line["event"] == event]


@pytest.mark.parametrize(
    ("consent", "wall", "synced", "expected"),
    [
        (Consent(), THAT_DAY, True, Standing.NONE),
        (agreed(motion_windows=False), THAT_DAY, True, Standing.NONE),
        (agreed(), THAT_DAY, True, Standing.ACTIVE),
        (agreed(), ends_at(UNTIL) - 1, True, Standing.ACTIVE),
        (agreed(), ends_at(UNTIL), True, Standing.EXPIRED),
        (agreed(), THAT_DAY, False, Standing.UNKNOWN),
        (agreed(), ends_at(UNTIL) + 1e9, False, Standing.UNKNOWN),
    ],
)
def test_a_consent_stands_until_the_end_of_its_last_day(
    consent: Consent, wall: float, *, synced: bool, expected: Standing
) -> None:
    clock = ManualClock()
    assert standing(consent, clock.set_wall(wall, synced=synced)) is expected
    assert datetime.fromtimestamp(ends_at(UNTIL), UTC).isoformat() == "2027-06-30T22:00:00+00:00"


def test_a_window_is_kept_with_what_belongs_to_it(
    tmp_path: Path, begin: Callable[..., WindowsWorker], logs: list[Any]
) -> None:
    begin(agreed()).submit(WINDOW)
    eventually(lambda: count(tmp_path) == 1)
    (kept,) = WindowStore(tmp_path).windows()
    opened = record.decode(kept.path.read_bytes())
    assert opened.samples == ((999.5, 0.0, 0.0, 1.0), (1000.0, 0.0, 0.0, 1.0))
    assert (kept.reference, opened.header.consent) == ("c-4f7k2q", "c-4f7k2q")
    assert opened.header.at == "2027-06-30T11:59:30Z"  # 30 s before now: then was the impact
    assert opened.header.triggers == (HeaderTrigger(impact_at=1000.0, peak_g=2.0, over_reference=False),)
    eventually(lambda: events(logs, "window_kept"))


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what waits until the worker has looked three times more, from now on."""
    count = [0]
    prune = WindowStore.prune

    def counted(store: WindowStore, wall: float | None) -> int:
        count[0] += 1
        return prune(store, wall)

    def three_more() -> None:
        until = count[0] + 3
        eventually(lambda: count[0] >= until)

    monkeypatch.setattr(WindowStore, "prune", counted)
    return three_more


def test_a_window_is_kept_once_and_one_without_motion_not_at_all(
    tmp_path: Path, begin: Callable[..., WindowsWorker], looks: Callable[[], None]
) -> None:
    running = begin(agreed())
    running.submit(replace(WINDOW, batches=()))
    running.submit(WINDOW)
    eventually(lambda: count(tmp_path) == 1)
    looks()
    assert count(tmp_path) == 1


@pytest.mark.parametrize("synced", [False, True])
def test_size_and_age_are_looked_at_while_nothing_comes(
    tmp_path: Path, clock: ManualClock, begin: Callable[..., WindowsWorker], looks: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch, *, synced: bool,
) -> None:  # fmt: skip
    for days in (0, 1, 200):
        WindowStore(tmp_path).keep("c-4f7k2q", b"x" * 100, THAT_DAY - days * 86_400)
    clock.set_wall(THAT_DAY, synced=synced)
    begin(agreed())
    looks()
    assert count(tmp_path) == (2 if synced else 3), "where nobody knows the day, nothing is too old"
    monkeypatch.setattr(store, "MOST_BYTES", 100)
    eventually(lambda: count(tmp_path) == 1)


def test_a_disk_that_is_too_short_keeps_none_and_says_so(
    tmp_path: Path, begin: Callable[..., WindowsWorker], logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "RESERVE_BYTES", 10**18)
    begin(agreed()).submit(WINDOW)
    eventually(lambda: events(logs, "window_not_kept"))
    assert count(tmp_path) == 0
    assert not events(logs, "window_kept")


@pytest.mark.parametrize(("consent", "synced", "started"), [
    (agreed(), True, True), (agreed(), False, True), (agreed(until=date(2020, 1, 1)), True, False),
])  # fmt: skip
def test_what_encrypts_is_started_with_the_unit_while_a_consent_may_stand(
    clock: ManualClock, begin: Callable[..., WindowsWorker], logs: list[Any], monkeypatch: pytest.MonkeyPatch,
    *, consent: Consent, synced: bool, started: bool,
) -> None:  # fmt: skip
    begun = threading.Event()
    monkeypatch.setattr(Sealer, "start", lambda _: begun.set())
    clock.set_wall(THAT_DAY, synced=synced)
    running = begin(consent)
    eventually(lambda: events(logs, "consent_to_windows") and running.busy_since() is None)
    assert begun.is_set() == started


@pytest.mark.parametrize("synced", [False, True])
def test_nothing_is_kept_once_the_day_is_over_or_nobody_knows_it(
    tmp_path: Path, clock: ManualClock, begin: Callable[..., WindowsWorker], logs: list[Any], *, synced: bool
) -> None:
    running = begin(agreed())
    running.submit(WINDOW)
    eventually(lambda: count(tmp_path) == 1)
    clock.set_wall(ends_at(UNTIL), synced=synced)
    running.submit(WINDOW)
    expected = Standing.EXPIRED if synced else Standing.UNKNOWN
    eventually(lambda: any(line["standing"] == expected.value for line in events(logs, "consent_to_windows")))
    eventually(lambda: count(tmp_path) == (0 if synced else 1))
    running.stop()
    assert count(tmp_path) == (0 if synced else 1)
    assert len(events(logs, "window_kept")) == 1


@pytest.mark.parametrize("consent", [Consent(), agreed(motion_windows=False), agreed(reference="c-1b2c3d")])
def test_a_withdrawn_or_another_consent_deletes_at_the_next_start_and_says_how_many(
    tmp_path: Path, begin: Callable[..., WindowsWorker], logs: list[Any], consent: Consent
) -> None:
    for _ in range(3):
        WindowStore(tmp_path).keep("c-4f7k2q", b"sealed", THAT_DAY)
    begin(consent)
    eventually(lambda: events(logs, "windows_deleted"))
    assert count(tmp_path) == 0
    (said,) = events(logs, "windows_deleted")
    assert said["count"] == 3
    assert "c-4f7k2q" not in str(logs)


def test_without_consent_the_thread_ends(tmp_path: Path, begin: Callable[..., WindowsWorker]) -> None:
    before = set(threading.enumerate())
    running = begin(Consent())
    assert not running.wanted
    eventually(lambda: not [one for one in set(threading.enumerate()) - before if one.name == "windows"])
    assert not (tmp_path / "windows").exists()


def test_a_failure_is_told_once_and_the_next_window_is_kept(
    tmp_path: Path, begin: Callable[..., WindowsWorker], logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_sealer: Sealer, _content: bytes) -> bytes:
        raise OpensslError("no such certificate")

    monkeypatch.setattr(Sealer, "encrypt", refuse)
    running = begin(agreed())
    running.submit(WINDOW)
    eventually(lambda: events(logs, "windows_failing"))
    monkeypatch.setattr(Sealer, "encrypt", lambda _, content: content)
    running.submit(WINDOW)
    eventually(lambda: count(tmp_path) == 1)
    assert len(events(logs, "windows_failing")) == 1


def test_a_trouble_that_goes_on_is_told_once(
    begin: Callable[..., WindowsWorker], logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[None] = []

    def refuse(_: Sealer) -> None:
        tried.append(None)
        raise OSError("no room for a process")

    monkeypatch.setattr(Sealer, "start", refuse)
    begin(agreed())
    eventually(lambda: len(tried) >= 4)
    assert len(events(logs, "windows_failing")) == 1


def test_a_worker_that_hangs_blocks_nobody_and_counts_what_it_drops(
    tmp_path: Path, begin: Callable[..., WindowsWorker], logs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, free = threading.Event(), threading.Event()

    def hang(_sealer: Sealer, content: bytes) -> bytes:
        at_work.set()
        free.wait(10)
        return content

    monkeypatch.setattr(Sealer, "encrypt", hang)
    running = begin(agreed())
    running.submit(WINDOW)
    assert at_work.wait(10)
    assert running.busy_since() is not None
    for _ in range(WAITING + 3):
        running.submit(WINDOW)
    free.set()
    eventually(lambda: count(tmp_path) == WAITING + 1)
    eventually(lambda: sum(line["count"] for line in events(logs, "windows_dropped")) == 3)
