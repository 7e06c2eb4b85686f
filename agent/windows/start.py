"""Kept windows as the composition root sees them: begun after the cords are armed, and never in the way.

Rules of this file: no exception leaves `begin` and `around`, and what they need is imported there, because no cord
waits for it. Without a consent nothing remembers motion, and only deletion is begun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from agent.workers import Worker, Workers

if TYPE_CHECKING:
    from agent.assessment import FallDetection
    from agent.clock import Clock
    from agent.config import UnitFile
    from agent.effects import KeepWindow
    from agent.windows.worker import WindowsWorker

log = structlog.get_logger()


class Windows:
    """What the unit may keep of motion: nothing, until `begin` has found a consent in the unit file."""

    def __init__(self, unit_file: UnitFile, clock: Clock) -> None:
        self._unit_file = unit_file
        self._clock = clock
        self._worker: WindowsWorker | None = None

    def begin(self, workers: Workers) -> None:
        """Delete what an earlier consent left, and be ready to keep windows if there is one now."""
        try:
            from agent.windows.worker import WindowsWorker  # noqa: PLC0415 - see the rules

            worker = WindowsWorker(self._unit_file, self._clock)
            worker.start()
            workers.add("windows", Worker(worker.busy_since, mend=lambda _: None))  # no call needs it
            self._worker = worker if worker.wanted else None
        except Exception:
            log.exception("windows_not_begun")

    def around(self, detection: FallDetection) -> FallDetection:
        """Return fall detection with somebody who takes windows, if there is a consent; else as it is."""
        if self._worker is None:
            return detection
        try:
            from agent.windows.taking import Taking  # noqa: PLC0415 - only with a consent
        except Exception:
            log.exception("windows_not_begun")
            return detection
        return Taking(detection)

    def submit(self, window: KeepWindow) -> None:
        """Keep a window; never blocks."""
        if self._worker is not None:
            self._worker.submit(window)

    def stop(self) -> None:
        """End the thread; waits at most a second."""
        if self._worker is not None:
            self._worker.stop()
