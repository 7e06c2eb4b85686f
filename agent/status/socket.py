"""The unit's window: a Unix socket that says how things stand to whoever connects, and listens to nobody.

    connect to <runtime_dir>/status.sock   ->  one line of JSON (agent/status/board.py), then the end

Rules of this file: nothing is read from a client, so nothing that it sends can do harm. One thread serves one client at
a time, at most ten a second; one that does not take its line within `SEND_WITHIN_S` is hung up on. Mode 0660, for the
group `nodkald`: a technician needs no root. The unit runs without its window where that can't be opened.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from agent.local_socket import address

if TYPE_CHECKING:
    from collections.abc import Callable

SOCKET_NAME = "status.sock"
GROUP = "nodkald"
SEND_WITHIN_S = 1.0
PAUSE_S = 0.1
"""Between two clients: whoever asks without end gets a small part of a core, and the cords the rest."""

log = structlog.get_logger()


class StatusSocket:
    """Says `snapshot()` at `path` until it is stopped."""

    def __init__(self, path: Path, snapshot: Callable[[], bytes]) -> None:
        self._path = path
        self._snapshot = snapshot
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        """Open the socket. Never raises: a unit without a window still calls."""
        try:
            self._listener = _listen(self._path)
        except OSError as error:
            log.warning("status_socket_not_opened", path=str(self._path), detail=str(error))
            return
        threading.Thread(target=self._serve, args=(self._listener,), name="status-socket", daemon=True).start()

    def stop(self) -> None:
        """Close and remove the socket. May be called twice, or without `start`."""
        self._stopping.set()
        listener, self._listener = self._listener, None
        if listener is None:
            return
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`
        listener.close()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _serve(self, listener: socket.socket) -> None:
        while not self._stopping.wait(PAUSE_S):
            try:
                connection, _ = listener.accept()
            except OSError as error:
                if self._stopping.is_set():
                    return
                log.warning("status_socket_failed", detail=str(error))  # no descriptors left, say
                continue
            with connection, contextlib.suppress(OSError):
                connection.settimeout(SEND_WITHIN_S)
                connection.sendall(self._line())

    def _line(self) -> bytes:
        try:
            return self._snapshot()
        except Exception:  # the window must not die of what it shows
            log.exception("status_snapshot_failed")
            return b"\n"


def _listen(path: Path) -> socket.socket:
    """Open the socket at `path`; one left behind by a unit that was killed is replaced (`agent.lock` is ours)."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        with address(path) as name:
            listener.bind(name)
        path.chmod(0o600)
        with contextlib.suppress(LookupError, PermissionError):  # no such group here, or not ours to give
            shutil.chown(path, group=GROUP)
        path.chmod(0o660)
        listener.listen(8)
    except OSError:
        listener.close()
        raise
    return listener
