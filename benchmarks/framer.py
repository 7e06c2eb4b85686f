"""How much faster the WT901 framer is than a 200 Hz stream of acceleration, angular rate and angle (6,600 bytes/s).

Run `python -m benchmarks.framer [--repeats N]`. The stream comes as the driver reads it, 0.05 s at a time; the median
of the repeats counts. The target is 100 times on one core; exit code 1 if it is missed.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time

from agent.sensors.wt901 import FrameId, Wt901Framer, encode_acceleration, encode_words

RATE_HZ = 200
SECONDS = 60
READ_S = 0.05
TARGET = 100


def stream() -> bytes:
    """Return a minute of frames, with sensor noise, and one burst of garbage in each second."""
    rng = random.Random(1)  # noqa: S311 - because noise is no secret
    out = bytearray()
    for sample in range(RATE_HZ * SECONDS):
        out += encode_acceleration(rng.gauss(0, 1), rng.gauss(0, 1), rng.gauss(1, 1))
        out += encode_words(FrameId.ANGULAR_RATE, *(rng.randrange(-9000, 9000) for _ in range(3)), 0)
        out += encode_words(FrameId.ANGLE, *(rng.randrange(-32768, 32767) for _ in range(3)), 0)
        if sample % RATE_HZ == 0:
            out += rng.randbytes(50)
    return bytes(out)


def seconds_to_take(data: bytes) -> float:
    """Return how long a fresh framer works on `data`, read by read."""
    step = round(len(data) / SECONDS * READ_S)
    chunks = [data[at : at + step] for at in range(0, len(data), step)]
    framer = Wt901Framer()
    began = time.perf_counter()
    for chunk in chunks:
        framer.feed(chunk)
    taken = time.perf_counter() - began
    assert framer.good_frames >= 3 * RATE_HZ * SECONDS - 3 * SECONDS
    return taken


def main() -> int:
    """Measure, print, and say whether the target is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    args = parser.parse_args()
    data = stream()
    taken = statistics.median(seconds_to_take(data) for _ in range(args.repeats))
    ratio = SECONDS / taken
    frames = 3 * RATE_HZ * SECONDS
    print(f"framer: {frames / taken:,.0f} frames/s, {ratio:,.0f} times a {RATE_HZ} Hz stream (target {TARGET})")
    return 0 if ratio >= TARGET else 1


if __name__ == "__main__":
    raise SystemExit(main())
