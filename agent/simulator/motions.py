"""Motions of a waist-worn accelerometer, made from physics: for the demo, for tests and for training technicians.

The physics (drops, contacts, bounces, gravity, the sensor) are in `agent/simulator/scene.py`; here is what a person
does. Heights, shares and times are drawn from `seed`, within ranges that were set beside SisFall recordings of the
waist (D08 for the hard sit-down, D07 for the soft one, F01 and F08 for the falls, D01 to D03 for walking and jogging):
peak, depth and length of the drop before it, time over 1.6 g, tilt afterwards. `tests/unit/sensors/test_motions.py`
holds them there.

What it is not: a person. There is one way to fall here, forward to lying, and one to sit; no arms, no furniture, no
fall along a wall, no slow sinking to the floor, no worn-loose or dropped sensor. It shows the unit at work and tests
the way from bytes to call. It must not be used to train a model, nor to say how good one is.

Rules of this file: pure; `rate_hz` is samples a second, times begin at 0, the same arguments give the same motion.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

from agent.simulator.scene import Scene

if TYPE_CHECKING:
    from agent.recordings import Sample


class Motion(Protocol):
    """Makes a motion: samples at `rate_hz`, different for each `seed`."""

    def __call__(self, rate_hz: float, seed: int) -> list[Sample]:
        """Return the samples, oldest first."""
        ...


def standing(rate_hz: float, seed: int, seconds: float = 10.0) -> list[Sample]:
    """Return standing still, with the small sway of a person."""
    scene = Scene(seconds, seed)
    for moment in np.arange(0.5, seconds, 0.7):
        scene.tilt_at.append((float(moment), scene.between(-1.5, 1.5)))
    return scene.sensed(rate_hz)


def lying(rate_hz: float, seed: int, seconds: float = 10.0) -> list[Sample]:
    """Return lying still on the front, breathing."""
    scene = Scene(seconds, seed)
    scene.tilt_at = [(0.0, 90 + scene.between(-8, 8))]
    scene.up += 0.008 * np.sin(2 * math.pi * 0.28 * scene.t)
    return scene.sensed(rate_hz)


def walking(rate_hz: float, seed: int, seconds: float = 10.0) -> list[Sample]:
    """Return walking at an even pace."""
    scene = Scene(seconds, seed)
    scene.wait(0.5)
    scene.tilt(scene.between(2, 6))
    scene.steps(seconds - 1, scene.between(1.6, 2.0), scene.between(0.3, 0.42))
    return scene.sensed(rate_hz)


def jogging(rate_hz: float, seed: int, seconds: float = 10.0) -> list[Sample]:
    """Return jogging: each step a flight without weight and a contact that makes up for it."""
    scene = Scene(seconds, seed)
    rate, duty = scene.between(2.5, 2.8), scene.between(0.42, 0.52)
    scene.tilt(8)
    inside = (scene.t > 0.5) & (scene.t < seconds - 1)
    phase = (rate * (scene.t[inside] - 0.5)) % 1
    # The mean over a step is the weight: a half-sine over `duty` of it is pi / (2 duty) high.
    scene.up[inside] = np.where(phase < duty, math.pi / (2 * duty) * np.sin(math.pi * phase / duty), 0.0)
    scene.forward[inside] = 0.3 * np.where(phase < duty, -np.cos(math.pi * phase / duty), 0.0)
    scene.left[inside] = 0.15 * np.sin(math.pi * rate * (scene.t[inside] - 0.5))
    return scene.sensed(rate_hz)


def sitting_down_softly(rate_hz: float, seed: int) -> list[Sample]:
    """Return sitting down on a chair under control, as people mostly do."""
    scene = Scene(12, seed)
    scene.wait(3)
    scene.tilt(0)
    scene.tilt(scene.between(25, 40), after=1.0)
    scene.wait(0.4)
    scene.drop(0.25, scene.between(0.9, 0.94))
    scene.contact(scene.between(0.5, 0.6), 0.7)
    scene.contact(scene.between(0.12, 0.18), 1.0)
    scene.tilt(scene.between(5, 20), after=0.9)
    return scene.sensed(rate_hz)


def sitting_down_hard(rate_hz: float, seed: int) -> list[Sample]:
    """Return letting oneself drop onto a chair: over a plain threshold, and no fall. Then sitting still for 12 s."""
    scene = Scene(17, seed)
    scene.wait(3)
    scene.tilt(0)
    scene.tilt(scene.between(18, 28), after=0.5)
    scene.wait(0.35)
    scene.drop(scene.between(0.06, 0.09), scene.between(0.35, 0.45))  # the knees give way
    scene.contact(scene.between(0.16, 0.2), 0.25)  # the thighs hold against it
    scene.drop(scene.between(0.05, 0.07), scene.between(0.75, 0.85))
    scene.contact(scene.between(0.065, 0.075), 1.0, 0.12)  # the seat
    scene.tilt(scene.between(10, 18))
    scene.tilt(scene.between(4, 14), after=0.5)
    scene.bounces(0.08, 0.4, 1)
    return scene.sensed(rate_hz)


def fall_forward(rate_hz: float, seed: int) -> list[Sample]:
    """Return a few steps, a trip, a fall forward to the floor, and lying still there for over 15 s."""
    scene = Scene(26, seed)
    _fall_from_walking(scene)
    return scene.sensed(rate_hz)


def fall_and_get_up(rate_hz: float, seed: int) -> list[Sample]:
    """Return the same fall, and after four to five seconds on the floor getting up and walking on."""
    scene = Scene(26, seed)
    lying_at = _fall_from_walking(scene)
    scene.wait(scene.between(4, 5))
    scene.tilt(lying_at)
    scene.tilt(60, after=1.2)  # on hands and knees
    scene.tilt(45, after=2.2)
    scene.tilt(0, after=3.6)
    inside = (scene.t > scene.now) & (scene.t < scene.now + 3.6)
    effort = scene.t[inside] - scene.now
    scene.up[inside] += 0.12 * np.sin(2 * math.pi * effort / 1.2)
    scene.left[inside] += 0.1 * np.sin(2 * math.pi * effort / 1.8)
    scene.wait(4.2)
    scene.steps(10, scene.between(1.5, 1.7), 0.2)
    return scene.sensed(rate_hz)


def _fall_from_walking(scene: Scene) -> float:
    """Write the fall that both falls share, from the first step to the floor; return the tilt in degrees there."""
    scene.wait(2)
    scene.steps(2.4, scene.between(1.6, 1.9), scene.between(0.2, 0.3))
    scene.tilt(2)
    scene.tilt(scene.between(8, 15), after=0.25)
    scene.brake_forward(0.12, 0.3)  # the foot is caught
    scene.drop(scene.between(0.15, 0.25), scene.between(0.72, 0.82))
    scene.drop(scene.between(0.22, 0.3), scene.between(0.25, 0.45))
    scene.tilt(scene.between(45, 60))
    scene.contact(scene.between(0.07, 0.09), scene.between(0.3, 0.4))  # knees and hands
    scene.drop(scene.between(0.10, 0.16), scene.between(0.4, 0.6))
    scene.tilt(scene.between(95, 108))
    scene.brake_forward(0.15, scene.between(0.6, 1.0))
    scene.contact(scene.between(0.065, 0.09), 1.0, scene.between(0.12, 0.2))  # pelvis and trunk
    lying_at = scene.between(84, 98)
    scene.tilt(lying_at + scene.between(8, 14), after=0.1)
    scene.tilt(lying_at, after=0.5)
    scene.bounces(0.09, 0.3, 2)
    rest = scene.t >= scene.now
    scene.up[rest] += 0.008 * np.sin(2 * math.pi * 0.28 * (scene.t[rest] - scene.now))  # breathing
    return lying_at


MOTIONS: dict[str, Motion] = {
    "standing": standing,
    "lying": lying,
    "walking": walking,
    "jogging": jogging,
    "sitting-down-softly": sitting_down_softly,
    "sitting-down-hard": sitting_down_hard,
    "fall-forward": fall_forward,
    "fall-and-get-up": fall_and_get_up,
}
"""Every motion by the name under which `nodkald sim` and the demo know it."""
