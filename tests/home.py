"""A whole unit as a real process, the hands in its home, and a scripted response centre.

    with Home(tmp_path, broker.port) as home, Centre(broker.port) as centre:
        home.pull("bathroom-cord")
        raised = centre.wait("call.raised")

`Home` writes the unit file, starts `python -m agent run` and works its sensors as `nodkald sim` does.
`Centre` acknowledges what it gets (unless `answers=False`) and keeps every copy, parsed by the contract's own models.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from agent.events import CloudEvent, parse_event
from agent.local_socket import address
from agent.recordings import HEADER
from agent.simulator.socket import SOCKET_NAME
from tests.broker.listener import Listener
from tests.waiting import eventually

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator, Mapping, Sequence
    from io import BufferedRWPair
    from types import TracebackType

    from agent.recordings import Sample

REPOSITORY = Path(__file__).parents[1]
ROOT = "nk/v1/aabenraa/u-test0001"
HAND_S = 0.09
"""A hand holds a cord, and lets go of it, for longer than its debounce of 50 ms."""
EVENT_LEAVES = ("call", "tech", "audit", "heartbeat", "state")


class Home:
    """A unit in its home. `paths` are ports, or whole tables of `[[uplink.paths]]`; the first is `primary`."""

    def __init__(self, directory: Path, *paths: int | Mapping[str, Any], pre_alarm_s: float = 1, **uplink: Any) -> None:
        self.directory = directory
        self.unit_file = directory / "unit.toml"
        self.outbox = directory / "state" / "outbox.db"
        self._run = directory / "run"
        self._logs: list[Path] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.prelude = ""
        """Python that runs in the unit's process first: another world, or shorter waits than real life has."""
        self.environment: dict[str, str] = {}
        self.unit_file.write_text(_unit_toml(directory, paths, pre_alarm_s, uplink))

    # ------------------------------------------------------------ the process

    def start(self) -> Self:
        """Start the unit and wait until it is armed."""
        self.launch()
        eventually(lambda: self.logged("armed") or self._ended())
        assert self.logged("armed"), self.log
        return self

    def launch(self) -> None:
        """Start the unit and wait for nothing."""
        assert self.process is None
        self._logs.append(self.directory / f"unit-{len(self._logs)}.log")
        start = f"{self.prelude}\nimport sys; from agent.cli import main; sys.exit(main())"
        program = ["-c", start] if self.prelude else ["-m", "agent"]
        command = [sys.executable, *program, "run", "--unit-file", str(self.unit_file)]
        with self._logs[-1].open("wb") as log:
            environment = {**os.environ, **self.environment}
            self.process = subprocess.Popen(command, stderr=log, cwd=REPOSITORY, env=environment)

    def kill(self) -> None:
        """Cut the power: SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(5)
        self.process = None

    def stop(self, within: float = 10.0) -> int:
        """End it as systemd does; return the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(within)
        self.process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None:
            self.kill()
        if error is not None:
            print("\n".join(log.read_text() for log in self._logs))  # noqa: T201 - pytest shows it with the failure

    def _is_there(self) -> bool:
        try:
            with _connected(self._run / SOCKET_NAME):
                return True
        except (FileNotFoundError, ConnectionRefusedError):
            return False

    def _ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    # ------------------------------------------------------------ what it says

    @property
    def log(self) -> str:
        """Everything that the unit logged since it was started last."""
        return self._logs[-1].read_text(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the log lines of one kind since the last start."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line["event"] == event]

    def stored(self, event_type: str = "%", outbox: Path | None = None) -> list[tuple[str, str]]:
        """Return (id, sequence) of what the outbox (or this other one) holds on disk, in order, only reading."""
        file = (outbox or self.outbox).as_uri()
        with contextlib.closing(sqlite3.connect(f"{file}?mode=ro", uri=True, timeout=2)) as connection:
            return connection.execute(
                "SELECT event_id, sequence FROM events WHERE type LIKE ? ORDER BY sequence",
                (f"dk.nodkald.{event_type}",),
            ).fetchall()

    def notes(self) -> dict[str, str]:
        """Return what the outbox keeps for the next boot."""
        with contextlib.closing(sqlite3.connect(f"{self.outbox.as_uri()}?mode=ro", uri=True, timeout=2)) as connection:
            return dict(connection.execute("SELECT key, body FROM notes").fetchall())

    # ------------------------------------------------------------ hands

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send one request to the home and return the first answer."""
        eventually(lambda: self._is_there() or self._ended(), every=0.001)
        with _connected(self._run / SOCKET_NAME) as (_, lines):
            lines.write(json.dumps(request).encode() + b"\n")
            lines.flush()
            answer: dict[str, Any] = json.loads(lines.readline())
        assert answer.get("ok"), answer
        return answer

    def pull(self, sensor: str) -> None:
        """Pull a cord or hold a button, and return when the unit has noticed."""
        before = len(self.logged("contact_pulled"))
        self.ask(do="pull", sensor=sensor)
        eventually(lambda: len(self.logged("contact_pulled")) > before)

    def release(self, sensor: str) -> None:
        """Let go, for as long as a hand does before it pulls again."""
        self.ask(do="release", sensor=sensor)
        threading.Event().wait(HAND_S)

    def pull_and_release(self, sensor: str, times: int = 1) -> None:
        """Pull and let go."""
        for _ in range(times):
            self.pull(sensor)
            self.release(sensor)

    def play(self, motion: Sequence[Sample], speed: float = 1.0) -> None:
        """Begin to move the wearable; returns at once."""
        file = self.directory / "motion.csv"
        file.write_text("\n".join([HEADER, *(",".join(f"{v:.5f}" for v in sample) for sample in motion)]))
        self.ask(do="play", sensor="wearable", file=str(file), speed=speed)

    @contextlib.contextmanager
    def watched(self) -> Iterator[list[str]]:
        """Give the list of lights as they come, the present one first."""
        lights: list[str] = []

        def read() -> None:
            with contextlib.suppress(OSError, ValueError):
                lights.extend(json.loads(line)["light"] for line in lines if line.strip())

        with _connected(self._run / SOCKET_NAME) as (connection, lines):
            lines.write(b'{"do": "watch"}\n')
            lines.flush()
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            eventually(lambda: lights)
            yield lights
            with contextlib.suppress(OSError):  # the unit has gone
                connection.shutdown(socket.SHUT_RDWR)  # wakes the reader
            reader.join(5)


class Centre(Listener):
    """A response centre: answers `received`, remembers every copy, accepts and closes when it is told to."""

    def __init__(
        self,
        port: int,
        topic: str = "#",
        *,
        client_id: str = "centre",
        tls: ssl.SSLContext | None = None,
        answers: bool = True,
        lasting: bool = False,
    ) -> None:
        self.answers = answers
        self.seen: list[CloudEvent] = []
        super().__init__(port, topic, client_id=client_id, tls=tls, **(_lasting_session() if lasting else {}))
        self.client.reconnect_delay_set(0.1, 0.5)  # type: ignore[arg-type]  # because paho only compares and waits

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, kind: str) -> list[CloudEvent]:
        """Return the events whose type begins with `kind` (`call.raised`, `tech`), each once, as they first came."""
        firsts = {event.id: event for event in reversed(list(self.seen))}
        wanted = [event for event in list(self.seen) if event.type.value.startswith(f"dk.nodkald.{kind}")]
        return list({event.id: firsts[event.id] for event in wanted}.values())

    def copies(self, event_id: str) -> list[CloudEvent]:
        """Return every copy of one event."""
        return [event for event in list(self.seen) if event.id == event_id]

    def wait(self, kind: str, count: int = 1, within: float = 10.0) -> CloudEvent:
        """Return event number `count` of its kind, as soon as it is there."""
        eventually(lambda: len(self.of(kind)) >= count, within=within)
        return self.of(kind)[count - 1]

    def fault(self, fault: str, kind: str = "tech.fault", within: float = 10.0) -> CloudEvent:
        """Return the report of a fault (or, with `tech.restored`, of its end)."""
        found: list[CloudEvent] = eventually(
            lambda: [event for event in self.of(kind) if getattr(event.data, "fault", None) == fault], within=within
        )
        return found[0]

    def say(self, leaf: str, body: Mapping[str, Any] | bytes) -> None:
        """Publish to the unit."""
        self.client.publish(f"{ROOT}/{leaf}", body if isinstance(body, bytes) else json.dumps(body), qos=1)

    def command(self, cmd: str, command_id: str = "c-1") -> dict[str, Any]:
        """Give a command and return the reply to it."""
        self.say("cmd", {"id": command_id, "cmd": cmd})
        return self.reply(command_id)

    def reply(self, command_id: str | None) -> dict[str, Any]:
        """Return the reply to a command."""
        found: list[dict[str, Any]] = eventually(
            lambda: [r for r in map(json.loads, self.payloads(f"{ROOT}/reply")) if r["id"] == command_id]
        )
        return found[0]

    def online(self, path: str = "primary") -> list[bool]:
        """Return what was said about a path, in order."""
        return [json.loads(payload)["online"] for payload in self.payloads(f"{ROOT}/online/{path}")]

    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        super()._on_message(client, userdata, message)
        if message.topic.removeprefix(f"{ROOT}/") not in EVENT_LEAVES:
            return
        event = parse_event(bytes(message.payload))
        self.seen.append(event)
        if self.answers and event.sequence is not None:
            self.say("ack", {"event_id": event.id, "ack": "received"})


def _lasting_session() -> dict[str, Any]:
    """Return how to connect with a session that waits on the broker while the centre or the broker is away."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # because paho leaves it untyped
    properties.SessionExpiryInterval = 3600
    return {"clean_start": False, "properties": properties}


@contextlib.contextmanager
def _connected(path: Path) -> Iterator[tuple[socket.socket, BufferedRWPair]]:
    with socket.socket(socket.AF_UNIX) as connection:
        with address(path) as name:
            connection.connect(name)
        with connection.makefile("rwb") as lines:
            yield connection, lines


def _unit_toml(
    directory: Path, paths: Sequence[int | Mapping[str, Any]], pre_alarm_s: float, uplink: Mapping[str, Any]
) -> str:
    lines = [
        "schema = 1",
        'tenant = "aabenraa"',
        'unit_id = "u-test0001"',
        'profile = "simulated-home"',
        f'state_dir = "{directory / "state"}"',
        f'runtime_dir = "{directory / "run"}"',
        f"[pre_alarm]\nseconds = {pre_alarm_s}",
        '[sensors.bathroom-cord]\nroom = "bathroom"',
        "[uplink]",
        *(f"{key} = {value}" for key, value in uplink.items()),
    ]
    for name, path in zip(("primary", "secondary"), paths, strict=False):
        table = {"port": path} if isinstance(path, int) else path
        keys = {"name": name, "host": "127.0.0.1", **table}
        lines += ["[[uplink.paths]]", *(f"{key} = {_toml(value)}" for key, value in keys.items())]
    return "\n".join([*lines, ""])


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(inner)}" for key, inner in value.items()) + "}"
    return str(value) if isinstance(value, int) else f'"{os.fspath(value)}"'
