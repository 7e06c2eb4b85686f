"""Check `serial`: each wearable's port is there under a path that stays, may be opened, and speaks WT901.

Rules of this file: where the unit runs it holds the port, so it is asked. Where it does not, the port is listened to
for `LISTEN_S`, and nothing is written to it.
"""

from __future__ import annotations

import stat
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.doctor.finding import Finding, Verdict
from agent.errors import SensorError
from agent.sensors.serial_port import SerialPort
from agent.sensors.wt901 import Acceleration, Wt901Framer
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.doctor.case import Case
    from agent.profiles import Wt901

NAME = "serial"
BY_ID = Path("/dev/serial/by-id")
LISTEN_S = 1.5
READ_EVERY_S = 0.05
FEW_FRAMES = 3
STABLE = ("/dev/serial/by-id/", "/dev/serial/by-path/", "/dev/serial0", "/dev/serial1", "/dev/ttyAMA", "/dev/ttyS")
"""A path that stays where it is when a plug is pulled: a link by name, or a port that is soldered on."""

_NONE = Text("ingen sensor sidder på en seriel port", "no sensor sits on a serial port")
_SIMULATED = Text(
    "et simuleret hjems port findes kun, mens det kører", "a simulated home's port exists only while it runs"
)
_MISSING = Text("porten {port} findes ikke", "the port {port} does not exist")
_PLUG_IN = Text(
    "Sæt modtageren i, og ret ellers `port` i unit-filen; se portene med: ls /dev/serial/by-id",
    "Plug the receiver in, or correct `port` in the unit file; see the ports with: ls /dev/serial/by-id",
)
_CANT_OPEN = Text("porten {port} kan ikke åbnes", "the port {port} can't be opened")
_OPENABLE = Text(
    "Stop andre programmer på porten, og giv brugeren gruppen dialout (eller brug sudo)",
    "Stop other programs on the port, and give the user the group dialout (or use sudo)",
)
_SPEAKS = Text("taler WT901, {rate:.0f} målinger i sekundet", "speaks WT901, {rate:.0f} samples a second")
_OTHER_RATE = Text(
    "taler WT901, men {rate:.0f} målinger i sekundet i stedet for {wanted}",
    "speaks WT901, but {rate:.0f} samples a second instead of {wanted}",
)
_SET_RATE = Text(
    "Ret `rate_hz` i profilen, eller stil sensoren om med producentens program",
    "Correct `rate_hz` in the profile, or set the sensor with its maker's program",
)
_GARBAGE = Text("der kommer {count} byte, som ikke er WT901", "{count} bytes come that are not WT901")
_WRONG_DEVICE = Text(
    "Se, om det er den rigtige enhed i stikket, og om `baud` i profilen passer til den",
    "See that the right device is in the plug, and that `baud` in the profile fits it",
)
_SILENT = Text("porten er åben, men der kommer intet", "the port is open, but nothing comes")
_SWITCH_ON = Text(
    "Tænd sensoren, lad den op, og bring den nær modtageren",
    "Switch the sensor on, charge it, and bring it near the receiver",
)
_UNSTABLE = Text(
    "taler, men stien {port} kan skifte ved næste start", "speaks, but the path {port} may change at the next start"
)
_USE_STABLE = Text(
    "Skriv stien fra /dev/serial/by-id som `port` i unit-filen",
    "Write the path from /dev/serial/by-id as `port` in the unit file",
)
_ALIVE = Text("enheden hører den ({port})", "the unit hears it ({port})")
_NOT_HEARD = Text("enheden hører den ikke ({port})", "the unit does not hear it ({port})")
_JUST_STARTED = Text("enheden har ikke hørt den endnu ({port})", "the unit has not heard it yet ({port})")
_NOT_WORN = Text("enheden hører den ({port}), men ingen har den på", "the unit hears it ({port}), but nobody wears it")
_PUT_ON = Text(
    "Bed borgeren tage den på, og kør den igen efter et halvt minut",
    "Ask the citizen to put it on, and run it again after half a minute",
)
_WAIT = Text("Vent ti sekunder, og kør den igen", "Wait ten seconds, and run it again")
_UNSEEN = Text("enheden kører, men kan ikke spørges", "the unit runs but can't be asked")


@dataclass(frozen=True, slots=True)
class Heard:
    """What came from a port in `seconds`: accelerations, all good frames, and bytes that were no frame."""

    seconds: float
    samples: int
    good_frames: int
    garbage_bytes: int


def nothing_to_examine() -> list[Finding]:
    """Return the finding of a unit without serial sensors."""
    return [Finding(NAME, Verdict.SKIPPED, _NONE)]


def examine(case: Case, name: str, config: Wt901) -> list[Finding]:
    """Ask the unit, or else listen to the port."""
    port = case.unit.port_of(name)
    if case.said is not None:
        return [judge_told(name, port, case.sensor(name))]
    if case.hidden or case.simulated:
        return [Finding(NAME, Verdict.SKIPPED, _UNSEEN if case.hidden else _SIMULATED, name)]
    try:
        if not stat.S_ISCHR(Path(port).stat().st_mode):
            return [_missing(name, port, "not a character device")]
        return [judge_heard(name, config, port, listen(port, config.baud, LISTEN_S))]
    except FileNotFoundError:
        return [_missing(name, port, f"there are: {', '.join(map(str, sorted(BY_ID.glob('*')))) or 'none'}")]
    except (SensorError, OSError) as error:
        return [Finding(NAME, Verdict.FAIL, both(_CANT_OPEN, port=port), name, _OPENABLE, str(error))]


def listen(port: str, baud: int, seconds: float) -> Heard:
    """Read from `port` for a while. Raises SensorError."""
    framer, samples, pause = Wt901Framer(), 0, threading.Event()
    opened = SerialPort(port, baud)
    try:
        began = time.monotonic()
        while (gone := time.monotonic() - began) < seconds:
            pause.wait(READ_EVERY_S)
            samples += sum(isinstance(frame, Acceleration) for frame in framer.feed(opened.read_available()))
    finally:
        opened.close()
    return Heard(gone, samples, framer.good_frames, framer.garbage_bytes)


def judge_heard(name: str, config: Wt901, port: str, heard: Heard) -> Finding:
    """Return what it is that speaks on the port."""
    rate = heard.samples / heard.seconds
    good_bytes = heard.good_frames * 11
    if heard.good_frames < FEW_FRAMES and not heard.garbage_bytes:
        return Finding(NAME, Verdict.FAIL, _SILENT, name, _SWITCH_ON)
    if good_bytes < heard.garbage_bytes or not heard.samples:
        count = heard.garbage_bytes + good_bytes
        return Finding(NAME, Verdict.FAIL, both(_GARBAGE, count=count), name, _WRONG_DEVICE)
    if not 0.7 * config.rate_hz <= rate <= 1.3 * config.rate_hz:
        other = both(_OTHER_RATE, rate=rate, wanted=config.rate_hz)
        return Finding(NAME, Verdict.WARN, other, name, _SET_RATE)
    if not port.startswith(STABLE):
        return Finding(NAME, Verdict.WARN, both(_UNSTABLE, port=port), name, _USE_STABLE)
    return Finding(NAME, Verdict.OK, both(_SPEAKS, rate=rate), name)


def judge_told(name: str, port: str, told: tuple[Mapping[str, Any], Mapping[str, Any]] | None) -> Finding:
    """Return what the running unit says about the sensor."""
    if told is None:
        return Finding(NAME, Verdict.SKIPPED, _UNSEEN, name)
    sensor, link = told
    detail = str(link.get("detail") or "")
    match sensor["link"]:
        case "alive" if sensor.get("worn") is False:
            return Finding(NAME, Verdict.WARN, both(_NOT_WORN, port=port), name, _PUT_ON)
        case "alive":
            return Finding(NAME, Verdict.OK, both(_ALIVE, port=port), name)
        case "garbled" if link.get("up"):
            return Finding(NAME, Verdict.FAIL, both(_GARBAGE, count=link.get("garbage_bytes", 0)), name, _WRONG_DEVICE)
        case "starting" if not detail:
            return Finding(NAME, Verdict.WARN, both(_JUST_STARTED, port=port), name, _WAIT)
        case _:
            step = _SWITCH_ON if link.get("up") else _PLUG_IN
            return Finding(NAME, Verdict.FAIL, both(_NOT_HEARD, port=port), name, step, detail)


def _missing(name: str, port: str, detail: str) -> Finding:
    return Finding(NAME, Verdict.FAIL, both(_MISSING, port=port), name, _PLUG_IN, detail)
