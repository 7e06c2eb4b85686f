"""`python -m training.stillness --data ../shared/data`: how far a worn sensor that keeps still is from a table.

Prints the slow movement (`agent/inference/stillness.py`) of every stretch of the recordings, one beginning each
second, its lowest values, and beside them that of a sensor with nothing but noise. Nobody wore a sensor for a night in
the data, and nobody left one on a table: the first is shown by people who stand, sit, and lie for some seconds after
a fall, the second is made of the noise that data sheets name. Then for how long a body weighs nothing before the impact
of a trigger, which is what a dropped sensor is told by first (`agent/inference/drop.py`).

Rules of this file: reads and prints; the level itself stands in the code that uses it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agent.inference import drop, stream
from agent.inference.drop import FLIGHT_G, FLIGHT_MS, Found, flight_ms
from agent.inference.motion_features import Second
from agent.inference.resample import Floats
from agent.inference.stillness import REST_G, STRETCH_S, movement_g
from agent.inference.stream import MotionStream, Ready
from training.recordings import Recording, load

SENSORS = (  # noise at rest: rate in Hz, rms of a sample in g, step in g
    ("MPU-9250, 300 ug/rtHz, 100 Hz", 100, 0.0021, 0.0005),
    ("the same, sampled at 25 Hz", 25, 0.0021, 0.0005),
    ("MPU-6050, 400 ug/rtHz, 100 Hz", 100, 0.0028, 0.0005),
    ("ADXL345, one step of noise, 50 Hz", 50, 0.0039, 0.0039),
    ("simulated home, 4 mg, 100 Hz", 100, 0.004, 0.0005),
)
TRIALS = 2000


def stretches(recording: Recording) -> Iterator[float]:
    """Yield the slow movement in g of every stretch of a recording, one beginning each second."""
    rate = round(recording.rate_hz)
    length = round(STRETCH_S * recording.rate_hz)
    for first in range(0, len(recording.xyz_g) - length + 1, rate):
        t = np.arange(length) / recording.rate_hz
        yield movement_g(t, recording.xyz_g[first : first + length])


def of_a_table(rate_hz: int, noise_g: float, step_g: float) -> Floats:
    """Return the slow movement in g of `TRIALS` stretches of noise."""
    random = np.random.default_rng(20261122)
    count = round(STRETCH_S * rate_hz)
    t = np.arange(count) / rate_hz
    made = random.normal((0.3, 0.5, 0.81), noise_g, (TRIALS, count, 3))
    return np.array([movement_g(t, np.round(xyz / step_g) * step_g) for xyz in made])


def events_of(recording: Recording) -> list[stream.Found]:
    """Return what the unit's stream makes of a recording."""
    state, found = stream.push(MotionStream(), recording.times, recording.xyz_g)
    return found + stream.finish(state)[1]


def flights(events: list[stream.Found]) -> Iterator[float]:
    """Yield for how many milliseconds each trigger's window was without weight before its impact."""
    return (flight_ms(event.xyz, event.before) for event in events if isinstance(event, Ready))


def watches(events: list[stream.Found]) -> Iterator[bool]:
    """Yield for each second whether the watch after a flight, were it begun there, would find a dropped sensor."""
    seconds = [event for event in events if isinstance(event, Second)]
    for first in range(len(seconds) - drop.SECONDS + 1):
        watch = drop.Watch(seconds[first].at - 1.0 - drop.SETTLE_S)
        for second in seconds[first : first + drop.SECONDS]:
            watch = drop.saw(watch, second)
        yield watch.found is Found.DROPPED


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="How far a still sensor that is worn is from one on a table.")
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER")
    args = parser.parse_args()
    recordings = load(args.data)
    found = [(g, recording) for recording in recordings for g in stretches(recording)]
    found.sort(key=lambda entry: entry[0])
    people = len({recording.subject for _, recording in found})
    moved = 1000 * np.array([g for g, _ in found])
    print(f"worn: {len(moved)} stretches of {STRETCH_S:g} s, {people} people, in mg")
    print(f"  lowest {moved[0]:.2f}, one in a thousand {np.quantile(moved, 0.001):.2f}, one in a hundred ", end="")
    print(f"{np.quantile(moved, 0.01):.2f}; {np.count_nonzero(moved <= 1000 * REST_G)} at rest ({1000 * REST_G:.2f})")
    for g, recording in found[:3]:
        print(f"  {1000 * g:.2f}  {recording.rec_id}  {recording.activity}  {recording.age_group}")
    print("on a table, in mg: median, highest, share at rest")
    for name, rate_hz, noise_g, step_g in SENSORS:
        lies = 1000 * of_a_table(rate_hz, noise_g, step_g)
        rests = float((lies <= 1000 * REST_G).mean())
        print(f"  {name:36} {np.median(lies):.2f}  {lies.max():.2f}  {rests:.4f}")
    made = [(recording.is_fall, events_of(recording)) for recording in recordings]
    print(f"under {FLIGHT_G} g before the impact of a trigger, in ms; a dropped sensor has {FLIGHT_MS:g} and more")
    for what, falls in (("falls", True), ("daily life", False)):
        flown = np.array([ms for is_fall, events in made if is_fall is falls for ms in flights(events)])
        print(f"  {what:10} {len(flown)} windows, longest {flown.max():g}, over 100: {np.count_nonzero(flown > 100)}")
    lay = [found for _, events in made for found in watches(events)]
    print(f"ten seconds of a worn sensor that pass for a dropped one's: {sum(lay)} of {len(lay)}")


if __name__ == "__main__":
    main()
