"""`python -m agent.simulator.demo`: an evening in a simulated home, with real processes, in about 40 seconds.

    --recordings DIR   play real recordings: the first `sit*.csv` and the first `fall*.csv` (t_s,ax_g,ay_g,az_g) of DIR
    --stay             keep everything running afterwards, to play with `nodkald sim`
    --lang da|en       the language of the screen

The script is `demo_script.py`, the judgement `demo_check.py`. The last line is `demo: OK` (exit code 0) or
`demo: FAILED` (1) after what was wrong; after Ctrl-C it is 130 if the script was not through.

Rules of this file: the shell that plays the script. The main thread acts and waits; other threads only add to the tape.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from agent.effects import Light, Sounder
from agent.errors import NodkaldError, SimulatorError
from agent.simulator import demo_screen
from agent.simulator.demo_check import Tape, judge, matches
from agent.simulator.demo_processes import Stage, write_motions
from agent.simulator.demo_script import (
    SCENES,
    WEARABLE,
    Act,
    Arrive,
    Broker,
    Glow,
    Hand,
    Move,
    Pause,
    expectations,
    pre_alarms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.texts import Language

Json = dict[str, Any]

ACCEPT_AFTER_S = 2.0
CLOSE_AFTER_S = 1.0
PATIENCE_S = 30.0
"""How long one expectation may take: longer than the 15 s after which a call that found nobody goes out again."""
SETTLE_S = 1.0
"""Waited at the end, so that what comes too often still comes."""


class Demo:
    """Plays the script and keeps the tape."""

    def __init__(self, stage: Stage, motions: dict[str, Path], screen: demo_screen.DemoScreen) -> None:
        self._stage = stage
        self._motions = motions
        self._screen = screen
        self.tape = Tape()
        self._news = threading.Condition()
        self._light_from = 0
        self._taken: set[str] = set()

    def start(self) -> None:
        """Start everything, and return when the unit can be heard and its light says so."""
        self._stage.broker.start()
        self._stage.start_centre(self._heard, ACCEPT_AFTER_S, CLOSE_AFTER_S)
        self._stage.start_unit()
        self._until("the simulated home to open", lambda: self._stage.watch(self._saw))
        self._await(Glow(Light.READY))
        self._until("the wearable to be heard", self._wearable_is_well)

    def play(self) -> None:
        """Play every scene; SimulatorError at the first expectation that is not met in time."""
        for number, scene in enumerate(SCENES, 1):
            self._screen.scene(number, scene.title)
            for act in scene.acts:
                self._do(act)
        threading.Event().wait(SETTLE_S)

    def _do(self, act: Act) -> None:
        match act:
            case Hand():
                self._screen.hand(act.order, act.sensor)
                self._stage.hand(act.order, act.sensor)
            case Move():
                self._screen.move(act.motion)
                self._stage.hand("play", WEARABLE, str(self._motions[act.motion]), "--no-wait")
            case Broker():
                self._screen.broker(alive=act.alive)
                (self._stage.broker.start if act.alive else self._stage.broker.kill)()
            case Pause():
                threading.Event().wait(act.seconds)
            case Glow() | Arrive():
                self._await(act)

    def _await(self, act: Glow | Arrive) -> None:
        if isinstance(act, Glow):
            self._until(f"the light to show {act.light.value}", lambda: self._has_shown(act.light))
        else:
            self._until(str(act), lambda: self._has_come(act))

    def _until(self, what: str, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        with self._news:
            while not true():
                self._stage.check_alive()
                if time.monotonic() > deadline:
                    raise SimulatorError(f"missing: {what}, within {PATIENCE_S:.0f} s")
                self._news.wait(0.1)

    def _has_shown(self, light: Light) -> bool:
        for position in range(self._light_from, len(self.tape.lights)):
            if self.tape.lights[position] == light:
                self._light_from = position + 1
                return True
        return False

    def _has_come(self, expected: Arrive) -> bool:
        for event in self.tape.events():
            if event["id"] not in self._taken and matches(expected, event):
                self._taken.add(event["id"])
                return True
        return False

    def _wearable_is_well(self) -> bool:
        for line in reversed(self.tape.lines):
            sensors = line.get("event", {}).get("data", {}).get("sensors")
            if isinstance(sensors, dict):
                return sensors[WEARABLE]["last_sign_of_life_s"] is not None
        return False

    # ------------------------------------------------------------ on other threads

    def _heard(self, line: Json) -> None:
        with self._news:
            self.tape.lines.append(line)
            self._screen.centre(line)
            self._news.notify_all()

    def _saw(self, shown: Json) -> None:
        light, sounder = Light(shown["light"]), Sounder(shown["sounder"])
        with self._news:
            if not self.tape.lights or self.tape.lights[-1] != light:
                self.tape.lights.append(light)
            self._screen.indication(light, sounder)
            self._news.notify_all()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m agent.simulator.demo", description="An evening in a home.")
    parser.add_argument("--recordings", type=Path, metavar="DIR", help="a folder with sit*.csv and fall*.csv")
    parser.add_argument("--stay", action="store_true", help="keep everything running afterwards")
    parser.add_argument("--lang", choices=["da", "en"], default="en", help="language of the screen (default: en)")
    args = parser.parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with tempfile.TemporaryDirectory(prefix="nodkald-demo-") as directory:
            return _run(Path(directory), args)
    except KeyboardInterrupt:
        print("\ndemo: FAILED (stopped before its end)")
        return 130


def _run(directory: Path, args: argparse.Namespace) -> int:
    language: Language = args.lang
    screen = demo_screen.DemoScreen(language)
    with Stage(directory, language) as stage:
        try:
            demo = Demo(stage, write_motions(directory, args.recordings), screen)
        except NodkaldError as error:
            return _verdict([str(error)])
        faults: list[str] = []
        try:
            demo.start()
            demo.play()
        except NodkaldError as error:
            faults.append(str(error))
        faults += judge(demo.tape, expectations(), pre_alarms())
        screen.summary(demo.tape)
        code = _verdict(faults)
        if args.stay:
            screen.stay(stage.unit_file)
            _until_interrupted()
            code = _verdict(faults)
    return code


def _verdict(faults: list[str]) -> Literal[0, 1]:
    for fault in faults:
        print(f"  {fault}")
    print("demo: FAILED" if faults else "demo: OK", flush=True)
    return 1 if faults else 0


def _until_interrupted() -> None:
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        print()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
