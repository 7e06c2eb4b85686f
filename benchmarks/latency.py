"""From a pulled cord to the subscriber, beside bare paho and mqtt-io, in the same minutes on the same mosquitto.

    python -m benchmarks.latency [--pulls 300] [--mqtt-io PYTHON] [--without-wearable]

Four processes wait for their turn. `bare` publishes with paho (QoS 1, its network thread running, a payload as long as
our event) without any property and, as "our message", with those of the contract. `ours` is a whole unit
(`agent.app.App`, profile simulated-home, outbox on disk) whose mock pin is pulled. `mqtt-io` is mqtt-io in interrupt
mode (give it the Python of a venv that has `mqtt-io==2.7.0 gpiozero`). In each round each of them gets one turn, in
random order, at random moments.

What is measured: each process notes `time.monotonic()` (one clock for all processes of a machine) right before it
publishes or drives its pin; the subscriber, a thread of this process, notes it first thing in its callback. Ours waits
for the cord's debounce on purpose, so `debounce_ms` of the profile is taken off: its time runs from the end of the
debounce, edge + 50 ms. mqtt-io has no debounce in interrupt mode. Our events are answered with `received`, as a centre
does.

Exit code 1 if a target is missed: median not above 1.5 times bare paho's, p99 not above mqtt-io's.
"""

from __future__ import annotations

import argparse
import json
import queue
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from benchmarks.figures import percentile, row
from benchmarks.units import write_unit
from tests.broker.mosquitto import Mosquitto
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[1]
CORD = "bathroom-cord"
DEBOUNCE_S = 0.050
BARE_TOPIC = "bench/bare"
SAME_TOPIC = "bench/same"
PAYLOAD_BYTES = 760
MQTT_IO_TOPIC = "bench/input/cord"
CALL_TOPIC = "nk/v1/aabenraa/u-bench0001/call"
ACK_TOPIC = "nk/v1/aabenraa/u-bench0001/ack"
TARGET_RATIO = 1.5
OURS = 2
"""Place of ours among the contestants."""
PAUSE_S = (0.06, 0.14)
"""Between two turns: longer than the debounce of the release, and never in step with anything."""


# ---------------------------------------------------------------- the processes that are measured


def bare(port: int, topic: str) -> None:
    """Publish as often as stdin says."""
    client = Client(CallbackAPIVersion.VERSION2, client_id=topic, protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    payload = b"x" * PAYLOAD_BYTES
    properties = None
    if topic == SAME_TOPIC:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # because paho leaves it untyped
        properties.ContentType = "application/cloudevents+json"
        properties.UserProperty = [("type", "dk.nodkald.call.raised"), ("id", "0" * 36), ("sequence", "0" * 20)]
    for order in sys.stdin:
        if order.strip() != "release":
            print(time.monotonic(), flush=True)
            client.publish(topic, payload, qos=1, properties=properties)


def ours(unit_file: Path) -> None:
    """Run a unit whose cord is pulled as stdin says."""
    from agent import logs  # noqa: PLC0415 - the other roles need none of it
    from agent.app import App  # noqa: PLC0415 - only the contestant that is a unit loads one
    from agent.config_files import load_unit  # noqa: PLC0415 - only the contestant that is a unit loads one

    logs.configure("info")
    app = App(load_unit(unit_file))
    home = app._home  # noqa: SLF001 - the hands of the simulated home, without the way through its socket
    assert home is not None

    def hands() -> None:
        for order in sys.stdin:
            if order.strip() == "release":
                home.release(CORD)
            else:
                print(time.monotonic(), flush=True)
                home.pull(CORD)

    threading.Thread(target=hands, daemon=True).start()
    app.run()


# ---------------------------------------------------------------- the measurement


@dataclass
class Contestant:
    """One process, the topic that it is heard on, and what was measured."""

    name: str
    command: list[str]
    topic: str
    taken_off_s: float = 0.0
    latencies: list[float] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None

    def start(self, errors: IO[bytes]) -> None:
        """Start the process."""
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=REPOSITORY
        )

    def order(self, word: str) -> None:
        """Tell the process what to do."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def turn(self, arrivals: queue.Queue[float]) -> None:
        """Let it publish once, and wait until it was heard."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.order("pull")
        line = self.process.stdout.readline()
        while not line[:1].isdigit():  # what libraries print
            line = self.process.stdout.readline()
        self.latencies.append(arrivals.get(timeout=10) - float(line) - self.taken_off_s)
        self.order("release")


class Subscriber:
    """Hears everything, notes when, and acknowledges our events as a centre does."""

    def __init__(self, port: int) -> None:
        self.arrivals: dict[str, queue.Queue[float]] = {
            topic: queue.Queue() for topic in (BARE_TOPIC, SAME_TOPIC, MQTT_IO_TOPIC, CALL_TOPIC)
        }
        self.online = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="subscriber", protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = self._heard
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _heard(self, client: Client, _data: Any, message: MQTTMessage) -> None:
        now = time.monotonic()
        arrivals = self.arrivals.get(message.topic)
        if message.topic.endswith("/online/primary"):
            self.online.set()
        if arrivals is None or (message.topic == MQTT_IO_TOPIC and message.payload != b"ON"):
            return
        arrivals.put(now)
        if message.topic == CALL_TOPIC:
            event_id = json.loads(message.payload)["id"]
            client.publish(
                CALL_TOPIC.replace("/call", "/ack"), json.dumps({"event_id": event_id, "ack": "received"}), 1
            )


def measure(pulls: int, mqtt_io: str | None, *, wearable: bool) -> list[Contestant]:
    """Return the contestants with `pulls` latencies each."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        broker = Mosquitto(directory / "mosquitto", "log_type none").start()
        contestants = _contestants(directory, broker.port, mqtt_io, wearable=wearable)
        subscriber = Subscriber(broker.port)
        try:
            with (directory / "errors.log").open("wb") as errors:
                for contestant in contestants:
                    contestant.start(errors)
            assert subscriber.online.wait(20), (directory / "errors.log").read_text()
            for contestant in contestants:
                eventually(partial(_warm_up, contestant, subscriber), within=20)
            rng = random.Random(1)  # noqa: S311 - no secret
            for _ in range(pulls):
                for contestant in rng.sample(contestants, len(contestants)):
                    time.sleep(rng.uniform(*PAUSE_S))
                    contestant.turn(subscriber.arrivals[contestant.topic])
        except OSError:
            print((directory / "errors.log").read_text(), file=sys.stderr)
            raise
        finally:
            for contestant in contestants:
                if contestant.process is not None:
                    contestant.process.terminate()
                    contestant.process.wait(10)
            subscriber.client.disconnect()
            subscriber.client.loop_stop()
            broker.kill()
    return contestants


def _warm_up(contestant: Contestant, subscriber: Subscriber) -> bool:
    """Whether it is heard; the turns until then do not count."""
    arrivals = subscriber.arrivals[contestant.topic]
    for _ in range(5):
        time.sleep(PAUSE_S[1])
        try:
            contestant.turn(arrivals)
        except queue.Empty:
            return False
    contestant.latencies.clear()
    return True


def _contestants(directory: Path, port: int, mqtt_io: str | None, *, wearable: bool) -> list[Contestant]:
    unit_file = write_unit(directory, port, wearable=wearable)
    here = [sys.executable, "-m", "benchmarks.latency", "--role"]
    made = [
        Contestant("bare paho", [*here, "bare", str(port), BARE_TOPIC], BARE_TOPIC),
        Contestant("bare paho, our message", [*here, "bare", str(port), SAME_TOPIC], SAME_TOPIC),
        Contestant("ours, durable", [*here, "ours", str(unit_file)], CALL_TOPIC, DEBOUNCE_S),
    ]
    if mqtt_io is not None:
        config = directory / "mqtt-io.yml"
        config.write_text(
            f"mqtt: {{host: 127.0.0.1, port: {port}, topic_prefix: bench}}\n"
            "gpio_modules: [{name: pins, module: gpiozero}]\n"
            "digital_inputs: [{name: cord, module: pins, pin: 17, interrupt: both}]\n"
        )
        script = str(Path(__file__).with_name("latency_mqttio.py"))
        made.append(Contestant("mqtt-io 2.7.0", [mqtt_io, script, str(config)], MQTT_IO_TOPIC))
    return made


def report(contestants: list[Contestant]) -> int:
    """Print what was measured; return the exit code."""
    yardstick = percentile(contestants[0].latencies, 50)
    print(row("", "median", "p99", "worst", "x bare"))
    for contestant in contestants:
        median, p99, worst = (percentile(contestant.latencies, p) * 1000 for p in (50, 99, 100))
        ratio = median / 1000 / yardstick
        print(row(contestant.name, f"{median:.2f} ms", f"{p99:.2f} ms", f"{worst:.2f} ms", f"{ratio:.2f}"))
    ours_median = percentile(contestants[OURS].latencies, 50)
    well = ours_median <= TARGET_RATIO * yardstick
    print(f"median of ours at most {TARGET_RATIO} times bare paho's: {'yes' if well else 'NO'}")
    if len(contestants) > OURS + 1:
        quick = percentile(contestants[OURS].latencies, 99) <= percentile(contestants[-1].latencies, 99)
        print(f"p99 of ours at most mqtt-io's: {'yes' if quick else 'NO'}")
        well = well and quick
    return 0 if well else 1


def main() -> int:
    """Measure, or be one of those that are measured."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pulls", type=int, default=300)
    parser.add_argument("--mqtt-io", metavar="PYTHON", help="of a venv with mqtt-io==2.7.0 and gpiozero")
    parser.add_argument("--without-wearable", action="store_true", help="a unit of cords alone")
    parser.add_argument("--role", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    match args.role:
        case ["bare", port, topic]:
            bare(int(port), topic)
        case ["ours", unit_file]:
            ours(Path(unit_file))
        case _:
            return report(measure(args.pulls, args.mqtt_io, wearable=not args.without_wearable))
    return 0


if __name__ == "__main__":
    sys.exit(main())
