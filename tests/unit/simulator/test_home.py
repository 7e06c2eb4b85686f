"""The simulated home: switches that win over the pull, a wearable behind its port, and a socket for its owner only."""

from __future__ import annotations

import argparse
import json
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.clock import ManualClock
from agent.config_files import load_profile
from agent.effects import Light, Show, Sounder
from agent.errors import RecordingError, SimulatorError
from agent.local_socket import address
from agent.readings import Edge, Item, Level
from agent.recordings import write_recording
from agent.sensors.gpio import ContactDriver
from agent.sensors.pins import Pins
from agent.sensors.wt901 import Acceleration, Wt901Framer
from agent.simulator import command
from agent.simulator import home as home_module
from agent.simulator.home import WATCH_BACKLOG, SimulatedHome
from agent.simulator.socket import SOCKET_NAME, HomeSocket
from tests.unit.config.test_config_files import UNIT
from tests.waiting import eventually

PROFILE = load_profile("simulated-home")
READY = Show(Light.READY, Sounder.SILENT)
SENDING = Show(Light.SENDING, Sounder.SENDING)


class Training:
    """A simulated home with its drivers and its socket, and the unit file that `nodkald sim` is given."""

    def __init__(self, directory: Path) -> None:
        self.run_dir = directory / "run"
        self.unit_file = directory / "unit.toml"
        self.unit_file.write_text(UNIT.replace("/some/dir/run", str(self.run_dir)), encoding="utf-8")
        self.posted: list[Item] = []
        pins = Pins("mock", self.run_dir)
        self.home = SimulatedHome(PROFILE, self.run_dir, pins)
        self.door = HomeSocket(self.home, self.run_dir / SOCKET_NAME)
        clock = ManualClock(mono=1e9)
        self.drivers = [ContactDriver(n, c, pins, self.posted.append, clock) for n, c in PROFILE.contacts.items()]

    def start(self) -> None:
        self.door.start()
        self.home.start()
        for driver in self.drivers:
            driver.start()

    def stop(self) -> None:
        self.door.stop()
        self.home.stop()

    def sim(self, *arguments: str) -> int:
        parser = argparse.ArgumentParser()
        command.configure(parser)
        return command.run(parser.parse_args(["--unit-file", str(self.unit_file), *arguments]))

    def ask(self, line: bytes, answers: int = 1) -> list[Any]:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5)
            with address(self.run_dir / SOCKET_NAME) as name:
                client.connect(name)
            client.sendall(line + b"\n")
            lines = client.makefile("rb")
            return [json.loads(next(lines)) for _ in range(answers)]


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Training]:
    monkeypatch.setattr(home_module, "PRESS_S", 0.01)
    training = Training(tmp_path)
    training.start()
    yield training
    training.stop()


@pytest.fixture
def motion(tmp_path: Path) -> Path:
    path = tmp_path / "motion.csv"
    write_recording(path, [(i / 50, 0.0, 0.0, 1.0) for i in range(51)])
    return path


def test_nothing_is_pulled_when_the_home_begins(training: Training) -> None:
    assert training.posted == [
        Level("bathroom-cord", closed=True, at=1e9),
        Level("bedroom-button", closed=False, at=1e9),
        Level("reset-button", closed=False, at=1e9),
    ]


def test_a_cord_that_is_pulled_before_the_unit_starts_is_pulled_at_start(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.home.pull("bathroom-cord")
    for driver in training.drivers:
        driver.start()
    assert training.posted[0] == Level("bathroom-cord", closed=False, at=1e9)


def test_pull_release_and_press_are_edges(training: Training) -> None:
    training.posted.clear()
    assert training.sim("pull", "bathroom-cord") == 0
    assert training.sim("pull", "bathroom-cord") == 0
    assert training.sim("release", "bathroom-cord") == 0
    assert training.sim("press", "bedroom-button") == 0
    assert training.posted == [
        Edge("bathroom-cord", closed=False, at=1e9),
        Edge("bathroom-cord", closed=True, at=1e9),
        Edge("bedroom-button", closed=True, at=1e9),
        Edge("bedroom-button", closed=False, at=1e9),
    ]


def test_the_wearable_is_played_unplugged_and_replugged(
    training: Training, motion: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port = training.run_dir / "wearable"
    assert port.is_symlink()
    assert training.sim("play", "wearable", str(motion), "--speed", "50") == 0
    assert "wearable moves for 0.0 s" in capsys.readouterr().out
    assert training.sim("unplug", "wearable") == 0
    assert not port.is_symlink()
    assert training.sim("play", "wearable", str(motion)) == 1
    assert "unplugged" in capsys.readouterr().err
    assert training.sim("replug", "wearable") == 0
    assert port.is_symlink()


def test_a_wearable_taken_off_or_dropped_lies_without_a_breath_until_it_is_put_on(training: Training) -> None:
    wearable = training.home._wearables["wearable"]
    worn = list(wearable._still)
    for order, breathes in (("take-off", False), ("put-on", True), ("drop", False)):
        assert training.sim(order, "wearable") == 0
        assert wearable.playing
        assert _spread(wearable._still) < _spread(worn) / 2 or breathes
        assert _spread(wearable._still) > _spread(worn) / 2 or not breathes
    training.sim("unplug", "wearable")
    assert training.sim("drop", "wearable") == 1


def _spread(frames: list[bytes]) -> float:
    """How far a breath's halves lie apart, in g, over all axes."""
    framer = Wt901Framer()
    found = np.array([(f.x, f.y, f.z) for one in frames for f in framer.feed(one) if isinstance(f, Acceleration)])
    quarter = len(found) // 4
    apart = found[: 2 * quarter].mean(axis=0) - found[2 * quarter :].mean(axis=0)
    return float(np.linalg.norm(apart))


def test_play_returns_at_once_if_asked_to(training: Training, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    write_recording(path, [(float(i) / 20, 0.0, 0.0, 1.0) for i in range(2000)])
    assert training.sim("play", "wearable", str(path), "--no-wait") == 0


def test_play_ends_with_the_home(training: Training, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    write_recording(path, [(float(i) / 20, 0.0, 0.0, 1.0) for i in range(2000)])
    codes: list[int] = []
    player = threading.Thread(target=lambda: codes.append(training.sim("play", "wearable", str(path))), daemon=True)
    player.start()
    eventually(lambda: training.home._wearables["wearable"].playing)
    training.stop()
    player.join(5)
    assert codes == [1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["pull", "kitchen-cord"], "no cord or button of this home; there are: bathroom-cord, bedroom-button"),
        (["pull", "wearable"], "no cord or button"),
        (["unplug", "bathroom-cord"], "no wearable of this home; there are: wearable"),
        (["play", "bathroom-cord", "x.csv"], "no wearable of this home"),
        (["play", "wearable", "nowhere.csv"], "nowhere.csv: can't be read"),
    ],
)
def test_what_can_not_be_done_is_a_sentence_and_exit_1(
    training: Training, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert training.sim(*arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("nodkald sim: ")
    assert words in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "no line of JSON"),
        (b"[]", "no JSON object"),
        (b"\xff", "no line of JSON"),
        (b"{}", "None can't be done"),
        (b'{"do": "explode"}', "'explode' can't be done"),
        (b'{"do": "__init__", "sensor": "x"}', "can't be done"),
        (b'{"do": "pull"}', "sensor is None"),
        (b'{"do": "play", "sensor": "wearable", "file": "x", "speed": "fast"}', "speed is 'fast'"),
        (b'{"do": "play", "sensor": "wearable", "file": "x", "speed": NaN}', "speed is nan"),
    ],
)
def test_a_bad_request_is_answered_and_the_socket_goes_on(training: Training, line: bytes, words: str) -> None:
    [answer] = training.ask(line)
    assert answer["ok"] is False
    assert words in answer["error"]
    assert training.ask(b'{"do": "release", "sensor": "bathroom-cord"}') == [{"ok": True}]


def test_a_speed_must_be_above_0(training: Training, motion: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for speed in ("0", "-1", "nan", "fast"):
        with pytest.raises(SystemExit) as ended:
            training.sim("play", "wearable", str(motion), f"--speed={speed}")
        assert ended.value.code == 2
        assert "is not a number above 0" in capsys.readouterr().err
    with pytest.raises(SimulatorError):
        training.home.play("wearable", motion, 0)


def test_a_wrong_recording_is_refused(training: Training, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("time,x\n1,2\n")
    with pytest.raises(RecordingError):
        training.home.play("wearable", tmp_path / "bad.csv")


def test_without_a_running_unit_there_is_a_sentence_and_exit_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = Training(tmp_path)
    assert training.sim("pull", "bathroom-cord") == 1
    error = capsys.readouterr().err
    assert "no simulated home is running" in error
    assert f"nodkald run --unit-file {training.unit_file}" in error


def test_real_hardware_can_not_be_worked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = Training(tmp_path)
    training.unit_file.write_text(UNIT.replace("simulated-home", "pi4-cords"))
    assert training.sim("pull", "bathroom-cord") == 1
    assert "real hardware" in capsys.readouterr().err


def test_a_wrong_unit_file_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    training = Training(tmp_path)
    training.unit_file.write_text("schema = 9")
    assert training.sim("watch") == 2
    assert "schema: is 9" in capsys.readouterr().err


def test_watch_begins_with_the_present_state_and_streams_changes(training: Training) -> None:
    training.home.shown(READY)
    changes = training.home.watch()
    training.home.shown(SENDING)
    assert [changes.get_nowait(), changes.get_nowait()] == [READY, SENDING]
    for _ in range(2 * WATCH_BACKLOG):
        training.home.shown(READY)  # a watcher that sleeps delays nobody
    training.home.unwatch(changes)
    assert training.ask(b'{"do": "watch"}') == [{"light": "ready", "sounder": "silent"}]


def test_watch_is_readable_and_ends_with_the_unit(training: Training, capsys: pytest.CaptureFixture[str]) -> None:
    training.home.shown(SENDING)
    codes: list[int] = []
    watcher = threading.Thread(target=lambda: codes.append(training.sim("watch")), daemon=True)
    watcher.start()
    eventually(lambda: training.home._watchers)
    training.stop()
    watcher.join(5)
    assert codes == [1]
    out, err = capsys.readouterr()
    assert "light sending" in out
    assert "Kaldet sendes" in out
    assert "the simulated home stopped" in err


def test_only_the_owner_may_use_the_socket_and_it_is_gone_after_stop(training: Training) -> None:
    path = training.run_dir / SOCKET_NAME
    mode = path.stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    training.stop()
    training.stop()
    assert not path.exists()
    assert not (training.run_dir / "wearable").is_symlink()


def test_a_second_unit_in_the_same_directory_is_refused_and_harms_nothing(training: Training, tmp_path: Path) -> None:
    second = Training(tmp_path)
    with pytest.raises(SimulatorError, match="another simulated home is running"):
        second.start()
    second.stop()
    assert training.ask(b'{"do": "pull", "sensor": "bathroom-cord"}') == [{"ok": True}]
    assert (training.run_dir / "wearable").is_symlink()


def test_a_socket_that_a_killed_unit_left_is_replaced_but_no_other_file(tmp_path: Path) -> None:
    training = Training(tmp_path)
    training.run_dir.mkdir(parents=True, exist_ok=True)
    path = training.run_dir / SOCKET_NAME
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    training.door.start()
    training.door.stop()
    path.write_text("somebody's file")
    with pytest.raises(SimulatorError, match="is no socket"):
        training.door.start()
    assert path.read_text() == "somebody's file"


def test_a_runtime_dir_longer_than_a_sockets_name_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    training = Training(deep)
    training.start()
    try:
        assert training.sim("pull", "bathroom-cord") == 0
    finally:
        training.stop()


def test_pins_that_were_claimed_first_are_noticed(tmp_path: Path) -> None:
    pins = Pins("mock", tmp_path)
    pins.factory().pin(17)
    with pytest.raises(SimulatorError, match="make it first"):
        SimulatedHome(PROFILE, tmp_path, pins)
