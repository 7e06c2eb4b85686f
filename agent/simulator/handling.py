"""Motions of a sensor that leaves its wearer: taken off and put on a table, dropped on the floor, lying, put on again.

Physics as in `agent/simulator/scene.py`, without a body: what falls weighs nothing, a floor stops it in some
milliseconds and throws a part of the speed back, and what lies does not breathe. Drawn from `seed`: the height (a hand,
a table, a shelf), the floor's hardness, how the hand turns it, how it lies in the end.

What it is not: measured. Nobody's dropped or laid down sensor is in the data (docs/model/card.md). No footsteps shake
the table, no pocket and no bag.

Rules of this file: pure; `rate_hz` is samples a second, times begin at 0, the same arguments give the same motion.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from agent.simulator.scene import GRAVITY, NOISE_G, Scene

if TYPE_CHECKING:
    from agent.recordings import Sample

FULL_SCALE_G = 16.0
LYING_S = 20.0
"""How long it is seen lying, in the motions that end so."""


def taken_off(rate_hz: float, seed: int) -> list[Sample]:
    """Return standing, taking the sensor off, and putting it on a table, where it lies for `LYING_S`."""
    scene = Scene(9 + LYING_S, seed)
    _stand(scene, 3)
    _turn_in_hand(scene, 3)
    lies_at = _settle(scene)
    scene.tilt(lies_at, after=0.8)
    scene.wait(0.9)
    _shock(scene, speed=scene.between(0.03, 0.1), seconds=0.006)
    return _sensed(scene, rate_hz)


def dropped(rate_hz: float, seed: int) -> list[Sample]:
    """Return standing, taking the sensor off, letting it fall to the floor, where it lies for `LYING_S`."""
    scene = Scene(9 + LYING_S, seed)
    _stand(scene, 3)
    _turn_in_hand(scene, 3)
    height, bounce = scene.between(0.7, 1.3), scene.between(0.25, 0.45)
    speed = math.sqrt(2 * GRAVITY * height)
    _fly(scene, speed / GRAVITY)
    while speed > 0.2:
        _shock(scene, speed * (1 + bounce), scene.between(0.004, 0.009))
        speed *= bounce
        _fly(scene, 2 * speed / GRAVITY)
    _shock(scene, speed, 0.006)
    scene.tilt_at.append((scene.now, _settle(scene)))
    return _sensed(scene, rate_hz)


def put_on(rate_hz: float, seed: int) -> list[Sample]:
    """Return picking the sensor up from a table and putting it on, and standing then."""
    scene = Scene(12, seed)
    scene.tilt(_settle(scene))
    scene.wait(2)
    _turn_in_hand(scene, 5)
    scene.tilt(0, after=0.6)
    scene.wait(1)
    _stand(scene, 4)
    return _sensed(scene, rate_hz)


def lying_on_table(rate_hz: float, seed: int, seconds: float = 3600.0) -> list[Sample]:
    """Return nothing but gravity and the sensor's noise."""
    random = np.random.default_rng(seed)
    way = random.normal(0, 1, 3)
    g = way / np.linalg.norm(way) + random.normal(0, NOISE_G, (round(seconds * rate_hz), 3))
    return [(index / rate_hz, x, y, z) for index, (x, y, z) in enumerate(g.tolist())]


def _stand(scene: Scene, seconds: float) -> None:
    """Breathe and sway a little for `seconds`."""
    for moment in np.arange(0.0, seconds - 0.5, 0.7):
        scene.tilt(scene.between(-1.5, 1.5), after=float(moment))
    scene.wait(seconds)


def _turn_in_hand(scene: Scene, seconds: float) -> None:
    """Turn the sensor this way and that for `seconds`, as fingers do with a clip."""
    inside = (scene.t >= scene.now) & (scene.t < scene.now + seconds)
    since = scene.t[inside] - scene.now
    fade = np.sin(math.pi * since / seconds)
    for moment in np.arange(0.3, seconds, 0.6):
        scene.tilt(scene.between(-80, 80), after=float(moment))
    for force in (scene.up, scene.forward, scene.left):
        force[inside] += fade * scene.between(0.05, 0.15) * np.sin(2 * math.pi * scene.between(1.5, 4) * since)
    scene.wait(seconds)


def _settle(scene: Scene) -> float:
    """Return the tilt in degrees in which it comes to lie: on one of its flat sides."""
    return float(scene.random.choice([-90.0, 90.0, 180.0])) + scene.between(-2, 2)


def _fly(scene: Scene, seconds: float) -> None:
    """Weigh nothing for `seconds`."""
    scene.up[(scene.t >= scene.now) & (scene.t < scene.now + seconds)] = 0.0
    scene.wait(seconds)


def _shock(scene: Scene, speed: float, seconds: float) -> None:
    """Meet something hard that takes out `speed` m/s within `seconds`."""
    inside = (scene.t >= scene.now) & (scene.t < scene.now + seconds)
    height = math.pi * speed / (2 * seconds * GRAVITY)
    scene.up[inside] = 1 + height * np.sin(math.pi * (scene.t[inside] - scene.now) / seconds)
    scene.wait(seconds)


def _sensed(scene: Scene, rate_hz: float) -> list[Sample]:
    return [(t, _clipped(x), _clipped(y), _clipped(z)) for t, x, y, z in scene.sensed(rate_hz)]


def _clipped(axis: float) -> float:
    return min(FULL_SCALE_G, max(-FULL_SCALE_G, axis))
