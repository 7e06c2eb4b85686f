"""The demo's real processes: broker, unit, centre and the hands; whatever happens, all of them end.

Rules of this file: shells only. Output is read by threads that do nothing but hand on lines. Each process has a session
of its own, so that Ctrl-C reaches the demo alone, which then ends them in order.
"""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from agent.errors import SimulatorError
from agent.local_socket import address
from agent.recordings import read_recording, write_recording
from agent.simulator import motions
from agent.simulator.broker import HOST, EmbeddedBroker
from agent.simulator.socket import SOCKET_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.recordings import Sample

Json = dict[str, Any]

BEFORE_IMPACT_S = 1.8
"""What is played before the impact: more than the model's window looks back."""

AFTER_IMPACT_S = 12.0

_UNIT_FILE = """\
schema = 1
tenant = "aabenraa"
unit_id = "u-demo0001"
profile = "simulated-home"
state_dir = "{directory}/state"
runtime_dir = "{directory}/run"
language = "{language}"

[pre_alarm]
seconds = 3

[[uplink.paths]]
name = "primary"
host = "{host}"
port = {port}
protocol = "mqtt5"

[sensors.bathroom-cord]
room = "bathroom"

[sensors.bedroom-button]
room = "bedroom"
"""


class Stage:
    """Everything that runs in the demo, in `directory`. Use it as a context: its end ends every process."""

    def __init__(self, directory: Path, language: str) -> None:
        self._directory = directory
        self.broker = EmbeddedBroker()
        self.unit_file = directory / "unit.toml"
        self.unit_file.write_text(
            _UNIT_FILE.format(directory=directory, language=language, host=HOST, port=self.broker.port)
        )
        self._processes: list[subprocess.Popen[str]] = []
        self._watch: socket.socket | None = None

    def __enter__(self) -> Self:
        """Return the stage; nothing runs yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End everything: politely, and after 5 s in earnest. A second Ctrl-C must not leave anything behind."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self._watch is not None:
            self._watch.close()
        for process in reversed(self._processes):
            process.terminate()
        for process in reversed(self._processes):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.broker.kill()

    def start_centre(self, heard: Callable[[Json], None], accept_after_s: float, close_after_s: float) -> None:
        """Start `nodkald centre`; `heard` gets each of its JSON lines, on a thread."""
        timers = ["--accept-after", str(accept_after_s), "--close-after", str(close_after_s)]
        process = self._start("centre", *timers, "--jsonl", stdout=subprocess.PIPE)

        def read() -> None:
            for line in process.stdout or ():
                heard(json.loads(line))

        threading.Thread(target=read, name="centre", daemon=True).start()

    def start_unit(self) -> None:
        """Start `nodkald run`."""
        self._start("run", stdout=subprocess.DEVNULL)

    def watch(self, seen: Callable[[Json], None]) -> bool:
        """Hear of light and sounder on a thread; False while the home's socket is not there yet."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            with address(self._directory / "run" / SOCKET_NAME) as name:
                connection.connect(name)
            connection.sendall(b'{"do": "watch"}\n')
        except OSError:
            connection.close()
            return False
        self._watch = connection

        def read() -> None:
            with contextlib.suppress(OSError, ValueError):  # the home, or our end of it, was closed
                for line in connection.makefile("r", encoding="utf-8"):
                    if line.strip():
                        seen(json.loads(line))

        threading.Thread(target=read, name="watch", daemon=True).start()
        return True

    def hand(self, *words: str) -> None:
        """Run `nodkald sim` with `words`; SimulatorError if it fails."""
        done = subprocess.run(  # noqa: S603 - our own interpreter and command
            [sys.executable, "-m", "agent.cli", "sim", "--unit-file", str(self.unit_file), *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
            start_new_session=True,
        )
        if done.returncode != 0:
            raise SimulatorError(f"nodkald sim {' '.join(words)}: {done.stderr.strip()}")

    def check_alive(self) -> None:
        """Raise SimulatorError if unit or centre have ended, with what they said last."""
        for process in self._processes:
            if process.poll() is not None:
                name = str(process.args[3])  # type: ignore[index]  # because we made the list
                words = (self._directory / f"{name}.log").read_text(errors="replace").strip().splitlines()
                raise SimulatorError(f"nodkald {name} ended by itself: {words[-1] if words else 'it said nothing'}")

    def _start(self, command: str, *options: str, stdout: int) -> subprocess.Popen[str]:
        with (self._directory / f"{command}.log").open("w") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and command
                [sys.executable, "-m", "agent.cli", command, "--unit-file", str(self.unit_file), *options],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        self._processes.append(process)
        return process


def write_motions(directory: Path, recordings: Path | None) -> dict[str, Path]:
    """Write the motions of the script, cut around their impact, and return their files by name.

    `recordings` is a folder with at least one `sit*.csv` and one `fall*.csv` (the first of each by name is taken);
    without it they are made by `agent/simulator/motions.py`. Raises SimulatorError or RecordingError.
    """
    written: dict[str, Path] = {}
    made = {"sit": motions.sitting_down_hard, "fall": motions.fall_forward}
    for name, motion in made.items():
        samples = motion(100.0, 1) if recordings is None else read_recording(_first(recordings, name))
        written[name] = directory / f"{name}.csv"
        write_recording(written[name], around_impact(samples))
    return written


def around_impact(samples: list[Sample]) -> list[Sample]:
    """Return the samples from `BEFORE_IMPACT_S` before the largest acceleration to `AFTER_IMPACT_S` after, from 0 s."""
    impact = max(samples, key=lambda sample: sum(axis * axis for axis in sample[1:]))[0]
    kept = [sample for sample in samples if -BEFORE_IMPACT_S <= sample[0] - impact <= AFTER_IMPACT_S]
    return [(t - kept[0][0], x, y, z) for t, x, y, z in kept]


def _first(recordings: Path, name: str) -> Path:
    found = sorted(recordings.glob(f"{name}*.csv"))
    if not found:
        raise SimulatorError(f"{recordings} has no {name}*.csv; it needs one sit*.csv and one fall*.csv")
    return found[0]
