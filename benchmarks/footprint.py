"""What the unit costs the board: memory, processor, the time until it is armed, and whether memory stays flat.

    python -m benchmarks.footprint process [--seconds 60] [--starts 5] [--python PYTHON]
    python -m benchmarks.footprint hour [--minutes 60]

`process` starts `python -m agent run` (profile simulated-home) against a local mosquitto. The wearable's bytes come
from this process over a pseudo-terminal of its own (the unit's simulated one is unplugged), so the unit pays for
reading them and not for making them: 100 Hz of WT901 frames with acceleration, angular rate and angle. The second row
is the same profile without that sensor. Processor time is user and system time from /proc/PID/stat, memory VmRSS and
its peak VmHWM, in MB of 1,000,000 bytes. Armed is the time from before the process is made to systemd's `READY=1`; the
first start warms the disk's cache and does not count. Then units whose wearer fell a minute before, so that an
assessment, a call and the second look are in it: with nothing beside the shipped model, with a promoted one, with
another in the shadow, and with a consent, whose window was kept. The process that encrypts is told apart. `--python`
is the venv of the unit: a developer's has packages that a home has not, and the unit's libraries load some of them.
Its byte code is made first, as the package makes it when it is installed: a unit that compiles arms later, and what
compiling took stays on its heap.

`hour` lives an hour at speed in this process: core, detector and the shipped model on a virtual clock, every sample at
100 Hz, with walking, sitting down hard, falls and pulls; memory is looked at once in five minutes of that life.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from agent import core
from agent.effects import Score
from agent.inference import detector
from agent.inference.start import judged_by
from agent.inference.worker import load_shipped
from agent.readings import ModelState, MotionBatch, Scored
from agent.simulator.motions import MOTIONS
from agent.simulator.wearable import SimulatedWearable
from benchmarks.figures import percentile, row
from benchmarks.units import write_unit
from tests.broker.mosquitto import Mosquitto
from tests.home_bench import HomeBench
from tests.waiting import eventually

MEMORY_TARGET_MB = 75.0
CPU_TARGET = {True: 3.0, False: 1.0}
ARMED_TARGET_S = 0.7
FLAT_MB = 1.0
ARMED_WITHIN_S = 20.0
SETTLED_S = 15.0
A_MINUTE_LATER_S = 60.0
ENCRYPTED_WITHIN_S = 40.0
BESIDE = (
    {},
    {"promoted": True},
    {"promoted": True, "shadow": True},
    {"promoted": True, "shadow": True, "consent": True},
)
"""What a unit may have beside the shipped model, one more each time."""
CLOCK_SET = (
    "import sys; from agent import cli, system_clock; system_clock.kernel_clock_synced = lambda: True; "
    "sys.exit(cli.main())"
)
"""A unit whose clock is right wherever this runs: without that no window is kept."""
COMPILE = (
    "import compileall, sysconfig; "
    "[compileall.compile_dir(tree, quiet=2) for tree in ('agent', sysconfig.get_path('platlib'))]"
)
"""What packaging/debian/compile does on a unit, for this tree and the venv."""
BATCH = 10
RATE_HZ = 100
LIFE = (
    "standing",
    "walking",
    "sitting-down-softly",
    "standing",
    "walking",
    "sitting-down-hard",
    "walking",
    "fall-and-get-up",
)


# ---------------------------------------------------------------- the process


def compile_unit(python: str) -> None:
    """Make the byte code of this tree and of the venv, as it is on a unit; else its start is another one."""
    subprocess.run([python, "-c", COMPILE], check=True)


@contextmanager
def running(python: str, directory: Path, port: int, **has: bool) -> Iterator[tuple[int, float]]:
    """Run a unit that `has` what `write_unit` can give it; give its pid and the seconds until it was armed."""
    directory.mkdir(exist_ok=True)
    unit_file = write_unit(directory, port, **has)
    address = directory / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, (directory / "log").open("wb") as log:
        ready.bind(str(address))
        ready.settimeout(ARMED_WITHIN_S)
        began = time.monotonic()
        unit = subprocess.Popen(
            [
                python,
                *(("-c", CLOCK_SET) if has.get("consent") else ("-m", "agent")),
                "run",
                "--unit-file",
                str(unit_file),
            ],
            stderr=log,
            env={**os.environ, "NOTIFY_SOCKET": str(address)},
        )
        try:
            while b"READY=1" not in ready.recv(1024).splitlines():
                assert time.monotonic() - began < ARMED_WITHIN_S, (directory / "log").read_text()
            seconds = time.monotonic() - began
            ready.settimeout(None)
            threading.Thread(target=_listen, args=(ready,), daemon=True).start()
            yield unit.pid, seconds
        finally:
            unit.terminate()
            unit.wait(10)
            address.unlink()


def _listen(ready: socket.socket) -> None:
    """Take the watchdog's pings as systemd does, to the unit's last word."""
    while b"STOPPING=1" not in ready.recv(1024).splitlines():
        pass


def cpu_s(pid: int) -> float:
    """Return the seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int | str, key: str) -> float:
    """Return a line of /proc/PID/status in megabytes of 1,000,000 bytes."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith(key))
    return int(line.split()[1]) * 1024 / 1e6


def armed(python: str, directory: Path, port: int, starts: int) -> list[float]:
    """Return how long each start took until the unit was armed."""
    times = []
    for _ in range(starts + 1):
        with running(python, directory, port, wearable=True) as (_, seconds):
            times.append(seconds)
    return times[1:]


@contextmanager
def worn(directory: Path) -> Iterator[SimulatedWearable]:
    """Put a wearable of this process in the place of the unit's simulated one."""
    link = directory / "run" / "wearable"
    eventually(link.is_symlink)
    command = [sys.executable, "-m", "agent", "sim", "--unit-file", str(directory / "unit.toml")]
    subprocess.run([*command, "unplug", "wearable"], check=True, capture_output=True)
    other = SimulatedWearable(link, RATE_HZ)
    other.start()
    try:
        yield other
    finally:
        other.stop()


def idle(python: str, directory: Path, port: int, seconds: float, *, wearable: bool) -> tuple[float, float, float]:
    """Return percent of a core, resident memory and its peak in megabytes of a unit at which nothing happens."""
    with (
        running(python, directory, port, wearable=wearable) as (pid, _),
        worn(directory) if wearable else nullcontext(),
    ):
        time.sleep(SETTLED_S)
        before, began = cpu_s(pid), time.monotonic()
        time.sleep(seconds)
        percent = 100 * (cpu_s(pid) - before) / (time.monotonic() - began)
        return percent, memory_mb(pid, "VmRSS"), memory_mb(pid, "VmHWM")


def fallen(python: str, directory: Path, port: int, **has: bool) -> tuple[float, float, float]:
    """Return resident memory and its peak of a unit whose wearer fell a minute ago, and what encrypts beside it."""
    with running(python, directory, port, **has) as (pid, _), worn(directory) as wearable:
        time.sleep(SETTLED_S)
        wearable.play(MOTIONS["fall-forward"](RATE_HZ, 1))
        if has.get("consent"):
            windows = directory / "state" / "windows"
            eventually(lambda: list(windows.glob("*/*.nkw")), within=ENCRYPTED_WITHIN_S)
        time.sleep(A_MINUTE_LATER_S)
        tasks = Path(f"/proc/{pid}/task").iterdir()
        others = [int(child) for task in tasks for child in (task / "children").read_text().split()]
        return memory_mb(pid, "VmRSS"), memory_mb(pid, "VmHWM"), sum(memory_mb(other, "VmRSS") for other in others)


def process(python: str, seconds: float, starts: int) -> int:
    """Measure processes; return the exit code."""
    compile_unit(python)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        broker = Mosquitto(directory / "mosquitto", "log_type none").start()
        try:
            times = armed(python, directory, broker.port, starts)
            figures = {
                wearable: idle(python, directory, broker.port, seconds, wearable=wearable) for wearable in (True, False)
            }
            memories = {
                " and ".join(name for name, there in has.items() if there) or "nothing else": fallen(
                    python, directory / f"fallen-{number}", broker.port, **has
                )
                for number, has in enumerate(BESIDE)
            }
        finally:
            broker.kill()
    median = percentile(times, 50)
    well = median <= ARMED_TARGET_S
    print(f"armed after {median:.2f} s (median of {len(times)}; {min(times):.2f} to {max(times):.2f})")
    print(row("", "processor", "resident", "peak"))
    for wearable, (percent, memory, peak) in figures.items():
        name = "wearable at 100 Hz" if wearable else "without a wearable"
        print(row(name, f"{percent:.2f} %", f"{memory:.1f} MB", f"{peak:.1f} MB"))
        well = well and percent <= CPU_TARGET[wearable] and memory <= MEMORY_TARGET_MB
    print(row("a minute after a fall", "resident", "peak", "encrypts"))
    for name, values in memories.items():
        print(row(name, *(f"{value:.1f} MB" for value in values)))
    print(f"targets met: {'yes' if well else 'NO'}")
    return 0 if well else 1


# ---------------------------------------------------------------- an hour at speed


class FastHome(HomeBench):
    """A home that moves, with the shipped model, and remembers nothing that the unit itself would not."""

    def __init__(self) -> None:
        super().__init__(pre_alarm_s=2.0)
        now = self.clock.now()
        wearables = self.profile.wearables
        card, self._model = load_shipped(wearables["wearable"].fall.model)
        detection, _ = detector.start(
            {name: judged_by(worn) for name, worn in wearables.items()}, None, now, id_prefix="bench"
        )
        self.state = core.with_falls(self.state, detection)
        self.step(ModelState("wearable", failing=False, detail="loaded", name=card.label, sha256=card.sha256))

    def live(self, motion: str, seed: int) -> None:
        """Move for the length of a motion, sample by sample."""
        samples = MOTIONS[motion](RATE_HZ, seed)
        start = self.clock.now().mono
        for first in range(0, len(samples), BATCH):
            batch = samples[first : first + BATCH]
            self.clock.advance(start + batch[-1][0] + 1 / RATE_HZ - self.clock.now().mono)
            self.step(MotionBatch("wearable", [start + s[0] + 1 / RATE_HZ for s in batch], [s[1:] for s in batch]))
            for effect in self.other:
                if isinstance(effect, Score):
                    self.step(Scored(effect.trigger_id, self._model.score(effect.window), 0.002))
            self.other.clear()
        self.levels()

    def forget(self) -> None:
        """Let go of what the bench keeps for tests."""
        for kept in (self.centre, self.lights, self.logs, self.other, self.unanswered):
            kept.clear()


def hour(minutes: float) -> int:
    """Live at speed; return the exit code."""
    home = FastHome()
    began, start = time.monotonic(), home.clock.now().mono
    looked: list[float] = []
    calls, turn = 0, 0
    while (lived := home.clock.now().mono - start) < minutes * 60:
        home.live(LIFE[turn % len(LIFE)], seed=turn)
        turn += 1
        if turn % 20 == 0:
            home.pull()
        calls += sum(event["type"].endswith("call.raised") for event in home.centre)
        for call_id in {event["data"]["call_id"] for event in home.centre if event["type"].endswith("call.raised")}:
            home.ack("accepted", call_id=call_id)
            home.ack("closed", call_id=call_id)
        home.forget()
        if lived // 300 >= len(looked):
            looked.append(memory_mb("self", "VmRSS"))
            print(f"{lived / 60:5.1f} min  {looked[-1]:.1f} MB", flush=True)
    growth = looked[-1] - looked[1]
    print(f"{minutes:g} minutes with {calls} calls in {time.monotonic() - began:.0f} s")
    flat = growth <= FLAT_MB
    print(f"from minute 5 on it grew by {growth:.1f} MB; flat (at most {FLAT_MB} MB): {'yes' if flat else 'NO'}")
    return 0 if flat else 1


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parsers = parser.add_subparsers(dest="what", required=True)
    of_process = parsers.add_parser("process")
    of_process.add_argument("--seconds", type=float, default=60)
    of_process.add_argument("--starts", type=int, default=5)
    of_process.add_argument("--python", default=sys.executable)
    parsers.add_parser("hour").add_argument("--minutes", type=float, default=60)
    args = parser.parse_args()
    return process(args.python, args.seconds, args.starts) if args.what == "process" else hour(args.minutes)


if __name__ == "__main__":
    sys.exit(main())
