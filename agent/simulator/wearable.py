"""A wearable to try the unit with: a pseudo-terminal on which a thread speaks WT901 as the device does.

What the unit sees is a real serial port behind a stable path: real bytes in bursts, a real hang-up when it is
unplugged, and lost bytes when it reads too late. As on USB, nothing is kept while nobody has the port open.

Rules of this file: the thread wakes fifty times a second and does nothing else; all orders (`play`, `mute`, …) may come
from any thread. The path is a symlink that this simulator owns: it replaces and removes it.
"""

from __future__ import annotations

import math
import os
import random
import select
import threading
import time
import tty
from bisect import bisect_right
from typing import TYPE_CHECKING

import structlog

from agent.errors import SimulatorError
from agent.sensors.wt901 import FrameId, encode_acceleration, encode_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from agent.recordings import Sample

BURST_S = 0.04
CATCH_UP_S = 0.5
"""A thread that was held up for longer than this leaves samples out instead of sending them all at once."""

NOISE_G = 0.004
BREATH_S = 4.0
"""Keeping still repeats with every breath: one is made, with its noise, because a home stands still for years."""
BREATH_G = 0.008
"""How much a breath tilts gravity, to either side. A sensor that nobody wears has none."""

POSTURE_S = 0.5
"""The posture after a motion is the mean of its last this many seconds."""

GARBAGE_PER_BURST = 460  # bytes: what 115200 baud carries in 0.04 s

_log = structlog.get_logger()


class SimulatedWearable:
    """A WT901 reachable at `link`, which sends acceleration, angular rate and angle `rate_hz` times a second.

    It begins plugged in, upright and worn: still, breathing, with sensor noise.
    `monotonic` gives seconds, `seed` the noise.
    """

    def __init__(
        self, link: Path, rate_hz: float, *, monotonic: Callable[[], float] = time.monotonic, seed: int = 1
    ) -> None:
        self._link = link
        self._period = 1 / rate_hz
        self._breath = round(BREATH_S * rate_hz)
        self._monotonic = monotonic
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="simulated-wearable", daemon=True)
        self._master: int | None = None
        self._muted = False
        self._garbage = 0
        self._still: list[bytes] = []
        self._sent = 0
        self._motion: Sequence[Sample] = ()
        self._motion_times: list[float] = []
        self._motion_began = 0.0
        self._speed = 1.0
        self._keep_still((0.0, 0.0, 1.0), BREATH_G)

    def start(self) -> None:
        """Plug the wearable in and begin to send. Raises SimulatorError if the path can't be made."""
        self.replug()
        self._thread.start()

    def stop(self) -> None:
        """Unplug, and end the thread. May be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(1.0)
        self.unplug()

    def play(self, samples: Sequence[Sample], speed: float = 1.0, *, worn: bool = True) -> float:
        """Move as `samples` say, `speed` times as fast, and stay in the last posture; return the seconds it takes.

        `worn` says whether somebody breathes in it then.
        A motion still being played ends at once. Raises SimulatorError on an empty motion or a speed of 0 or less.
        """
        if not samples or speed <= 0:
            raise SimulatorError("nothing to play: give at least one sample, and a speed above 0")
        with self._lock:
            self._motion = samples
            self._motion_times = [sample[0] for sample in samples]
            self._motion_began = self._monotonic()
            self._speed = speed
            self._keep_still(_posture_at_end(samples), BREATH_G if worn else 0.0)
        return (samples[-1][0] - samples[0][0]) / speed

    @property
    def playing(self) -> bool:
        """Whether a motion is under way."""
        with self._lock:
            elapsed = (self._monotonic() - self._motion_began) * self._speed
            return bool(self._motion) and elapsed <= self._motion_times[-1] - self._motion_times[0]

    def mute(self) -> None:
        """Send nothing, and stay plugged in."""
        self._muted = True

    def unmute(self) -> None:
        """Send again."""
        self._muted = False

    def send_garbage(self, count: int) -> None:
        """Mix `count` random bytes into the stream, as fast as a line at 115200 baud carries them."""
        with self._lock:
            self._garbage += count

    def unplug(self) -> None:
        """Take the device away: the path disappears, and whoever has it open sees a hang-up. May be called twice."""
        with self._lock:
            if self._master is None:
                return
            self._link.unlink(missing_ok=True)
            os.close(self._master)
            self._master = None

    def replug(self) -> None:
        """Put the device back at the same path, on another pseudo-terminal. Raises SimulatorError if that fails."""
        with self._lock:
            if self._master is not None:
                return
            try:
                self._master = self._plug_in()
            except OSError as error:
                raise SimulatorError(f"{self._link}: can't simulate a wearable there: {error}") from error

    def _plug_in(self) -> int:
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        beside = self._link.with_name(f".{self._link.name}.new")
        try:
            self._link.parent.mkdir(parents=True, exist_ok=True)
            beside.unlink(missing_ok=True)
            beside.symlink_to(os.ttyname(slave))
            beside.replace(self._link)
        except OSError:
            os.close(master)
            raise
        finally:
            os.close(slave)  # from now on the master is hung up exactly while nobody has the port open
        return master

    def _run(self) -> None:
        due = self._monotonic()
        while not self._stopping.wait(BURST_S):
            now = self._monotonic()
            if now - due > CATCH_UP_S:
                due = now
            burst = bytearray()
            with self._lock:
                while due <= now:
                    if not self._muted:
                        burst += self._frames(due)
                    due += self._period
                garbage = min(self._garbage, GARBAGE_PER_BURST)
                self._garbage -= garbage
                burst += self._random.randbytes(garbage)
                self._send(bytes(burst))

    def _send(self, burst: bytes) -> None:
        """Write what the kernel takes; the rest is lost, as on a real line that nobody reads."""
        if self._master is None or not burst:
            return
        poll = select.poll()
        poll.register(self._master, select.POLLHUP)
        if any(event & select.POLLHUP for _, event in poll.poll(0)):
            return  # nobody has the port open
        try:
            os.write(self._master, burst)
        except BlockingIOError:
            return
        except OSError as error:
            _log.warning("simulated_wearable_write_failed", error=str(error))

    def _frames(self, at: float) -> bytes:
        """Return the three frames of the sample taken at `at`: of the motion, or of keeping still."""
        if self._motion:
            t = self._motion_times[0] + (at - self._motion_began) * self._speed
            if t <= self._motion_times[-1]:
                return self._encoded(*self._interpolated(t))
            self._motion = ()
        self._sent += 1
        return self._still[self._sent % self._breath]

    def _keep_still(self, posture: tuple[float, float, float], breath_g: float) -> None:
        gauss = self._random.gauss
        across = _across(posture)
        breaths = [breath_g * math.sin(2 * math.pi * index / self._breath) for index in range(self._breath)]
        self._still = [
            self._encoded(*(g + way * breath + gauss(0, NOISE_G) for g, way in zip(posture, across, strict=True)))
            for breath in breaths
        ]

    def _encoded(self, x: float, y: float, z: float) -> bytes:
        noise = (round(self._random.gauss(0, 3)) for _ in range(3))
        roll, pitch = math.atan2(y, z), math.atan2(-x, math.hypot(y, z))
        angles = (round(angle / math.pi * 32767) for angle in (roll, pitch, 0.0))
        return (
            encode_acceleration(x, y, z)
            + encode_words(FrameId.ANGULAR_RATE, *noise, 0)
            + encode_words(FrameId.ANGLE, *angles, 0)
        )

    def _interpolated(self, t: float) -> tuple[float, float, float]:
        after = max(1, min(bisect_right(self._motion_times, t), len(self._motion) - 1))
        if len(self._motion) == 1:
            return self._motion[0][1:]
        t0, *from_xyz = self._motion[after - 1]
        t1, *to_xyz = self._motion[after]
        share = max(0.0, min(1.0, (t - t0) / (t1 - t0)))
        x, y, z = (a + (b - a) * share for a, b in zip(from_xyz, to_xyz, strict=True))
        return x, y, z


def _across(posture: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return the direction in which a breath tilts `posture`: any that stands upright on it."""
    x, y, z = posture
    way = (z, 0.0, -x) if abs(y) > abs(x) else (-y, x, 0.0) if abs(x) > abs(z) else (0.0, -z, y)
    length = math.hypot(*way) or 1.0
    return way[0] / length, way[1] / length, way[2] / length


def _posture_at_end(samples: Sequence[Sample]) -> tuple[float, float, float]:
    """Return gravity (1 g) in the posture in which `samples` end."""
    end = [xyz for t, *xyz in samples if samples[-1][0] - t <= POSTURE_S]
    x, y, z = (sum(axis) for axis in zip(*end, strict=True))
    length = math.hypot(x, y, z)
    return (x / length, y / length, z / length) if length else (0.0, 0.0, 1.0)
