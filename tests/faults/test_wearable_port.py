"""The wearable's driver on a real pseudo-terminal: unplugged, silent, garbled, busy, forbidden, stopped."""

from __future__ import annotations

import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
import serial

from agent.errors import SensorError
from agent.profiles import Wt901
from agent.readings import Item, LinkDown, LinkQuality, LinkUp, MotionBatch
from agent.sensors.serial_port import SerialPort
from agent.sensors.wearable import WearableDriver
from agent.sensors.wt901 import Wt901Framer
from agent.simulator.wearable import SimulatedWearable
from agent.system_clock import SystemClock
from tests.waiting import eventually

T = TypeVar("T", bound=Item)
REPOSITORY = Path(__file__).parents[2]


class Mailbox:
    """Keeps what a driver posts, and counts the pauses that it makes between attempts to open its port."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.pauses = 0

    def shortest_pause(self) -> float:
        self.pauses += 1
        return 0.0

    def all(self, kind: type[T]) -> list[T]:
        return [item for item in list(self.items) if isinstance(item, kind)]

    def forget(self) -> None:
        self.items.clear()


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "run" / "wearable"


@pytest.fixture
def wearable(link: Path) -> Iterator[SimulatedWearable]:
    simulated = SimulatedWearable(link, 100)
    simulated.start()
    yield simulated
    simulated.stop()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def frequent_quality(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quality every 0.2 s instead of every second, where a test waits for several reports."""
    monkeypatch.setattr("agent.sensors.wearable.QUALITY_EVERY_S", 0.2)


@pytest.fixture
def driver(link: Path, mailbox: Mailbox) -> Iterator[WearableDriver]:
    """A driver that is started, and opens its port again at the shortest delay."""
    running = driver_on(link, mailbox)
    running.start()
    yield running
    running.stop()


def driver_on(link: Path, mailbox: Mailbox) -> WearableDriver:
    config = Wt901(type="wt901", port="/dev/unused", rate_hz=100, body_position="waist")
    return WearableDriver(
        "wearable", config, str(link), mailbox.items.append, SystemClock(), chance=mailbox.shortest_pause
    )


def test_samples_come_with_rising_times_at_the_sensors_rate(
    wearable: SimulatedWearable, driver: WearableDriver, mailbox: Mailbox
) -> None:
    eventually(lambda: len(mailbox.all(MotionBatch)) >= 30)
    batches = mailbox.all(MotionBatch)
    times = [time for batch in batches for time in batch.times]
    assert all(after > before for before, after in pairwise(times))
    assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(100, rel=0.1)
    for batch in batches:
        assert batch.sensor == "wearable"
        assert len(batch.times) == len(batch.xyz_g)
        assert all(abs(x) < 0.1 and abs(y) < 0.1 and 0.9 < z < 1.1 for x, y, z in batch.xyz_g)
    assert isinstance(mailbox.items[0], LinkUp)


def test_quality_comes_every_second_and_counts_all_frames(
    wearable: SimulatedWearable, driver: WearableDriver, mailbox: Mailbox
) -> None:
    eventually(lambda: len(mailbox.all(LinkQuality)) >= 2)
    first, second = mailbox.all(LinkQuality)[:2]
    assert 1.0 <= second.at - first.at < 1.5
    assert second.good_frames == pytest.approx(300, rel=0.3)
    assert second.garbage_bytes == 0


def test_unplugged_is_one_link_down_and_plugged_back_one_link_up(
    wearable: SimulatedWearable, driver: WearableDriver, mailbox: Mailbox, link: Path
) -> None:
    for _ in range(3):
        eventually(lambda: mailbox.all(MotionBatch))
        wearable.unplug()
        eventually(lambda: mailbox.all(LinkDown))
        assert not link.exists()
        mailbox.pauses = 0
        eventually(lambda: mailbox.pauses >= 3)
        assert len(mailbox.all(LinkDown)) == 1
        mailbox.forget()
        wearable.replug()
        eventually(lambda: mailbox.all(MotionBatch))
        assert len(mailbox.all(LinkUp)) == 1
        assert not mailbox.all(LinkDown)


def test_times_go_on_rising_over_an_unplug(
    frequent_quality: None, wearable: SimulatedWearable, driver: WearableDriver, mailbox: Mailbox
) -> None:
    eventually(lambda: mailbox.all(MotionBatch))
    wearable.unplug()
    eventually(lambda: mailbox.all(LinkDown))
    before = len(mailbox.all(MotionBatch))
    wearable.replug()
    eventually(lambda: len(mailbox.all(MotionBatch)) > before + 3)
    times = [time for batch in mailbox.all(MotionBatch) for time in batch.times]
    assert all(later > earlier for earlier, later in pairwise(times))
    eventually(lambda: mailbox.all(LinkQuality))
    assert mailbox.all(LinkQuality)[-1].lost_samples == 0, "an unplug is a LinkDown, not lost samples"


def test_absent_at_start_is_one_link_down_that_says_what_to_do(driver: WearableDriver, mailbox: Mailbox) -> None:
    eventually(lambda: mailbox.all(LinkDown))
    eventually(lambda: mailbox.pauses >= 4)
    assert len(mailbox.items) == 1
    (down,) = mailbox.all(LinkDown)
    assert "no such device" in down.detail
    assert "plug the receiver in" in down.detail


def test_garbage_for_a_while_is_counted_and_frames_go_on(
    frequent_quality: None, wearable: SimulatedWearable, driver: WearableDriver, mailbox: Mailbox
) -> None:
    eventually(lambda: mailbox.all(MotionBatch))
    wearable.send_garbage(5000)
    eventually(lambda: sum(quality.garbage_bytes for quality in mailbox.all(LinkQuality)) > 4500)
    mailbox.forget()
    eventually(lambda: any(quality.garbage_bytes == 0 for quality in mailbox.all(LinkQuality)))
    assert mailbox.all(MotionBatch)
    assert not mailbox.all(LinkDown)


def test_silence_is_quality_reports_of_nothing_and_the_gap_is_counted_when_it_ends(
    frequent_quality: None, wearable: SimulatedWearable, driver: WearableDriver, mailbox: Mailbox
) -> None:
    eventually(lambda: mailbox.all(MotionBatch))
    wearable.mute()
    eventually(lambda: any(quality.good_frames == 0 for quality in mailbox.all(LinkQuality)))
    mailbox.forget()
    wearable.unmute()
    eventually(lambda: any(quality.lost_samples > 10 for quality in mailbox.all(LinkQuality)))
    assert not mailbox.all(LinkDown)


def test_a_motion_that_is_played_arrives_and_its_last_posture_stays(
    wearable: SimulatedWearable, driver: WearableDriver, mailbox: Mailbox
) -> None:
    eventually(lambda: mailbox.all(MotionBatch))
    fall = [(i / 50, -min(1.0, i / 25), 0.0, max(0.0, 1 - i / 25)) for i in range(50)]
    assert wearable.play(fall, speed=2) == pytest.approx(0.49)
    eventually(lambda: not wearable.playing)
    mailbox.forget()
    batch = eventually(lambda: mailbox.all(MotionBatch)[1:])[0]
    assert all(x < -0.9 and abs(z) < 0.1 for x, _, z in batch.xyz_g)


def test_a_port_that_another_program_holds_is_down_until_it_is_free(
    wearable: SimulatedWearable, link: Path, mailbox: Mailbox
) -> None:
    other = serial.Serial(str(link), exclusive=True)  # as another program would
    driver = driver_on(link, mailbox)
    driver.start()
    try:
        down = eventually(lambda: mailbox.all(LinkDown))[0]
        assert "another program uses the port" in down.detail
        other.close()
        eventually(lambda: mailbox.all(MotionBatch))
    finally:
        other.close()
        driver.stop()


def test_a_port_without_permission_says_which_group(wearable: SimulatedWearable, link: Path) -> None:
    terminal = link.resolve()
    terminal.chmod(0)
    # Nothing is forbidden to root: there the program becomes nobody before it tries.
    program = (
        "import os\nfrom agent.sensors.serial_port import SerialPort\n"
        "if os.geteuid() == 0: os.setgroups([]), os.setgid(65534), os.setuid(65534)\n"
        f"SerialPort({str(terminal)!r}, 115200)"
    )
    tried = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert "SensorError" in tried.stderr
    assert "permission denied" in tried.stderr
    assert "dialout" in tried.stderr


def test_a_file_that_is_no_serial_port_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file", tmp_path):
        with pytest.raises(SensorError, match="no serial port"):
            SerialPort(str(path), 115200)


@pytest.mark.parametrize(
    "failure",
    [
        OSError(5, "Input/output error"),
        serial.SerialException("read failed"),
        termios.error(5, "Input/output error"),
        TypeError("argument must be an int, or have a fileno() method"),
        ValueError("filedescriptor out of range in select()"),
        MemoryError("not a failure of the port at all"),
    ],
)
@pytest.mark.parametrize("method", ["read", "open"])
def test_whatever_the_library_raises_is_a_link_down_and_a_new_attempt(
    failure: Exception,
    method: str,
    wearable: SimulatedWearable,
    link: Path,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: object) -> None:
        raise failure

    monkeypatch.setattr(serial.Serial, method, fail)
    driver = driver_on(link, mailbox)
    driver.start()
    try:
        down = eventually(lambda: mailbox.all(LinkDown))[0]
        assert str(link) in down.detail
        monkeypatch.undo()
        eventually(lambda: mailbox.all(MotionBatch))
    finally:
        driver.stop()


def test_stop_returns_within_a_second_while_reading_and_while_waiting_to_open(
    wearable: SimulatedWearable, link: Path
) -> None:
    clock = SystemClock()
    for plugged in (True, False):
        mailbox = Mailbox()
        config = Wt901(type="wt901", port="/dev/unused", rate_hz=100, body_position="waist")
        driver = WearableDriver("wearable", config, str(link), mailbox.items.append, clock, chance=lambda: 1.0)
        if not plugged:
            wearable.unplug()
        driver.start()
        eventually(mailbox.items.copy)
        began = clock.now().mono
        driver.stop()
        driver.stop()
        assert clock.now().mono - began < 1
        assert "wearable-wearable" not in {thread.name for thread in threading.enumerate()}


def test_stop_without_start_does_nothing(link: Path, mailbox: Mailbox) -> None:
    driver_on(link, mailbox).stop()
    assert mailbox.items == []


def test_a_reader_that_slept_finds_the_oldest_frames_and_whole_ones_again_after_them(link: Path) -> None:
    wearable = SimulatedWearable(link, 2000)  # 66 kB a second, several times what a kernel keeps for a terminal
    wearable.start()
    try:
        port = SerialPort(str(link), 115200)
        framer = Wt901Framer()
        eventually(lambda: framer.feed(port.read_available()))
        threading.Event().wait(0.6)  # the reader sleeps
        kept = len(framer.feed(port.read_available()))
        assert 100 < kept < 0.6 * 6000 * 0.9
        after = framer.good_frames
        eventually(lambda: framer.feed(port.read_available()) and framer.good_frames > after + 500)
        assert framer.garbage_bytes < 100
        port.close()
    finally:
        wearable.stop()
