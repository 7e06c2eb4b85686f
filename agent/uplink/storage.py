"""The storage worker: a thread that carries the core's storage effects to the outbox, whatever the disk does.

Rules of this file:
- `submit()` never waits for the disk: it only takes a lock that is held for list operations.
- Everything that waits goes into one transaction, calls first; after a failure calls get a transaction of their own, so
  that nothing else can hold them up. `Stored` is posted after the commit and never before.
- What could not be written stays waiting here and is tried again with backoff. Beside that the core keeps every event
  that it has no `Stored` for, and sends its `StoreEvent` again on `StorageWell`; storing twice does no harm.
- Waiting calls are never dropped. Waiting technical events are, above `TECHNICAL_WAITING`, oldest first, as `Evicted`.
- The thread dies of no exception. What hangs in the disk can't be ended from here: `busy_since` tells how long it has.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from agent.effects import DropNote, FetchTechnical, ForgetEvents, SaveNote, StoreEvent
from agent.errors import StorageError, StorageFull
from agent.readings import Evicted, Restored, StorageTrouble, StorageWell, Stored
from agent.uplink.outbox import BOOT_DIGITS, Outbox, open_outbox

if TYPE_CHECKING:
    from pathlib import Path

    from agent.clock import Clock
    from agent.readings import OutboxEvent
    from agent.sensors.driver import Post

StorageEffect = StoreEvent | ForgetEvents | SaveNote | DropNote | FetchTechnical

TECHNICAL_WAITING = 2000
"""Store requests of technical events that wait for a hanging disk; a tenth of them is dropped at once above this."""

GROUP_TECHNICAL = 256
"""Technical events in one transaction, so that the `Stored` of the first does not wait for thousands."""

BACKOFF_FIRST_S = 1.0
BACKOFF_CEILING_S = 30.0


@dataclass(slots=True)
class _Waiting:
    """What was submitted and not yet written. A note that waits as None is to be dropped."""

    calls: list[OutboxEvent] = field(default_factory=list)
    technical: deque[OutboxEvent] = field(default_factory=deque)
    notes: dict[str, str | None] = field(default_factory=dict)
    forgets: dict[str, None] = field(default_factory=dict)
    fetches: dict[FetchTechnical, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.calls or self.technical or self.notes or self.forgets or self.fetches)

    def add(self, effect: StorageEffect) -> None:
        match effect:
            case StoreEvent(event):
                (self.calls if event.is_call else self.technical).append(event)
            case ForgetEvents(ids):
                # What was never written need not be; the deletion stays, for what may be under way or on disk.
                gone = set(ids)
                self.calls = [event for event in self.calls if event.event_id not in gone]
                self.technical = deque(event for event in self.technical if event.event_id not in gone)
                self.forgets.update(dict.fromkeys(ids))
            case SaveNote(key, body):
                self.notes[key] = body
            case DropNote(key):
                self.notes[key] = None
            case FetchTechnical():
                self.fetches[effect] = None

    def drop_oldest_technical(self) -> tuple[Evicted, ...]:
        """Above the bound, drop a tenth of it: a report for each single event would be an event of its own."""
        if len(self.technical) <= TECHNICAL_WAITING:
            return ()
        ranges: list[Evicted] = []
        for _ in range(len(self.technical) - TECHNICAL_WAITING * 9 // 10):
            sequence = self.technical.popleft().sequence
            if ranges and ranges[-1].first[:BOOT_DIGITS] == sequence[:BOOT_DIGITS]:
                ranges[-1] = replace(ranges[-1], last=sequence, count=ranges[-1].count + 1)
            else:
                ranges.append(Evicted(sequence, sequence, 1))
        return tuple(ranges)

    def take(self, *, calls_alone: bool) -> _Waiting:
        """Take out the next group."""
        group = _Waiting(calls=self.calls, notes=self.notes)
        self.calls, self.notes = [], {}
        if calls_alone and group:
            return group
        group.technical = deque(self.technical.popleft() for _ in range(min(len(self.technical), GROUP_TECHNICAL)))
        group.forgets, self.forgets = self.forgets, {}
        if not self.technical:  # a page is read only after everything that was submitted before it is in the outbox
            group.fetches, self.fetches = self.fetches, {}
        return group

    def put_back(self, group: _Waiting) -> None:
        """Put a group that could not be written in front of what has come since."""
        self.calls[:0] = group.calls
        self.technical.extendleft(reversed(group.technical))
        self.notes = {**group.notes, **self.notes}
        self.forgets = {**group.forgets, **self.forgets}
        self.fetches = {**group.fetches, **self.fetches}


class StorageWorker:
    """Owns the outbox at `path` with its size limit; posts to the core's mailbox, uses the clock for `busy_since`."""

    def __init__(self, path: Path, limit_bytes: int, post: Post, clock: Clock) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._post = post
        self._clock = clock
        self._log = structlog.get_logger()
        self._outbox: Outbox | None = None
        self._counted = False
        self._restored = False
        self._trouble = False
        self._failures = 0
        self._busy_since: float | None = None
        self._changed = threading.Condition()
        self._waiting = _Waiting()
        self._urgent = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)

    def load(self) -> Restored:
        """Open the outbox, count this boot and return what was kept. Call it once, before `start()`.

        Never raises: what can't be read is an empty `Restored`, a boot that can't be counted on disk has count 0. The
        thread goes on trying then, and posts a `Restored` if events of earlier boots become readable later.
        """
        try:
            return self._open()
        except Exception as error:  # noqa: BLE001 - nothing that the disk does may keep the cords from being armed
            self._report(error)
            return Restored(boot_count=0)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def submit(self, effect: StorageEffect) -> None:
        """Take in an effect; never blocks. Called by the core's thread."""
        with self._changed:
            self._waiting.add(effect)
            evicted = self._waiting.drop_oldest_technical()
            if isinstance(effect, StoreEvent) and effect.event.is_call:
                self._urgent = True
            self._changed.notify()
        for item in evicted:
            self._log.warning("storage_queue_overflow", first=item.first, last=item.last, count=item.count)
            self._post(item)

    def busy_since(self) -> float | None:
        """Return the monotonic second at which the disk was asked for what it has not finished yet, or None."""
        return self._busy_since

    def stop(self, within_s: float = 2.0) -> bool:
        """Write what waits, close the file and end the thread; False if that was not done within `within_s` seconds."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is None:
            self._close()
        else:
            self._thread.join(within_s)
        return not self._thread.is_alive() and not self._waiting

    # ------------------------------------------------------------ the thread

    def _run(self) -> None:
        while self._wait_for_work():
            self._turn()
        while self._waiting and not self._failures:
            self._turn()
        self._close()

    def _wait_for_work(self) -> bool:
        """Wait until there is something to do, or the backoff is over; False when it is time to end."""
        with self._changed:
            if self._failures:
                pause = min(BACKOFF_CEILING_S, BACKOFF_FIRST_S * 2.0 ** min(self._failures - 1, 10))
                self._changed.wait_for(lambda: self._stopping or self._urgent, pause)
            else:
                self._changed.wait_for(lambda: self._stopping or bool(self._waiting))
            self._urgent = False
            if self._stopping:
                self._failures = 0  # one last attempt, whatever the backoff says
            return not self._stopping

    def _turn(self) -> None:
        with self._changed:
            group = self._waiting.take(calls_alone=self._failures > 0)
        self._busy_since = self._clock.now().mono
        try:
            self._write(group)
        except Exception as error:  # noqa: BLE001 - the thread dies of nothing; the core hears of it
            with self._changed:
                self._waiting.put_back(group)
            self._failures += 1
            self._report(error)
        else:
            self._failures = 0
        finally:
            self._busy_since = None

    def _write(self, group: _Waiting) -> None:
        self._recover()
        outbox = self._outbox
        if outbox is None:
            raise StorageError(f"the outbox {self._path} is not open")
        events = (*group.calls, *group.technical)
        if events or group.notes or group.forgets:
            with outbox.transaction():
                outbox.store(events)
                outbox.forget(group.forgets)
                for key, body in group.notes.items():
                    if body is None:
                        outbox.drop_note(key)
                    else:
                        outbox.save_note(key, body)
        # Committed: from here on nothing may put the group back but what is still to be read.
        if events:
            self._post(Stored(tuple(event.event_id for event in events)))
        group.calls, group.technical, group.notes, group.forgets = [], deque(), {}, {}
        for item in outbox.evict():
            self._log.warning("outbox_evicted", first=item.first, last=item.last, count=item.count)
            self._post(item)
        for fetch in tuple(group.fetches):
            self._post(outbox.technical_page(fetch.after, fetch.limit))
            del group.fetches[fetch]
        self._well()

    # ------------------------------------------------------------ open, fail, recover

    def _open(self) -> Restored:
        """Open what is not open, count the boot; return what was kept. The place of a later rescue of damaged files."""
        if self._outbox is None:
            self._outbox = open_outbox(self._path, self._limit_bytes)
        try:
            if not self._counted:
                self._outbox.begin_boot()
                self._counted = True
            restored = self._outbox.load()
        except StorageFull as error:
            # A full disk can still be read: its calls go out, only this boot has no number.
            self._report(error)
            restored = replace(self._outbox.load(), boot_count=0)
        self._restored = True
        return restored

    def _recover(self) -> None:
        """Bring the outbox back before anything waiting is written: the notes of earlier boots must be read first."""
        if self._outbox is None and self._restored:
            self._outbox = open_outbox(self._path, self._limit_bytes)
        elif not self._restored:
            self._post(self._open())
        if not self._counted and self._outbox is not None:
            self._outbox.begin_boot()
            self._counted = True

    def _report(self, error: Exception) -> None:
        if not isinstance(error, StorageError):
            self._log.exception("storage_worker_failed", exc_info=error)
        if not isinstance(error, StorageFull):
            self._close()  # a connection that failed is not trusted again
        self._failures = max(self._failures, 1)
        if not self._trouble:
            self._trouble = True
            self._log.error("storage_trouble", detail=str(error))
            self._post(StorageTrouble(str(error), full=isinstance(error, StorageFull)))

    def _well(self) -> None:
        if self._trouble and self._counted:
            self._trouble = False
            self._log.info("storage_well")
            self._post(StorageWell())

    def _close(self) -> None:
        outbox, self._outbox = self._outbox, None
        if outbox is None:
            return
        try:
            outbox.close()
        except StorageError as error:
            self._log.warning("outbox_not_closed", detail=str(error))
