"""The storage worker: a thread that carries the core's storage effects to the outbox, whatever the disk does.

Rules of this file:
- `submit()` never waits for the disk: it only takes a lock that is held for list operations.
- Everything that waits goes into one transaction, calls first; after a failure calls get a transaction of their own, so
  that nothing else can hold them up. `Stored` is posted after the commit and never before.
- What could not be written stays waiting here and is tried again with backoff. Beside that the core keeps every event
  that it has no `Stored` for, and sends its `StoreEvent` again on `StorageWell`; storing twice does no harm.
- Waiting calls are never dropped. Waiting technical events are, above `TECHNICAL_WAITING`, oldest first, as `Evicted`.
- The disk is first asked for in the thread: `load()` waits for it no longer than `ANSWER_WITHIN_S`, and what it held
  comes as `Restored` when it answers. A boot that can't be counted on disk takes a number of `agent/uplink/boots.py`.
- A damaged file is rescued (`agent/uplink/rescue.py`), at most `RESCUES` times in a run: what is damaged again and
  again is a card to be changed, and the rest of the run is done from memory.
- The thread dies of no exception. What hangs in the disk can't be ended from here: `busy_since` tells how long it has.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from agent.effects import DropNote, FetchTechnical, ForgetEvents, SaveNote, StoreEvent
from agent.errors import StorageDamaged, StorageError, StorageFull
from agent.readings import Evicted, Restored, StorageTrouble, StorageWell, Stored
from agent.uplink import boots
from agent.uplink.outbox import BOOT_DIGITS, Outbox
from agent.uplink.rescue import look_into, open_whatever_it_is

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

ANSWER_WITHIN_S = 2.0
"""How long the cords wait for the disk at start. A healthy card answers in a tenth of that."""

RESCUES = 3

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
        self._uncounted = boots.uncounted(clock.now().wall, int.from_bytes(os.urandom(8)))
        self._uncounted_used = False
        self._counted = False
        self._first: Restored | None = None
        self._given_up = False
        self._handed_over = False
        self._given_events: frozenset[str] = frozenset()
        self._given_notes: frozenset[str] = frozenset()
        self._damaged = ""
        self._rescues = 0
        self._trouble = False
        self._failures = 0
        self._busy_since: float | None = None
        self._changed = threading.Condition()
        self._waiting = _Waiting()
        self._urgent = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="storage", daemon=True)

    def load(self) -> Restored:
        """Start the thread, which opens the outbox and counts this boot; return what was kept. Call it once.

        Never raises, and returns within `ANSWER_WITHIN_S`: what could not be read yet comes as an item `Restored`.
        """
        self._thread.start()
        with self._changed:
            if self._changed.wait_for(lambda: self._first is not None, ANSWER_WITHIN_S) and self._first is not None:
                return self._first
            self._given_up = self._uncounted_used = True
        self._tell(f"the disk of the outbox {self._path} has not answered for {ANSWER_WITHIN_S:g} s", full=False)
        return Restored(self._uncounted)

    def submit(self, *effects: StorageEffect) -> None:
        """Take in what one step of the core asks for, to be written in one transaction; never blocks.

        Called by the core's thread. An event and the note of its call are never on disk without each other.
        """
        evicted: list[Evicted] = []
        with self._changed:
            for effect in effects:
                self._waiting.add(effect)
                evicted += self._waiting.drop_oldest_technical()
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
        self._begin()
        while self._wait_for_work():
            self._turn()
        while self._waiting and not self._failures:
            self._turn()
        self._close()

    def _begin(self) -> None:
        self._busy_since = self._clock.now().mono
        try:
            restored = self._open()
            self._handed_over = True
        except Exception as error:  # noqa: BLE001 - nothing that the disk does may keep the cords from being armed
            self._report(error)
            restored = self._look_into()
        finally:
            self._busy_since = None
        with self._changed:
            if not self._given_up:
                self._first = restored
                self._changed.notify_all()
                return
            self._counted = False  # the core went on with another number
        self._post(self._news(restored, _Waiting()))

    def _look_into(self) -> Restored:
        """Read what can't be opened for writing: its calls go out, only this boot has no number of its own."""
        self._uncounted_used = True
        try:
            found = look_into(self._path) or Restored(0)
        except Exception:  # noqa: BLE001 - the disk may answer anything
            self._log.exception("outbox_not_looked_into")
            found = Restored(0)
        self._given_events = frozenset(event.event_id for event in found.calls)
        self._given_notes = frozenset(found.notes)
        return replace(found, boot_count=self._uncounted)

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
                # Damage is rescued in the very next turn, which also says what came of it.
                self._urgent |= isinstance(error, StorageDamaged) and self._rescues < RESCUES
            self._failures += 1
            self._report(error)
        else:
            self._failures = 0
        finally:
            self._busy_since = None

    def _write(self, group: _Waiting) -> None:
        self._recover(group)
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
        """Open what is not open, count the boot; return what was kept."""
        try:
            return self._open_once()
        except StorageDamaged as error:  # it opened, and what it holds is none of ours
            self._close()
            self._damaged = str(error)
            return self._open_once()

    def _open_once(self) -> Restored:
        outbox = self._outbox
        if outbox is None:
            if self._damaged and self._rescues >= RESCUES:
                raise StorageError(f"{self._damaged}, and that again after {RESCUES} rescues; change the card")
            opened = open_whatever_it_is(self._path, self._limit_bytes, self._uncounted, damaged=self._damaged)
            self._outbox = outbox = opened.outbox
            self._damaged = ""
            if opened.report:
                self._rescues += 1
                self._tell(opened.report, full=False)
        boot = self._uncounted
        try:
            if not self._counted:
                boot = outbox.begin_boot(self._uncounted if self._uncounted_used else None)
                self._counted = True
        except StorageFull as error:
            # A full disk can still be read: its calls go out, only this boot has no number of its own.
            self._uncounted_used = True
            self._report(error)
        return replace(outbox.load(), boot_count=boot)

    def _recover(self, group: _Waiting) -> None:
        """Bring the outbox back before `group` is written: the notes of earlier boots must be read first."""
        if self._outbox is None or not self._handed_over:
            restored = self._open()
            if not self._handed_over:
                self._handed_over = True
                self._post(self._news(restored, group))
        if not self._counted and self._outbox is not None:
            self._outbox.begin_boot(self._uncounted)
            self._counted = True

    def _news(self, restored: Restored, group: _Waiting) -> Restored:
        """Leave out what the core was given before, and events that it needs no more.

        A note that it has written anew is handed over as the last boot left it: how that ended, what it had spent.
        """
        with self._changed:
            forgotten = self._given_events.union(group.forgets, self._waiting.forgets)
        return replace(
            restored,
            boot_count=self._uncounted,
            calls=tuple(event for event in restored.calls if event.event_id not in forgotten),
            notes={key: body for key, body in restored.notes.items() if key not in self._given_notes},
        )

    def _report(self, error: Exception) -> None:
        if not isinstance(error, StorageError):
            self._log.exception("storage_worker_failed", exc_info=error)
        if not isinstance(error, StorageFull):
            self._close()  # a connection that failed is not trusted again
        if isinstance(error, StorageDamaged):
            self._damaged = str(error)
        self._failures = max(self._failures, 1)
        if not isinstance(error, StorageDamaged) or self._rescues >= RESCUES:
            self._tell(str(error), full=isinstance(error, StorageFull))

    def _tell(self, detail: str, *, full: bool) -> None:
        if not self._trouble:
            self._trouble = True
            self._log.error("storage_trouble", detail=detail)
            self._post(StorageTrouble(detail, full=full))

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
