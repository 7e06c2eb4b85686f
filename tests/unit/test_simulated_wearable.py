"""The simulated wearable: a real terminal behind a stable path, which it makes, replaces and removes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import SimulatorError
from agent.sensors.serial_port import SerialPort
from agent.sensors.wt901 import Acceleration, FrameId, OtherFrame, Wt901Frame, Wt901Framer
from agent.simulator.wearable import SimulatedWearable
from tests.waiting import eventually


@pytest.fixture
def wearable(tmp_path: Path) -> Iterator[SimulatedWearable]:
    simulated = SimulatedWearable(tmp_path / "deep" / "in" / "wearable", 200)
    simulated.start()
    yield simulated
    simulated.stop()


@pytest.fixture
def port(wearable: SimulatedWearable, tmp_path: Path) -> Iterator[SerialPort]:
    opened = SerialPort(str(tmp_path / "deep" / "in" / "wearable"), 115200)
    yield opened
    opened.close()


def frames_from(port: SerialPort, count: int) -> list[Wt901Frame]:
    framer = Wt901Framer()
    frames: list[Wt901Frame] = []

    def enough() -> bool:
        frames.extend(framer.feed(port.read_available()))
        return len(frames) >= count

    eventually(enough)
    assert framer.garbage_bytes == 0
    return frames


def test_it_speaks_as_the_device_does(port: SerialPort) -> None:
    frames = frames_from(port, 60)
    kinds = [frame.frame_id if isinstance(frame, OtherFrame) else FrameId.ACCELERATION for frame in frames]
    begin = kinds.index(FrameId.ACCELERATION)
    assert kinds[begin : begin + 6] == [FrameId.ACCELERATION, FrameId.ANGULAR_RATE, FrameId.ANGLE] * 2
    heights = [frame.z for frame in frames if isinstance(frame, Acceleration)]
    assert len(set(heights)) > 5, "there is noise"
    assert all(0.95 < z < 1.05 for z in heights)


def test_what_was_sent_while_nobody_listened_is_not_kept(wearable: SimulatedWearable, tmp_path: Path) -> None:
    link = str(tmp_path / "deep" / "in" / "wearable")
    first = SerialPort(link, 115200)
    frames_from(first, 3)
    first.close()
    # What is written as the port opens is from the last half second at most (`CATCH_UP_S`): by then it stands again.
    wearable.play([(0.0, 9.0, 0.0, 0.0), (0.3, 9.0, 0.0, 0.0), (0.31, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0, 1.0)])
    eventually(lambda: not wearable.playing)
    second = SerialPort(link, 115200)
    assert [f for f in frames_from(second, 60) if isinstance(f, Acceleration) and f.x > 1] == []
    second.close()


def test_a_motion_is_played_between_its_samples(wearable: SimulatedWearable, port: SerialPort) -> None:
    frames_from(port, 3)
    wearable.play([(100.0, 2.0, 0.0, 0.0), (100.5, 4.0, 0.0, 0.0)])  # times may begin anywhere
    moving = [f.x for f in frames_from(port, 400) if isinstance(f, Acceleration) and f.x > 1.5]
    assert len(moving) > 60
    assert moving == sorted(moving)
    assert moving[0] < 2.3
    assert moving[-1] > 3.7


def test_unplug_removes_the_path_and_replug_makes_another_terminal(wearable: SimulatedWearable, tmp_path: Path) -> None:
    link = tmp_path / "deep" / "in" / "wearable"
    assert link.is_symlink()
    wearable.unplug()
    wearable.unplug()
    assert not link.is_symlink()
    wearable.replug()
    wearable.replug()
    assert link.resolve().is_char_device()
    wearable.stop()
    wearable.stop()
    assert not link.is_symlink()


def test_a_link_that_an_earlier_run_left_behind_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "wearable").symlink_to("/dev/pts/gone")
    wearable = SimulatedWearable(tmp_path / "wearable", 50)
    wearable.start()
    try:
        assert (tmp_path / "wearable").resolve().is_char_device()
    finally:
        wearable.stop()


def test_orders_that_can_not_be_carried_out_are_refused(wearable: SimulatedWearable, tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="nothing to play"):
        wearable.play([])
    with pytest.raises(SimulatorError, match="speed above 0"):
        wearable.play([(0.0, 0.0, 0.0, 1.0)], speed=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(SimulatorError, match="can't simulate a wearable there"):
        SimulatedWearable(tmp_path / "file" / "wearable", 100).start()
