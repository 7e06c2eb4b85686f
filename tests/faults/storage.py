"""What the tests of the storage worker share: a worker with an inbox, and a disk of one megabyte to fill."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Self

from agent.effects import StoreEvent
from agent.readings import Stored
from agent.system_clock import SystemClock
from agent.uplink.storage import StorageWorker
from tests.inbox import Inbox
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agent.readings import OutboxEvent, Restored

NO_LIMIT = 2**40


class Worker:
    """A worker. Use it in a `with`: it ends with the block."""

    def __init__(self, path: Path, limit_bytes: int = NO_LIMIT) -> None:
        self.inbox = Inbox()
        self.storage = StorageWorker(path, limit_bytes, self.inbox.post, SystemClock())
        self.restored: Restored = self.storage.load()

    def __enter__(self) -> Self:
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


class RealDisk:
    """An ext4 of 16 MB mounted at `path`, that can be made to hang and to fail. Its medium is a file in a tmpfs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._medium = path.with_name(f"{path.name}-medium")
        self._image = self._medium / "image"
        self._frozen = False

    def mount(self) -> bool:
        self.path.mkdir()
        self._medium.mkdir()
        steps: tuple[tuple[str | Path, ...], ...] = (
            ("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", self._medium),
            ("truncate", "-s", "16M", self._image),
            ("mkfs.ext4", "-q", self._image),
            ("mount", "-o", "loop", self._image, self.path),
        )
        try:
            return all(subprocess.run(step, capture_output=True, check=False).returncode == 0 for step in steps)
        except FileNotFoundError:
            return False

    def hang(self) -> None:
        """Let every write wait."""
        subprocess.run(["fsfreeze", "-f", self.path], check=True)
        self._frozen = True

    def go_on(self) -> None:
        if self._frozen:
            subprocess.run(["fsfreeze", "-u", self.path], check=True)
            self._frozen = False

    def tear(self) -> None:
        """Let the medium fail: what is not in memory can't be read, and no new block can be written."""
        os.sync()
        os.truncate(self._image, 2 * 2**20)
        fill(self._medium / "ballast")
        for file in self.path.glob("*.db*"):
            with file.open("rb") as known:
                os.posix_fadvise(known.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def unmount(self) -> None:
        self.go_on()
        for mounted in (self.path, self._medium):
            subprocess.run(["umount", "-l", mounted], check=False)


def fill(ballast: Path) -> None:
    """Let a file take all the room that its disk has."""
    with ballast.open("ab", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            return


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
        fill(self._ballast)

    def make_room(self) -> None:
        self._ballast.unlink()

    def read_only(self, *, on: bool) -> None:
        subprocess.run(["mount", "-o", f"remount,{'ro' if on else 'rw'}", self.path], check=True)
