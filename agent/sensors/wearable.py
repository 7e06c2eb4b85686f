"""The wearable on its serial port: one thread that reads, stamps and posts, and opens the port again after a loss.

Rules of this file: whatever the port does is a reading. `LinkDown` is posted once for each loss, not for each attempt;
`LinkQuality` once a second while the port is open, also when nothing came: whether that is `sensor.silent` or
`sensor.garbled` is the core's to decide. The thread wakes ten times a second, and nothing leaves it as an
exception. The port is opened by its stable path each time: after a new plug it may be another device node.
"""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import structlog

from agent.errors import SensorError
from agent.readings import LinkDown, LinkQuality, LinkUp, MotionBatch
from agent.sensors.lone_samples import LoneSamples
from agent.sensors.sample_clock import SampleClock
from agent.sensors.serial_port import SerialPort, reopen_delay_s
from agent.sensors.wt901 import FRAME_BYTES, Acceleration, Wt901Framer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.clock import Clock
    from agent.profiles import Wt901
    from agent.sensors.driver import Post

READ_EVERY_S = 0.1
QUALITY_EVERY_S = 1.0
STOP_WITHIN_S = 1.0

_log = structlog.get_logger()


class WearableDriver:
    """A WT901 at `port`. `chance` (0 up to 1, one number a call) spreads the attempts to open the port again."""

    def __init__(
        self,
        name: str,
        config: Wt901,
        port: str,
        post: Post,
        clock: Clock,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._name = name
        self._config = config
        self._path = port
        self._post = post
        self._clock = clock
        self._chance = chance
        self._stopping = threading.Event()
        self._link: _Link | None = None
        self._thread = threading.Thread(target=self._run, name=f"wearable-{name}", daemon=True)

    def start(self) -> None:
        """Begin to open the port and to read. Returns at once; an absent device is a `LinkDown`."""
        self._thread.start()

    def stop(self) -> None:
        """Stop posting and release the port, within a second. May be called twice, or without `start`.

        A read that hangs is left behind, without the port's lock: another driver may open the port.
        """
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_WITHIN_S)
        if self._thread.is_alive():
            _log.warning("wearable_hangs_in_stop", sensor=self._name, port=self._path)
            if self._link is not None:
                self._link.give_up_lock()

    def busy_since(self) -> float | None:
        """Return the monotonic second since which the port is being opened or read, or None if the thread waits."""
        return self._link.busy_since if self._link is not None else None

    def _run(self) -> None:
        attempt = 0
        known: str | None = None  # why the port is down, as last told
        while not self._stopping.is_set():
            link = self._link = _Link(self._name, self._config, self._post, self._clock)
            try:
                link.read_until(self._stopping, self._path)
            except SensorError as error:
                detail = str(error)
            except Exception as error:  # noqa: BLE001 - because a dead thread would be a silent sensor; it is logged
                _log.exception("wearable_driver_failed", sensor=self._name)
                detail = f"{self._path}: the driver failed ({type(error).__name__}); it tries again, see the log"
            if self._stopping.is_set():
                return
            if link.opened or known is None:
                self._post(LinkDown(self._name, self._clock.now().mono, detail))
            if link.opened or known != detail:
                _log.warning("wearable_link_down", sensor=self._name, detail=detail)
            known = detail
            attempt = 0 if link.heard else attempt
            self._stopping.wait(reopen_delay_s(attempt, self._chance()))
            attempt += 1


class _Link:
    """One opening of the port, from open to loss. `opened` and `heard` (any byte) tell how far it came."""

    def __init__(self, name: str, config: Wt901, post: Post, clock: Clock) -> None:
        self._name = name
        self._config = config
        self._post = post
        self._clock = clock
        self._framer = Wt901Framer()
        self.opened = False
        self.heard = False
        self.busy_since: float | None = None
        self._port: SerialPort | None = None

    def give_up_lock(self) -> None:
        """Let others open the port, if this link has it."""
        port = self._port
        if port is not None:
            port.give_up_lock()

    def read_until(self, stopping: threading.Event, path: str) -> None:
        """Open `path` and post what comes until `stopping` is set. Raises SensorError when the port fails."""
        self.busy_since = self._clock.now().mono
        try:
            port = self._port = SerialPort(path, self._config.baud)
        finally:
            self.busy_since = None
        try:
            at = self._clock.now().mono
            self.opened = True
            _log.info("wearable_link_up", sensor=self._name, port=path)
            self._post(LinkUp(self._name, at))
            self._read(port, stopping, at)
        finally:
            port.close()

    def _read(self, port: SerialPort, stopping: threading.Event, opened_at: float) -> None:
        framer = self._framer
        sample_clock = SampleClock.opened(self._config.rate_hz, opened_at)
        lone_samples = LoneSamples.at(self._config.rate_hz)
        reported_at, good_frames, garbage_bytes, lost_samples, invented = opened_at, 0, 0, 0, 0
        while not stopping.wait(READ_EVERY_S):
            self.busy_since = self._clock.now().mono
            data = port.read_available()
            self.busy_since = None
            if stopping.is_set():  # it hung, and another driver reads the port now
                return
            at = self._clock.now().mono
            self.heard = self.heard or bool(data)
            before = framer.garbage_bytes
            samples = tuple((f.x, f.y, f.z) for f in framer.feed(data) if isinstance(f, Acceleration))
            lone_samples, samples, alone = lone_samples.sift(at, samples, framer.garbage_bytes - before)
            invented += alone
            stamped, sample_clock = sample_clock.stamp(at, len(samples))
            lost_samples += stamped.lost_samples
            if samples:
                self._post(MotionBatch(self._name, stamped.times, samples))
            if at - reported_at >= QUALITY_EVERY_S:
                good = framer.good_frames - good_frames - invented
                garbage = framer.garbage_bytes - garbage_bytes + FRAME_BYTES * invented
                self._post(LinkQuality(self._name, at, good, garbage, lost_samples))
                if invented:
                    _log.info("wearable_samples_taken_out", sensor=self._name, samples=invented)
                reported_at, good_frames, garbage_bytes = at, framer.good_frames, framer.garbage_bytes
                lost_samples = invented = 0
