"""Looks after the worker threads: finds the one that hangs, has it mended, and tells systemd that the unit is alive.

Rules of this file: called by the core's own thread, so nothing here may block: what could (stopping an abandoned
worker) gets a thread of its own. What counts as hanging is decided in `agent/deadlines.py`. An abandoned thread can't
be ended; after `MENDS` of them a worker is left as it is until the next start, because each keeps its memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from agent import deadlines
from agent.deadlines import Watch
from agent.notify import notify

LOOK_EVERY_S = 1.0
PING_EVERY_S = 5.0
MENDS = 5

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Worker:
    """Since when it is busy with one thing (None if it waits), how to mend it, and what to do once it works again."""

    busy_since: Callable[[], float | None]
    mend: Callable[[float], None]
    well: Callable[[], None] = lambda: None


class Workers:
    """All workers of the unit, by `kind` or `kind:name` as in `deadlines.LIMITS`."""

    def __init__(self) -> None:
        self._adding = threading.Lock()
        self._workers: dict[str, Worker] = {}
        self._mended: dict[str, int] = {}
        self._watch = Watch()
        self._looked_at = 0.0
        self._pinged_at = -PING_EVERY_S

    def add(self, name: str, worker: Worker) -> None:
        """Look after a worker; a mended one takes the place of the one that it replaces."""
        with self._adding:  # the loader adds one while the core puts another in the place of one that hangs
            self._workers = {**self._workers, name: worker}  # a new dict, because the core looks meanwhile

    def look(self, now: float) -> None:
        """Look at all of them, at most once a second; ping systemd if the pins and the core meet their deadlines."""
        if now - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = now
        busy = {name: worker.busy_since() for name, worker in self._workers.items()}
        self._watch, found, well = deadlines.look(self._watch, busy, now)
        for hung in found:
            self._mend(hung.worker, hung.seconds)
        for name in well:
            log.info("worker_works_again", worker=name)
            self._workers[name].well()
        if self._watch.may_ping and now - self._pinged_at >= PING_EVERY_S:
            self._pinged_at = now
            notify("WATCHDOG=1")

    def _mend(self, name: str, seconds: float) -> None:
        times = self._mended.get(name, 0)
        log.error("worker_hangs", worker=name, seconds=round(seconds, 1), mended_before=times)
        if times < MENDS:
            self._mended[name] = times + 1
            self._workers[name].mend(seconds)
