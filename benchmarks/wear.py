"""What the unit writes to its card: in a day at rest, at a start, and for each call.

    python -m benchmarks.wear [--minutes 5] [--calls 20]        (as root, for a disk of its own)

Starts `python -m agent run` (profile simulated-home) against a local mosquitto and a centre that answers everything.
Its state lies on an ext4 of 64 MB in a file, mounted by a loop device with the options that Raspberry Pi OS uses
(`noatime`, journal commit each 5 s). Two figures, because they are different things: `process` is `write_bytes` of
/proc/PID/io, what the unit itself made dirty or synced; `disk` is what the loop device was written, with the file
system's own journal and metadata, from /sys/block/loopN/stat after a sync. At rest: heartbeats go out, nothing is
pulled; the figure of `--minutes` is multiplied up to a day. A call: pulled, let go, received, accepted and closed.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import threading
from pathlib import Path

from tests.broker.mosquitto import Mosquitto
from tests.home import Centre, Home
from tests.waiting import eventually

CORD = "bathroom-cord"
SECTOR = 512
DAY_MINUTES = 24 * 60


def main() -> None:
    """Measure, and print three lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--calls", type=int, default=20)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        device = _mount(directory / "state", directory / "card")
        try:
            _measure(directory, device, args.minutes, args.calls)
        finally:
            subprocess.run(["umount", "-l", directory / "state"], check=True)


def _measure(directory: Path, device: str, minutes: float, calls: int) -> None:
    broker = Mosquitto(directory / "mosquitto").start()
    try:
        with Centre(broker.port) as centre:
            fresh = _disk(device)
            home = Home(directory, broker.port)
            with home:
                eventually(lambda: home.logged("model_ready"))
                _pause(3.0)
                _say("first start", 0, _process(home), fresh, _disk(device), 1)
                before, disk = _process(home), _disk(device)
                _pause(minutes * 60)
                _say(f"a day at rest (of {minutes:g} min)", before, _process(home), disk, _disk(device),
                     DAY_MINUTES / minutes)  # fmt: skip
                before, disk = _process(home), _disk(device)
                for number in range(1, calls + 1):
                    _one_call(home, centre, number)
                _say(f"a call (of {calls})", before, _process(home), disk, _disk(device), 1 / calls)
                home.stop()
    finally:
        broker.kill()


def _one_call(home: Home, centre: Centre, number: int) -> None:
    home.pull_and_release(CORD)
    raised = centre.wait("call.raised", number)
    call_id = getattr(raised.data, "call_id", "")
    centre.say("ack", {"call_id": call_id, "ack": "accepted", "by": "operator-1"})
    centre.say("ack", {"call_id": call_id, "ack": "closed", "outcome": "visited"})
    centre.wait("call.closed", number)
    eventually(lambda: home.stored("call") == [] and not [key for key in home.notes() if key.startswith("call:")])


def _mount(state: Path, card: Path) -> str:
    state.mkdir(mode=0o700)
    with card.open("wb") as image:
        image.truncate(64 * 2**20)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", card], check=True)
    subprocess.run(["mount", "-o", "loop,noatime", card, state], check=True)
    listed = subprocess.run(["findmnt", "-no", "SOURCE", state], capture_output=True, text=True, check=True)
    return Path(listed.stdout.strip()).name


def _process(home: Home) -> int:
    assert home.process is not None
    lines = Path(f"/proc/{home.process.pid}/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def _disk(device: str) -> int:
    subprocess.run(["sync"], check=True)
    return int(Path(f"/sys/block/{device}/stat").read_text().split()[6]) * SECTOR


def _say(what: str, process: int, process_after: int, disk: int, disk_after: int, times: float) -> None:
    own, whole = ((after - before) * times / 1000 for before, after in ((process, process_after), (disk, disk_after)))
    print(f"{what}: process {own:.0f} kB, disk {whole:.0f} kB")


def _pause(seconds: float) -> None:
    threading.Event().wait(seconds)


if __name__ == "__main__":
    main()
