"""`nodkald sim`: pull cords, press buttons and move the wearable of a simulated home that is running.

Rules of this file: a client of `agent/simulator/socket.py` and nothing more. Exit code 0: done; 1: it could not be
done, and one sentence on stderr says why; 2: the unit file is wrong.
"""

from __future__ import annotations

import argparse
import json
import math
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config_files import DEFAULT_UNIT_FILE, Unit, load_unit
from agent.effects import Light, Sounder
from agent.errors import ConfigError, SimulatorError
from agent.local_socket import address
from agent.simulator.socket import SOCKET_NAME
from agent.texts import LIGHT, SOUNDER, Language

if TYPE_CHECKING:
    from collections.abc import Iterator

ORDERS = {
    "pull": "pull a cord, or press a button and hold it",
    "release": "let a cord or button go",
    "press": "pull and let go after 0.3 s",
    "take-off": "take a wearable off and put it on a table, where it lies from then on",
    "drop": "drop a wearable on the floor, and leave it there",
    "put-on": "pick a wearable up and put it on",
    "unplug": "pull the plug of a wearable",
    "replug": "put the plug of a wearable back",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald sim`."""
    parser.add_argument(
        "--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="the unit file that the unit runs with"
    )
    orders = parser.add_subparsers(dest="order", required=True, metavar="ORDER")
    for order, meaning in ORDERS.items():
        orders.add_parser(order, help=meaning, description=meaning).add_argument("sensor", metavar="SENSOR")
    meaning = "move a wearable as a recording says, and return when it has been played"
    play = orders.add_parser("play", help=meaning, description=meaning)
    play.add_argument("sensor", metavar="SENSOR")
    play.add_argument("file", type=Path, metavar="FILE.csv", help="a recording with the header t_s,ax_g,ay_g,az_g")
    play.add_argument("--speed", type=_speed, default=1.0, metavar="X", help="play X times as fast (default 1)")
    play.add_argument("--no-wait", action="store_true", help="return at once")
    orders.add_parser("watch", help="print what light and sounder show, and each change, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    """Carry the order out; return the exit code."""
    try:
        unit = load_unit(args.unit_file)
        _carry_out(args, unit)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    except SimulatorError as error:
        print(f"nodkald sim: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _carry_out(args: argparse.Namespace, unit: Unit) -> None:
    if not unit.profile.simulated:
        raise SimulatorError(
            f"profile {unit.profile.name} is real hardware and can't be worked from here; use a simulated profile"
        )
    path = unit.unit_file.runtime_dir / SOCKET_NAME
    if args.order == "watch":
        for state in _ask(path, args.unit_file, {"do": "watch"}):
            print(_as_text(state, unit.unit_file.language), flush=True)
    elif args.order == "play":
        file = str(args.file.absolute())
        request = {"do": "play", "sensor": args.sensor, "file": file, "speed": args.speed}
        answers = _ask(path, args.unit_file, request)
        seconds = next(answers)["seconds"]
        print(f"{args.sensor} moves for {seconds:.1f} s", flush=True)
        if not args.no_wait:
            next(answers)
    else:
        next(_ask(path, args.unit_file, {"do": args.order, "sensor": args.sensor}))
        print(f"{args.order} {args.sensor}: done")


def _ask(path: Path, unit_file: Path, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Send `request` and give what comes back. Raises SimulatorError if the home says no, or is not there."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            with address(path) as name:
                connection.connect(name)
        except PermissionError as error:
            raise SimulatorError(
                f"the simulated home at {path} belongs to another user; run this as that user"
            ) from error
        except OSError as error:
            raise SimulatorError(
                f"no simulated home is running at {path}; start it with: nodkald run --unit-file {unit_file}"
            ) from error
        try:
            connection.sendall(json.dumps(request).encode() + b"\n")
            for line in connection.makefile("rb"):
                if not line.strip():
                    continue
                answer = json.loads(line)
                if answer.get("ok") is False:
                    raise SimulatorError(answer["error"])
                yield answer
        except OSError as error:
            raise SimulatorError(f"the simulated home went away ({error})") from error
    raise SimulatorError("the simulated home stopped")


def _as_text(state: dict[str, str], language: Language) -> str:
    light, sounder = Light(state["light"]), Sounder(state["sounder"])
    return (
        f"{time.strftime('%H:%M:%S')}  light {light.value:<9}  {LIGHT[light].in_(language)}\n"
        f"          sounder {sounder.value:<7}  {SOUNDER[sounder].in_(language)}"
    )


def _speed(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value
