"""The thread that keeps windows: has each encrypted, writes it, and deletes what no consent covers.

Rules of this file: it comes last. It is started after everything else, takes one window at a time, and what waits is
bounded: more are dropped, and counted. No exception ends it, and no fault of it stops or delays a call. Consent is
asked for anew before each window. The log says how many and why, never what.
"""

from __future__ import annotations

import queue
import threading
from dataclasses import asdict
from datetime import UTC, datetime

import structlog

import agent
from agent.clock import Clock, Now
from agent.config import UnitFile
from agent.consent import Standing, standing
from agent.effects import KeepWindow
from agent.windows.record import Header, HeaderTrigger, Record, encode, samples_of
from agent.windows.sealer import Sealer
from agent.windows.store import WindowStore

WAITING = 4
"""Windows that may wait in memory, 25 s of motion each."""
LOOK_EVERY_S = 60.0
"""How often age, size, free space and consent are looked at."""

_LOG = structlog.get_logger()


class WindowsWorker:
    """Keeps windows for the unit of `unit_file` while its consent stands; without one it deletes, and ends."""

    def __init__(self, unit_file: UnitFile, clock: Clock) -> None:
        self._unit_id, self._consent = unit_file.unit_id, unit_file.consent
        self._store = WindowStore(unit_file.state_dir)
        self._sealer = Sealer(self._consent.certificate) if self._consent.certificate is not None else None
        self._clock = clock
        self._queue: queue.Queue[KeepWindow | None] = queue.Queue(maxsize=WAITING)
        self._dropped = 0
        self._standing: Standing | None = None
        self._trouble = ""
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="windows", daemon=True)

    @property
    def wanted(self) -> bool:
        """Whether the unit file has a consent at all; whether it still stands is asked each time."""
        return self._consent.motion_windows

    def start(self) -> None:
        """Begin: first delete what no consent covers."""
        self._thread.start()

    def submit(self, window: KeepWindow) -> None:
        """Hand over a window; never blocks. It is dropped, and counted, where too many wait."""
        try:
            self._queue.put_nowait(window)
        except queue.Full:
            self._dropped += 1

    def busy_since(self) -> float | None:
        """Return the monotonic second since which it works on one thing, or None if it waits."""
        return self._busy_since

    def stop(self) -> None:
        """End the thread after what it is at; waits at most a second."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return  # as a daemon thread it ends with the process
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            self._work()
        finally:
            if self._sealer is not None:
                self._sealer.stop()

    def _work(self) -> None:
        window: KeepWindow | None = None
        while True:
            self._busy_since = self._clock.now().mono
            try:
                self._look(window)
            except Exception as error:  # noqa: BLE001 - whatever a disk or openssl does, the next window is tried
                self._tell_trouble(f"{type(error).__name__}: {error}")
            self._busy_since = None
            if not self.wanted and not self._trouble:
                return  # nothing is left that no consent covers
            try:
                window = self._queue.get(timeout=LOOK_EVERY_S)
            except queue.Empty:
                window = None
                continue
            if window is None:
                return

    def _look(self, window: KeepWindow | None) -> None:
        now = self._clock.now()
        stands = standing(self._consent, now)
        if stands is not self._standing:
            self._standing = stands
            if stands is not Standing.NONE:
                _LOG.info("consent_to_windows", standing=stands.value)
        covered = self._consent.reference if stands in (Standing.ACTIVE, Standing.UNKNOWN) else None
        self._tell_deleted(self._store.delete_all(but=covered), "no consent covers them")
        if covered is not None and self._sealer is not None:
            self._sealer.start()  # while the unit starts, whatever the clock says
            if stands is Standing.ACTIVE and window is not None:
                self._keep(window, self._sealer, now)
        if covered is not None:
            wall = now.wall if stands is Standing.ACTIVE else None
            self._tell_deleted(self._store.prune(wall), "too old, too many, or the disk runs short")
        if self._dropped:
            _LOG.warning("windows_dropped", count=self._dropped)
            self._dropped = 0
        self._tell_trouble("")

    def _keep(self, window: KeepWindow, sealer: Sealer, now: Now) -> None:
        reference = self._consent.reference
        if reference is None or not window.batches:
            return
        sealed = sealer.encrypt(encode(self._record(window, reference, now)))
        if not self._store.keep(reference, sealed, now.wall):
            _LOG.warning("window_not_kept", why="the disk runs short")
            return
        _LOG.info("window_kept", bytes=len(sealed))

    def _record(self, window: KeepWindow, reference: str, now: Now) -> Record:
        samples = samples_of(window)
        at = datetime.fromtimestamp(now.wall - (now.mono - window.triggers[0].impact_at), UTC)
        header = Header(
            unit_id=self._unit_id,
            consent=reference,
            sensor=window.sensor,
            at=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            software=agent.__version__,
            samples=len(samples),
            triggers=tuple(HeaderTrigger(**asdict(trigger)) for trigger in window.triggers),
        )
        return Record(header, samples)

    def _tell_deleted(self, count: int, why: str) -> None:
        if count:
            _LOG.info("windows_deleted", count=count, why=why)

    def _tell_trouble(self, detail: str) -> None:
        """Say what keeps windows from being kept or deleted: once, until it is another or over."""
        if detail and detail != self._trouble:
            _LOG.error("windows_failing", detail=detail)
        self._trouble = detail
