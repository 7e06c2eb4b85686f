"""The physics under `agent/simulator/motions.py`: motion is written as forces and tilt, and felt by a worn sensor.

What the sensor feels is the force that holds the body up, per weight: 1 g upward at rest, less while the body drops,
more while something stops it. Each motion is written as that force over time and the trunk's tilt over time:

- **Dropping.** Legs that give way still carry a share `s` of the weight, so the waist drops with (1 - s) g. Through a
  height h that takes sqrt(2 h / ((1 - s) g)) seconds and ends at (1 - s) g times that: 0.50 m at s = 0.45 give 0.43 s
  and 2.3 m/s.
- **Contacts.** Seat, knees and floor are damped springs: over a contact time T they push as a half-sine, whose height
  follows from the speed v that it takes out: pi v (1 + e) / (2 T) on top of the weight. 2 m/s in 0.08 s with e = 0.15
  are 4.6 g. Speed is accounted for throughout: what gravity puts in, contacts take out, and the motion ends at rest.
- **Bounces.** After a contact the body leaves with e v, drops back after 2 e v / ((1 - s) g) and hits again.
- **Shaking.** A contact makes soft tissue and belt ring for some tens of milliseconds, at 9 to 18 Hz in any direction.
- **Gravity.** Force in the room is turned into the trunk: standing reads +1 g on z, lying on the front -1 g on x.
  Axes: x forward, y left, z up along the trunk, then turned a little, as a belt clip sits.
- **The sensor** averages over its sampling period and adds white noise of 4 mg.

Rules of this file: pure, seeded, and no motion of its own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agent.recordings import Sample

GRAVITY = 9.81
FINE_HZ = 1000
NOISE_G = 0.004
LET_GO_S = 0.04
"""Muscles and joints let go over about this time, not at once."""


class Scene:
    """A motion being written, millisecond by millisecond: forces in the room (in weights) and the trunk's tilt.

    `now` is where the writing stands, in seconds; `speed` is the waist's downward speed there, in m/s, and `carried`
    the share of the weight that legs or floor carry.
    """

    def __init__(self, seconds: float, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.t: NDArray[np.float64] = np.arange(round(seconds * FINE_HZ)) / FINE_HZ
        self.up = np.ones_like(self.t)
        self.forward = np.zeros_like(self.t)
        self.left = np.zeros_like(self.t)
        self.shaking = np.zeros((len(self.t), 3))
        self.tilt_at: list[tuple[float, float]] = [(0.0, 0.0)]
        self.now = 0.0
        self.speed = 0.0
        self.carried = 1.0

    def between(self, low: float, high: float) -> float:
        """Return a number drawn evenly from `low` to `high`."""
        return float(self.random.uniform(low, high))

    def wait(self, seconds: float) -> None:
        """Stay as it is for `seconds`."""
        self.now += seconds

    def drop(self, height: float, share: float) -> None:
        """Drop by `height` metres more while the legs carry `share` of the weight."""
        pull = (1 - share) * GRAVITY
        seconds = (math.sqrt(self.speed**2 + 2 * pull * height) - self.speed) / pull
        self._sink(seconds, share)

    def _sink(self, seconds: float, share: float) -> None:
        inside = (self.t >= self.now) & (self.t < self.now + seconds)
        carried = self.carried + (share - self.carried) * np.minimum(1.0, (self.t[inside] - self.now) / LET_GO_S)
        self.up[inside] = carried
        self.speed += float(np.sum(1 - carried)) / FINE_HZ * GRAVITY
        self.now += seconds
        self.carried = share

    def contact(self, seconds: float, taken: float, bounce: float = 0.0) -> None:
        """Meet something for `seconds` that takes out `taken` of the speed (0 to 1) and throws `bounce` of it back."""
        change = self.speed * (taken + bounce)
        height = math.pi * change / (2 * seconds * GRAVITY)
        inside = (self.t >= self.now) & (self.t < self.now + seconds)
        self.up[inside] = 1 + height * np.sin(math.pi * (self.t[inside] - self.now) / seconds)
        self._shake(height)
        self.now += seconds
        self.speed -= change
        self.carried = 1.0

    def bounces(self, seconds: float, share: float, times: int) -> None:
        """Fall back and meet the floor again, `times` times, each with a fifth of the speed; then lie."""
        for left_over in range(times - 1, -1, -1):
            thrown_up = max(0.0, -self.speed)
            self._sink(2 * thrown_up / ((1 - share) * GRAVITY), share)
            self.speed = thrown_up
            self.contact(seconds, 1.0, 0.2 if left_over else 0.0)
        self.speed = 0.0

    def brake_forward(self, seconds: float, speed: float) -> None:
        """Lose `speed` m/s of forward speed over `seconds` from now, as a half-sine."""
        inside = (self.t >= self.now) & (self.t < self.now + seconds)
        height = math.pi * speed / (2 * seconds * GRAVITY)
        self.forward[inside] -= height * np.sin(math.pi * (self.t[inside] - self.now) / seconds)

    def tilt(self, degrees: float, after: float = 0.0) -> None:
        """Let the trunk lean forward by `degrees` (90 lies on the front) at `after` seconds from now."""
        self.tilt_at.append((self.now + after, degrees))

    def steps(self, seconds: float, rate: float, strength: float) -> None:
        """Walk for `seconds` from now: `rate` steps a second, bobbing by `strength` g, with heel strikes."""
        inside = (self.t >= self.now) & (self.t < self.now + seconds)
        phase = 2 * math.pi * rate * (self.t[inside] - self.now)
        fade = np.minimum(1.0, np.minimum(phase, phase[-1] - phase) / math.pi) if len(phase) else phase
        strike = np.exp(-((phase % (2 * math.pi)) / (2 * math.pi * rate * 0.035))) * strength * 0.6
        jitter = 1 + 0.15 * np.sin(phase / 3.7 + self.between(0, 6))
        self.up[inside] += fade * jitter * (strength * np.sin(phase) + strike - strike.mean())
        self.forward[inside] += fade * 0.5 * strength * np.cos(phase + 0.4)
        self.left[inside] += fade * 0.4 * strength * np.sin(phase / 2)
        self.now += seconds

    def _shake(self, height: float) -> None:
        since = np.clip(self.t - self.now, 0, None)
        envelope = (since > 0) * np.exp(-since / self.between(0.04, 0.09))
        for axis in range(3):
            tone = np.sin(2 * math.pi * self.between(9, 18) * since + self.between(0, 6))
            self.shaking[:, axis] += self.between(0.08, 0.2) * height * envelope * tone

    def sensed(self, rate_hz: float) -> list[Sample]:
        """Return what the sensor reports of it all."""
        moments, degrees = zip(*sorted(self.tilt_at), strict=True)
        turning = np.interp(self.t, moments, degrees)
        smooth = np.hanning(round(0.16 * FINE_HZ))
        turning = np.convolve(np.pad(turning, len(smooth), mode="edge"), smooth / smooth.sum(), "same")
        lean = np.radians(turning[len(smooth) : -len(smooth)])
        ahead = self.forward * np.cos(lean) - self.up * np.sin(lean)
        along = self.forward * np.sin(lean) + self.up * np.cos(lean)
        trunk = np.stack([ahead, self.left, along], axis=1) + self.shaking
        worn = trunk @ _turned(self.between(-12, 12), self.between(-12, 12)).T
        averaged = max(1, round(FINE_HZ / rate_hz))
        count = int(self.t[-1] * rate_hz)
        last = (np.arange(1, count + 1) * FINE_HZ / rate_hz).astype(int)
        first = np.maximum(last - averaged, 0)
        sums = np.concatenate([np.zeros((1, 3)), np.cumsum(worn, axis=0)])
        g = (sums[last] - sums[first]) / (last - first)[:, None] + self.random.normal(0, NOISE_G, (count, 3))
        return [(index / rate_hz, float(x), float(y), float(z)) for index, (x, y, z) in enumerate(g)]


def _turned(roll: float, pitch: float) -> NDArray[np.float64]:
    """Return the rotation of a clip that sits `roll` and `pitch` degrees askew."""
    r, p = math.radians(roll), math.radians(pitch)
    about_x = np.array([[1, 0, 0], [0, math.cos(r), -math.sin(r)], [0, math.sin(r), math.cos(r)]])
    about_y = np.array([[math.cos(p), 0, math.sin(p)], [0, 1, 0], [-math.sin(p), 0, math.cos(p)]])
    both: NDArray[np.float64] = about_x @ about_y
    return both
