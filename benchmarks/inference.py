"""What judging a fall costs: one window from samples to verdict, and a day of 50 Hz data through `nodkald replay`.

    python -m benchmarks.inference [--windows 400] [--hours 24]

On one core (the process binds itself to one). Two figures, each beside a baseline measured in the same run:

`window`: the channels and the evidence from a window's 200 samples, the model's answer, policy, reasons and assessment,
by the detector's own steps, as the unit takes them; median and 99th percentile. Baseline: the model's interpreter
alone, asked about the same windows by nothing but its own three calls.

`day`: a recording of a lived day as a CSV file on disk, given to the command `nodkald replay`: reading, resampling,
triggers, scores, core and lines. It holds 400 motions of the simulator (walking, jogging, sitting down, falls) with
some 700 triggers, between them standing and lying with a sensor's noise. Baseline: the same file read by NumPy and
held against a plain threshold of 2.13 g, which is what reading the data costs at the least.

Targets: a window at most 1 ms (median), a day at most 10 s; exit code 1 if one is missed.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ai_edge_litert import interpreter as litert
from numpy.typing import NDArray

from agent import replay
from agent.clock import Now
from agent.effects import Score
from agent.inference import detector, stream
from agent.inference.cards import load_card, load_file
from agent.inference.channels import channels
from agent.inference.detector import Wearable
from agent.inference.runner import Model, make_interpreter, quantised
from agent.profiles import FallPolicy
from agent.readings import Scored
from agent.simulator.motions import MOTIONS
from benchmarks.figures import percentile, row

RATE_HZ = 50
MOVES = ("walking", "sitting-down-softly", "jogging", "sitting-down-hard", "fall-forward", "fall-and-get-up")
MOTIONS_IN_A_DAY = 400
NOISE_G = 0.004
WINDOW_TARGET_MS = 1.0
DAY_TARGET_S = 10.0
REFERENCE_G = 2.13
Floats = NDArray[np.float64]


def lived(hours: float, seed: int = 4) -> Floats:
    """Return a life at 50 Hz, shape (n, 3) in g: rest, and motions spread over it."""
    rng = np.random.default_rng(seed)
    count = round(hours * 3600 * RATE_HZ)
    xyz = np.where((np.arange(count) // (RATE_HZ * 3600) % 24 < 8)[:, None], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0])
    xyz += rng.normal(0, NOISE_G, xyz.shape)
    made = [np.array(MOTIONS[move](RATE_HZ, seed))[:, 1:] for seed in range(4) for move in MOVES]
    number = max(1, round(MOTIONS_IN_A_DAY * hours / 24))
    starts = np.linspace(0, count - 30 * RATE_HZ, number).astype(int)
    for start, motion in zip(starts, itertools.cycle(made)):
        xyz[start : start + len(motion)] = motion
    return xyz


# ---------------------------------------------------------------- one window


def seconds_per_window(count: int) -> tuple[list[float], list[float]]:
    """Return how long each window took from its samples to its assessment, and in the bare interpreter."""
    card = load_card("fall-waist")
    model = Model(card, load_file(card))
    bare = make_interpreter(litert, load_file(card))
    into, out = bare.get_input_details()[0], bare.get_output_details()[0]
    whole, alone = list[float](), list[float]()
    for ready in itertools.islice(itertools.cycle(windows()), count):
        state, _ = detector.start({"wearable": Wearable(FallPolicy(), card)}, None, Now(0.0, 0.0), id_prefix="b.")
        now = Now(ready.impact_at, 0.0)
        began = time.perf_counter()
        state, asked = detector._ready(state, "wearable", ready, now)  # noqa: SLF001 - from the window on, no earlier
        request = next(effect for effect in asked if isinstance(effect, Score))
        state, told = state.step(Scored(request.trigger_id, model.score(request.window), 0.0), now)
        whole.append(time.perf_counter() - began)
        assert told
        tensor = quantised(channels(ready.xyz), card.input).reshape(into["shape"])
        began = time.perf_counter()
        bare.set_tensor(into["index"], tensor)
        bare.invoke()
        bare.get_tensor(out["index"])
        alone.append(time.perf_counter() - began)
    return whole, alone


def windows() -> list[stream.Ready]:
    """Return the whole windows of an hour."""
    xyz = lived(1.0)
    state, events = stream.push(stream.MotionStream(), np.arange(len(xyz)) / RATE_HZ, xyz)
    events += stream.finish(state)[1]
    return [event for event in events if isinstance(event, stream.Ready) and not event.damaged]


# ---------------------------------------------------------------- a day


def write(path: Path, xyz: Floats) -> None:
    """Write the recording as `nodkald replay` reads it."""
    with path.open("w", encoding="utf-8") as file:
        file.write("t_s,ax_g,ay_g,az_g\n")
        np.savetxt(file, np.column_stack((np.arange(len(xyz)) / RATE_HZ, xyz)), "%.6f,%.4f,%.4f,%.4f")


def seconds_to_replay(path: Path) -> tuple[float, dict[str, int]]:
    """Return how long the command takes, and what it counted."""
    parser = argparse.ArgumentParser()
    replay.configure(parser)
    args = parser.parse_args(["--profile", "simulated-home", "--sensor", "wearable", str(path)])
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        began = time.perf_counter()
        assert replay.run(args) == 0
        taken = time.perf_counter() - began
    counted: dict[str, int] = json.loads(printed.getvalue().splitlines()[-1])["summary"]
    return taken, counted


def seconds_of_threshold(path: Path) -> float:
    """Return how long the plain threshold takes over the same file."""
    began = time.perf_counter()
    xyz = np.loadtxt(path, delimiter=",", skiprows=1)[:, 1:]
    assert ((xyz * xyz).sum(axis=1) > REFERENCE_G**2).any()
    return time.perf_counter() - began


def main() -> int:
    """Measure, print, and say whether the targets are met."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--windows", type=int, default=400)
    parser.add_argument("--hours", type=float, default=24.0, help="length of the day; the target is for 24")
    args = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    whole, alone = seconds_per_window(args.windows)
    print(row(f"{args.windows} windows", "median", "p99"))
    for name, taken in (("ours, window to verdict", whole), ("bare interpreter", alone)):
        print(row(name, f"{1000 * statistics.median(taken):.3f} ms", f"{1000 * percentile(taken, 99):.3f} ms"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "day.csv"
        write(path, lived(args.hours))
        plain = seconds_of_threshold(path)
        taken_s, counted = seconds_to_replay(path)
    print(row(f"{args.hours:g} h of {RATE_HZ} Hz", "time", "triggers", "calls"))
    print(row("nodkald replay", f"{taken_s:.2f} s", str(counted["triggers"]), str(counted["calls"])))
    print(row("read, plain threshold", f"{plain:.2f} s"))
    met = statistics.median(whole) * 1000 <= WINDOW_TARGET_MS and taken_s <= DAY_TARGET_S
    print(f"targets met (window {WINDOW_TARGET_MS:g} ms, day {DAY_TARGET_S:g} s): {'yes' if met else 'NO'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
