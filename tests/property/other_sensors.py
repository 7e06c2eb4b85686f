"""What another sensor would have measured of the same motion, and how many verdicts that changes.

    python -m tests.property.other_sensors [../shared/data] [--every 10]

Without a folder: the simulator's motions. Rules of this file: each change is one that a sensor of the market makes; the
verdict is call or no call, of each trigger; triggers of both are paired by their impact (at most 1 s apart), and one
that has no partner is held against "no call", so a call that appears or vanishes counts as changed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.inference import stream
from agent.inference.channels import channels
from agent.inference.stream import MotionStream, Ready
from agent.inference.worker import load_shipped
from agent.simulator.motions import MOTIONS

Floats = NDArray[np.float64]
OFFSET_G = 0.08
"""On each axis: the zero-g tolerance of a common chip in such sensors (MPU-9250: 60 mg on x and y, 80 mg on z)."""
RATE_HZ = 50
CARD, MODEL = load_shipped("fall-waist")


@dataclass(frozen=True, eq=False)
class Motion:
    """Samples (n, 3) in g at `rate_hz`."""

    rate_hz: float
    xyz: Floats


Sensor = Callable[[Motion, np.random.Generator], Motion]


def turned(motion: Motion, rng: np.random.Generator) -> Motion:
    """Turn the axes at random; half of the turns are mirrored, too."""
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return Motion(motion.rate_hz, motion.xyz @ turn)


def offset(motion: Motion, rng: np.random.Generator) -> Motion:
    """Add a constant at the end of the tolerance, on every axis."""
    return Motion(motion.rate_hz, motion.xyz + OFFSET_G * rng.choice([-1.0, 1.0], 3))


def eight_bits(motion: Motion, rng: np.random.Generator) -> Motion:
    """Round to 256 steps over ±16 g: steps of 125 mg."""
    del rng
    return Motion(motion.rate_hz, np.clip(np.round(motion.xyz * 8), -128, 127) / 8)


def slower(factor: int) -> Sensor:
    """Take the mean of `factor` samples for one."""

    def measure(motion: Motion, rng: np.random.Generator) -> Motion:
        del rng
        count = len(motion.xyz) // factor
        return Motion(motion.rate_hz / factor, motion.xyz[: count * factor].reshape(count, factor, 3).mean(axis=1))

    return measure


def faster(factor: int) -> Sensor:
    """Sample the band-limited motion `factor` times as often; mirrored at its end, so that no step is made there."""

    def measure(motion: Motion, rng: np.random.Generator) -> Motion:
        del rng
        there_and_back = np.concatenate((motion.xyz, motion.xyz[::-1]))
        fine = np.fft.irfft(np.fft.rfft(there_and_back, axis=0), factor * len(there_and_back), axis=0) * factor
        return Motion(motion.rate_hz * factor, fine[: factor * len(motion.xyz)])

    return measure


SENSORS: dict[str, Sensor] = {
    "axes turned": turned,
    "offset of 80 mg": offset,
    "8 bit": eight_bits,
    "half the rate": slower(2),
    "twice the rate": faster(2),
    "four times the rate": faster(4),
}


def verdicts(motion: Motion) -> list[tuple[float, bool]]:
    """Return the impact and whether it is a call, of each trigger."""
    times = np.arange(len(motion.xyz)) / motion.rate_hz
    state, events = stream.push(MotionStream(), times, motion.xyz)
    events += stream.finish(state)[1]
    ready = [event for event in events if isinstance(event, Ready)]
    return [(r.impact_at, r.damaged or MODEL.score(channels(r.xyz)) >= CARD.threshold) for r in ready]


def changed(before: list[tuple[float, bool]], after: list[tuple[float, bool]]) -> tuple[int, int]:
    """Return how many triggers there are in either, and how many of them have another verdict in the other."""
    left = list(after)
    count = differ = 0
    for at, call in before:
        partner = min(left, key=lambda other: abs(other[0] - at), default=(np.inf, False))
        if abs(partner[0] - at) > 1.0:
            partner = (np.inf, False)
        else:
            left.remove(partner)
        count, differ = count + 1, differ + (partner[1] != call)
    return count + len(left), differ + sum(call for _, call in left)


def shares(motions: Iterable[Motion]) -> dict[str, tuple[int, int, int, int]]:
    """Return by sensor: triggers, of them changed, motions, of them changed from a call to none or back."""
    counted = {name: np.zeros(4, dtype=int) for name in SENSORS}
    for seed, motion in enumerate(motions):
        before = verdicts(motion)
        for name, measure in SENSORS.items():
            other = measure(motion, np.random.default_rng(seed))
            if not 25 <= other.rate_hz <= 220:
                continue
            after = verdicts(other)
            calls = [any(call for _, call in found) for found in (before, after)]
            counted[name] += (*changed(before, after), 1, calls[0] != calls[1])
    return {name: tuple(map(int, row)) for name, row in counted.items()}  # type: ignore[misc]  # because a row has four


def simulated(seeds: Iterable[int]) -> list[Motion]:
    """Return every motion of the simulator for each seed."""
    return [Motion(RATE_HZ, np.array(make(RATE_HZ, seed))[:, 1:]) for seed in seeds for make in MOTIONS.values()]


def recorded(folder: Path, every: int) -> list[Motion]:
    """Return each `every`th recording of waist and hip."""
    from training.recordings import load  # noqa: PLC0415 - the simulator's motions need no training code

    return [Motion(recording.rate_hz, recording.xyz_g) for recording in load(folder)[::every]]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--every", type=int, default=10)
    args = parser.parse_args()
    motions = recorded(args.data, args.every) if args.data else simulated(range(20))
    for name, (triggers, other, count, calls) in shares(motions).items():
        by_trigger = f"{other} of {triggers} triggers = {100 * other / max(1, triggers):.2f} %"
        print(f"{name:<20} {by_trigger:<34} {calls} of {count} motions = {100 * calls / count:.2f} %")  # noqa: T201 - it prints


if __name__ == "__main__":
    main()
