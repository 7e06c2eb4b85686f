"""What the tests of the storage worker share: a worker with an inbox, and a disk of one megabyte to fill."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Self

from agent.effects import StoreEvent
from agent.readings import Stored
from agent.system_clock import SystemClock
from agent.uplink.storage import StorageWorker
from tests.inbox import Inbox
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent.readings import OutboxEvent, Restored

NO_LIMIT = 2**40


class Worker:
    """A started worker. Use it in a `with`: it ends with the block."""

    def __init__(self, path: Path, limit_bytes: int = NO_LIMIT) -> None:
        self.inbox = Inbox()
        self.storage = StorageWorker(path, limit_bytes, self.inbox.post, SystemClock())
        self.restored: Restored = self.storage.load()

    def __enter__(self) -> Self:
        self.storage.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.storage.stop()

    def store(self, *events: OutboxEvent) -> None:
        for event in events:
            self.storage.submit(StoreEvent(event))

    def stored(self) -> list[str]:
        """Return the ids of everything that was reported as stored."""
        return [event_id for item in self.inbox.all(Stored) for event_id in item.event_ids]

    def wait_stored(self, events: Iterable[OutboxEvent]) -> None:
        wanted = {event.event_id for event in events}
        eventually(lambda: wanted <= set(self.stored()))


class SmallDisk:
    """A tmpfs of 1 MB, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def mount(self) -> bool:
        self.path.mkdir()
        return subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", self.path], capture_output=True, check=False
        ).returncode == 0  # fmt: skip

    def unmount(self) -> None:
        subprocess.run(["umount", "-l", self.path], check=True)

    def fill(self) -> None:
        with self._ballast.open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                return

    def make_room(self) -> None:
        self._ballast.unlink()

    def read_only(self, *, on: bool) -> None:
        subprocess.run(["mount", "-o", f"remount,{'ro' if on else 'rw'}", self.path], check=True)
