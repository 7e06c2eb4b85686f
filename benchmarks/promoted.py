"""What a promoted model costs at a unit's start: until it is armed, and until falls are judged.

    python -m benchmarks.promoted [--starts 10] [--python PYTHON]

Starts `python -m agent run` (profile simulated-home) against a local mosquitto, in turn with the shipped model and with
a promoted one, whose signature `openssl` checks, and with a third in the shadow of that. Armed is the time from before
the process is made to systemd's `READY=1`, judging that to the log's `model_ready`. The first round warms the disk's
cache and does not count. `--python` as in benchmarks/footprint.py.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.figures import percentile, row
from benchmarks.footprint import compile_unit, running
from tests.broker.mosquitto import Mosquitto
from tests.waiting import eventually

UNITS: dict[str, dict[str, bool]] = {
    "the shipped model": {},
    "a promoted one": {"promoted": True},
    "and one in the shadow": {"promoted": True, "shadow": True},
}
JUDGING_WITHIN_S = 20.0


def started(python: str, directory: Path, port: int, **has: bool) -> tuple[float, float]:
    """Start a unit once; return the seconds until it was armed, and until its model judged."""
    with running(python, directory, port, **has) as (_, armed):
        log, seen_armed = directory / "log", time.monotonic()
        eventually(lambda: b'"model_ready"' in log.read_bytes(), within=JUDGING_WITHIN_S, every=0.002)
        return armed, armed + time.monotonic() - seen_armed


def main() -> int:
    """Measure; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--python", default=sys.executable)
    args = parser.parse_args()
    compile_unit(args.python)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in UNITS}
    with tempfile.TemporaryDirectory() as scratch:
        broker = Mosquitto(Path(scratch) / "mosquitto", "log_type none").start()
        try:
            for _ in range(args.starts + 1):
                for number, (name, has) in enumerate(UNITS.items()):
                    times[name].append(started(args.python, Path(scratch) / str(number), broker.port, **has))
        finally:
            broker.kill()
    print(row(f"median of {args.starts}", "armed", "judging"))
    for name, found in times.items():
        medians = (percentile([pair[which] for pair in found[1:]], 50) for which in (0, 1))
        print(row(name, *(f"{median:.3f} s" for median in medians)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
