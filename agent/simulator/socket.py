"""The door to the simulated home: a Unix socket that only its owner may use, one JSON object a line.

    {"do": "pull" | "release" | "press" | "unplug" | "replug", "sensor": S}   -> {"ok": true}
    {"do": "take-off" | "drop" | "put-on", "sensor": S}                       -> {"ok": true}
    {"do": "play", "sensor": S, "file": absolute path, "speed": X}            -> {"ok": true, "seconds": T}, then, when
                                                                                 it has been played, {"done": true}
    {"do": "watch"}                                                           -> {"light": …, "sounder": …} for ever
    whatever can't be done                                                    -> {"ok": false, "error": a sentence}

Rules of this file: one thread a connection, none of which the unit waits for, and no request can end the unit.
"""

from __future__ import annotations

import contextlib
import json
import math
import queue
import socket
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from agent.errors import NodkaldError, SimulatorError
from agent.local_socket import address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.simulator.home import SimulatedHome

SOCKET_NAME = "sim.sock"
LONGEST_LINE = 65_536
_WATCH_WAKES_S = 0.5

log = structlog.get_logger()


class _Lines(Protocol):
    """Where answers go."""

    def write(self, data: bytes, /) -> int: ...

    def flush(self) -> None: ...


class HomeSocket:
    """Serves a `SimulatedHome` at `path`. Start it before the home: it is what keeps two units out of one directory."""

    def __init__(self, home: SimulatedHome, path: Path) -> None:
        self._home = home
        self._path = path
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()

    def start(self) -> None:
        """Open the socket, mode 0600. Raises SimulatorError if another unit has it, or it can't be made."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._remove_stale()
            listener = socket.socket(socket.AF_UNIX)
            with address(self._path) as name:
                listener.bind(name)
            self._path.chmod(0o600)  # before `listen`: until then nobody can connect
            listener.listen()
        except OSError as error:
            raise SimulatorError(f"{self._path}: can't be opened ({error}); runtime_dir must be writable") from error
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), name="sim-socket", daemon=True).start()

    def stop(self) -> None:
        """Close the door and remove the socket. May be called twice, or without `start`."""
        self._stopping.set()
        listener, self._listener = self._listener, None
        if listener is not None:
            _hang_up(listener)
            listener.close()
            self._path.unlink(missing_ok=True)
        with self._lock:
            for connection in self._connections:
                _hang_up(connection)

    def _remove_stale(self) -> None:
        try:
            mode = self._path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise SimulatorError(f"{self._path}: is there and is no socket; remove it, or choose another runtime_dir")
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                with address(self._path) as name:
                    probe.connect(name)
            except ConnectionRefusedError:
                self._path.unlink(missing_ok=True)  # left behind by a unit that was killed
                return
        raise SimulatorError(
            f"{self._path}: another simulated home is running here; stop it, or choose another runtime_dir"
        )

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # closed by `stop`
            threading.Thread(target=self._serve, args=(connection,), name="sim-connection", daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with self._lock:
            self._connections.add(connection)
        try:
            self._talk(connection)
        finally:
            with self._lock:
                self._connections.discard(connection)

    def _talk(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rwb") as lines:
            while line := lines.readline(LONGEST_LINE):
                try:
                    self._answer(lines, line)
                except NodkaldError as error:
                    _say(lines, {"ok": False, "error": str(error)})
                except OSError:
                    return  # whoever asked has gone
                except Exception as error:
                    log.exception("sim_request_failed")
                    _say(lines, {"ok": False, "error": f"the simulated home failed ({error!r}); see the unit's log"})

    def _answer(self, lines: _Lines, line: bytes) -> None:
        request = _parse(line)
        match request.get("do"):
            case ("pull" | "release" | "press" | "unplug" | "replug" | "take-off" | "drop" | "put-on") as order:
                getattr(self._home, order.replace("-", "_"))(_text(request, "sensor"))
                _say(lines, {"ok": True})
            case "play":
                self._play(lines, request)
            case "watch":
                self._watch(lines)
            case other:
                known = "pull, release, press, play, take-off, drop, put-on, unplug, replug or watch"
                raise SimulatorError(f"{other!r} can't be done; say {known}")

    def _play(self, lines: _Lines, request: Mapping[str, Any]) -> None:
        speed = request.get("speed", 1.0)
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not math.isfinite(speed):
            raise SimulatorError(f"speed is {speed!r}; it must be a number above 0")
        seconds = self._home.play(_text(request, "sensor"), Path(_text(request, "file")), speed)
        _say(lines, {"ok": True, "seconds": seconds})
        self._home.wait(seconds)
        _say(lines, {"done": True})

    def _watch(self, lines: _Lines) -> None:
        changes = self._home.watch()
        try:
            while not self._stopping.is_set():
                try:
                    show = changes.get(timeout=_WATCH_WAKES_S)
                except queue.Empty:
                    lines.write(b"\n")  # an empty line: the only way to notice that the watcher has gone
                    lines.flush()
                    continue
                _say(lines, {"light": show.light.value, "sounder": show.sounder.value})
        finally:
            self._home.unwatch(changes)


def _hang_up(end: socket.socket) -> None:
    """Wake whoever waits on `end`."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def _parse(line: bytes) -> Mapping[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as error:
        raise SimulatorError(f"this is no line of JSON ({error}); send one object a line") from error
    if not isinstance(request, dict):
        raise SimulatorError("this is no JSON object; send one object a line")
    return request


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise SimulatorError(f"{key} is {value!r}; it must be text")
    return value


def _say(lines: _Lines, answer: Mapping[str, Any]) -> None:
    lines.write(json.dumps(answer).encode() + b"\n")
    lines.flush()
