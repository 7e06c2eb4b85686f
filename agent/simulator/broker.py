"""An embedded MQTT 5 broker for the demo and for trying things out: iotcore, which is rumqttd in a wheel.

    python -m agent.simulator.broker --port 18830        a broker on loopback, until Ctrl-C

What iotcore 0.4.0 (rumqttd 0.20.0) does, as tried with paho-mqtt 2.2:

- persistent sessions (clean start false, expiry): QoS 1 messages wait for the client, also unacknowledged ones;
- retained messages, last will (not after a clean disconnect), user properties, content type and message expiry work;
- retained messages come with a new subscription, not when an existing one is made again: a client that returns to its
  session gets what is live, not what is retained;
- PUBACK is always "success": "no matching subscribers" and "not authorised" are never said;
- overlapping subscriptions of one client deliver a message once for each;
- it names no maximum packet in CONNACK, and closes the connection on a packet over its limit without a reason;
- a second client with the same id ends the first one's connection without a reason;
- a listener speaks one protocol: MQTT 3.1.1 on this one is disconnected;
- after a kill it listens on the same port again in about 0.1 s, with all sessions and retained messages gone.

Rules of this file: the broker is a process of its own that ends with the process that started it (its stdin closes).
"""

from __future__ import annotations

import argparse
import logging
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import SimulatorError

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
START_S = 10.0
_TOML = """
id = 0
[router]
id = 0
max_connections = 100
max_outgoing_packet_count = 200
max_segment_size = 1048576
max_segment_count = 10
[v5.1]
name = "loopback"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 100
"""


class EmbeddedBroker:
    """A broker process on a loopback port, free if none is named, that can be killed and started again there."""

    def __init__(self, port: int | None = None) -> None:
        self.port = port or _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Return whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and return once it accepts connections; SimulatorError if it does not within 10 s."""
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "agent.simulator.broker", "--port", str(self.port), "--until-stdin-closes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for whoever started us, and that one ends the broker when it is time
        )
        deadline = time.monotonic() + START_S
        pause = threading.Event()
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise SimulatorError(f"the embedded broker did not start on port {self.port}: {self._last_words()}")
            pause.wait(0.02)

    def kill(self) -> None:
        """End the process as a power cut would; what it held in memory is gone. May be called twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            if self._process.stdin is not None:
                self._process.stdin.close()

    def _last_words(self) -> str:
        if self._process is None or self._process.stderr is None:
            return "no reason given"
        words = self._process.stderr.read().decode(errors="replace").strip()
        return words.splitlines()[-1] if words else "no reason given"


def main(argv: list[str] | None = None) -> int:
    """Run a broker in this process until Ctrl-C, or until stdin closes."""
    parser = argparse.ArgumentParser(
        prog="python -m agent.simulator.broker", description="An MQTT 5 broker on loopback."
    )
    parser.add_argument("--port", type=int, default=18830, help="default: 18830, as in the example unit file")
    parser.add_argument("--until-stdin-closes", action="store_true", help="end with whoever holds our stdin")
    args = parser.parse_args(argv)
    try:
        from iotcore import IotCoreBroker  # noqa: PLC0415 - only the extra `demo` brings it
    except ImportError:
        print("the embedded broker needs iotcore: pip install 'nodkald-agent[demo]'", file=sys.stderr)
        return 1
    if _listens(args.port):
        print(f"something is listening on port {args.port} already; choose another one with --port", file=sys.stderr)
        return 1
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)  # it logs each packet as an error
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    if args.until_stdin_closes:
        _in_background(sys.stdin.buffer.read, end)
    else:
        print(f"an MQTT 5 broker listens on {HOST}:{args.port}; Ctrl-C ends it", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        config = Path(directory) / "rumqttd.toml"  # iotcore takes its settings for MQTT 5 from such a file only
        config.write_text(_TOML.format(host=HOST, port=args.port))
        _in_background(IotCoreBroker(config_path=str(config)).run_forever, end)
        while not _listens(args.port) and not end.wait(0.01):
            pass
    end.wait()  # the file is gone already: a broker that is killed leaves nothing behind
    return 0


def _in_background(work: Callable[[], object], end: threading.Event) -> None:
    """Do `work` on a thread that can't keep the process; the process ends with it."""

    def do() -> None:
        try:
            work()
        finally:
            end.set()

    threading.Thread(target=do, daemon=True).start()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((HOST, port)) == 0


if __name__ == "__main__":
    sys.exit(main())
