"""A stretch of network between a unit and its broker, which a trial makes slow, deaf, or lead elsewhere.

Rules of this file: bytes keep their order; what a mood does begins with the next byte that comes. A connection of
which bytes were swallowed never carries any again, for its ends would not understand each other: it stays up, and deaf.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from typing import Self

HOST = "127.0.0.1"
_CHUNK = 65_536
_END = b""
_PATIENCE_S = 5.0


class _Stretch:
    """One connection: both its sockets, and whether it is deaf."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.ends = (near, far)
        self.deaf = False

    def cut(self) -> None:
        for end in self.ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


class Proxy:
    """Listens on `port` and leads to `target`, both on loopback.

    `delay_s` holds every byte back for so long, in each direction. While `swallows` is set, bytes vanish and
    connections stay up.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay_s = 0.0
        self.swallows = False
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._stretches: list[_Stretch] = []
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_PATIENCE_S)
        self.cut()

    def lead_to(self, target: int) -> None:
        """Lead every connection, also those that are open, to another port: those that are open break."""
        self.target = target
        self.cut()

    def cut(self) -> None:
        """Break every connection."""
        with self._lock:
            for stretch in self._stretches:
                stretch.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                far = socket.create_connection((HOST, self.target), timeout=_PATIENCE_S)
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.settimeout(None)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stretch = _Stretch(near, far)
            with self._lock:
                self._stretches.append(stretch)
            threading.Thread(target=self._carry, args=(stretch,), name="proxy-stretch", daemon=True).start()

    def _carry(self, stretch: _Stretch) -> None:
        """Carry bytes both ways until both ends have said that they are done."""
        near, far = stretch.ends
        back = threading.Thread(target=self._one_way, args=(stretch, far, near), name="proxy-back", daemon=True)
        back.start()
        self._one_way(stretch, near, far)
        back.join()
        with self._lock:
            self._stretches.remove(stretch)
        for end in stretch.ends:
            end.close()

    def _one_way(self, stretch: _Stretch, source: socket.socket, sink: socket.socket) -> None:
        under_way: queue.Queue[tuple[float, bytes]] = queue.Queue()
        reader = threading.Thread(
            target=self._read, args=(stretch, source, under_way), name="proxy-reader", daemon=True
        )
        reader.start()
        while True:
            due, chunk = under_way.get()
            threading.Event().wait(max(0.0, due - time.monotonic()))
            try:
                if chunk != _END:
                    sink.sendall(chunk)
                elif not stretch.deaf:  # else the other end is not told either
                    sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # the other end has gone: what is under way to it is lost, as in any network
            if chunk == _END:
                break
        reader.join()

    def _read(self, stretch: _Stretch, source: socket.socket, under_way: queue.Queue[tuple[float, bytes]]) -> None:
        while True:
            try:
                chunk = source.recv(_CHUNK)
            except OSError:
                chunk = _END
            stretch.deaf |= self.swallows
            if chunk == _END or not stretch.deaf:
                under_way.put((time.monotonic() + self.delay_s, chunk))
            if chunk == _END:
                return
