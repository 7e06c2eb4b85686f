"""`nodkald run`: the unit itself, in the foreground, as systemd starts it.

Rules of this file: arguments, log level and refusals; everything else is `agent/app.py`.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType

import structlog

from agent import logs, memory
from agent.config_files import DEFAULT_UNIT_FILE, Unit, load_unit
from agent.errors import ConfigError

SWITCH_INTERVAL_S = 0.0005
"""How long another thread may keep Python from the one that decides; the default of 5 ms is more than a call takes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald run`."""
    parser.add_argument("--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="default: %(default)s")
    parser.add_argument("--log-level", choices=["debug", "info", "warning", "error"], help="default: info")


def run(args: argparse.Namespace) -> int:
    """Run the unit until it is told to stop; ConfigError if it must not start like this."""
    unit = load_unit(args.unit_file)
    _refuse_wrong_body_position(unit)
    logs.configure(args.log_level)
    with memory.undisturbed():
        from agent.app import App  # noqa: PLC0415 - a wrong file is told before gpiozero and paho are loaded

    memory.share_one_arena()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    app = App(unit)

    def stop(_number: int, _frame: FrameType | None) -> None:
        app.stop()  # and no word in the log: whoever is interrupted may hold its lock, and would wait for itself

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    return app.run()


def _refuse_wrong_body_position(unit: Unit) -> None:
    """Refuse a model that was trained for another place on the body; a model that can't be read is no refusal."""
    if not unit.profile.wearables:
        return
    try:
        from agent.inference.cards import check_binding  # noqa: PLC0415 - fails open below, a cord needs none of it

        faults = check_binding(unit.profile)
    except Exception:  # noqa: BLE001 - fail open: whatever is wrong with the inference, a cord needs none of it
        structlog.get_logger().exception("model_binding_not_checked")
        return
    misplaced = [fault for fault in faults if "body_position" in fault]
    if misplaced:
        raise ConfigError([f"{unit.profile_path}: {fault}" for fault in misplaced])
