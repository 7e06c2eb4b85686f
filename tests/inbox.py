"""A mailbox for tests: everything that was posted, and a way to wait for a certain kind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

from tests.waiting import eventually

if TYPE_CHECKING:
    from agent.readings import Item

T = TypeVar("T")


class Inbox:
    def __init__(self) -> None:
        self._items: list[Item] = []
        self._lock = threading.Lock()

    def post(self, item: Item) -> None:
        with self._lock:
            self._items.append(item)

    def all(self, kind: type[T]) -> list[T]:
        with self._lock:
            return [item for item in self._items if isinstance(item, kind)]

    def kinds(self) -> list[str]:
        with self._lock:
            return [type(item).__name__ for item in self._items]

    def wait(self, kind: type[T], count: int = 1, within: float = 10.0) -> T:
        """Return item number `count` of its kind, as soon as it is there."""
        eventually(lambda: len(self.all(kind)) >= count, within=within)
        return self.all(kind)[count - 1]
