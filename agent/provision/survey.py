"""What is there: the board, and the serial devices with what speaks on them.

Rules of this file: ports are named by a path that stays the same after an unplug: `/dev/serial/by-id/`, or `by-path`
where the id is not unique or looks like a CPR number (which no file of a unit may hold). Listening has a deadline.
Nothing is written to a port.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path

from agent.config_faults import CPR_LIKE
from agent.errors import SensorError
from agent.sensors.serial_port import SerialPort
from agent.sensors.wt901 import FRAME_BYTES, Acceleration, Wt901Framer

BAUDS = (115200, 9600, 230400, 57600, 38400, 19200)
"""In the order in which a WT901 is likely to be met: as we set it, as it leaves the factory, the rest."""

LISTEN_S = 0.5
"""For each baud rate: a WT901 at its slowest useful rate (10 a second) says five things in it."""

_ENOUGH_FRAMES = 3
_BOARD = Path("/proc/device-tree/model")
_SERIAL = Path("/dev/serial")


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard on a port: `baud` of a WT901, or None; `fault` says why the port could not be listened to."""

    baud: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class SerialDevice:
    """A serial adapter by its stable path, and what was heard on it."""

    path: str
    heard: Heard


def board(model: Path = _BOARD) -> str:
    """Return the board's own name, such as `Raspberry Pi 4 Model B Rev 1.4`; "" where the kernel does not say."""
    try:
        return model.read_bytes().rstrip(b"\0").decode(errors="replace").strip()
    except OSError:
        return ""


def stable_ports(root: Path = _SERIAL) -> tuple[str, ...]:
    """Return one stable path for each serial device, sorted."""
    paths: dict[Path, str] = {}
    for kind in ("by-id", "by-path"):
        links = sorted((root / kind).iterdir()) if (root / kind).is_dir() else []
        for link in links:
            if not CPR_LIKE.search(link.name):
                paths.setdefault(link.resolve(), str(link))
    return tuple(sorted(paths.values()))


def serial_devices(root: Path = _SERIAL) -> tuple[SerialDevice, ...]:
    """Return every serial device with what speaks on it. Takes at most 3 s, however many there are."""
    ports = stable_ports(root)
    heard: dict[str, Heard] = {}
    listeners = [threading.Thread(target=lambda port=port: heard.update({port: listen(port)})) for port in ports]
    for listener in listeners:
        listener.start()
    for listener in listeners:
        listener.join()
    return tuple(SerialDevice(port, heard[port]) for port in ports)


def listen(port: str, bauds: tuple[int, ...] = BAUDS, each_s: float = LISTEN_S) -> Heard:
    """Return at which of `bauds` a WT901 speaks on `port`; gives each `each_s` seconds."""
    try:
        for baud in bauds:
            if _speaks_wt901(port, baud, each_s):
                return Heard(baud)
    except SensorError as error:
        return Heard(fault=str(error))
    return Heard()


def _speaks_wt901(port: str, baud: int, within_s: float) -> bool:
    opened = SerialPort(port, baud)
    try:
        framer, frames, pause = Wt901Framer(), 0, threading.Event()
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            frames += sum(isinstance(frame, Acceleration) for frame in framer.feed(opened.read_available()))
            # One false frame in 256 lies about its sum; a stream that is mostly frames does not.
            if frames >= _ENOUGH_FRAMES and framer.good_frames * FRAME_BYTES > framer.garbage_bytes:
                return True
            pause.wait(0.02)
        return False
    finally:
        opened.close()
