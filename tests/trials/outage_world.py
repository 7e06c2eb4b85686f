"""Lets a day's worth of technical events and of time pass inside a unit's own process, faster than they would.

Rules of this file: it runs in the unit's process, before the unit does (`Home.prelude`), and does two things that the
world does to a unit, when it is told to: a model that fails and works again, one event each, and a clock that is later,
for monotonic and wall time alike. Everything after that is the unit's own: mailbox, core, storage worker, SQLite.
"""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from agent.app import App
from agent.clock import Now
from agent.local_socket import address
from agent.readings import Scored, ScoringFailed
from agent.system_clock import SystemClock
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

AT_ONCE = 50
"""Items that are put into the mailbox before the core has taken those before."""
PAUSE_S = 0.002
DRAINED_WITHIN_S = 600.0
DETAIL = "the runtime raised RuntimeError: failed to invoke the interpreter (node number 12, FULLY_CONNECTED)"

_later_s = 0.0
_real_now = SystemClock.now


def begin(path: Path) -> None:
    """Listen at the Unix socket `path` for `events N` and `leap SECONDS`; each is answered with `done`."""
    setattr(SystemClock, "now", _now)  # noqa: B010 - the world is what is simulated here, and mypy need not like it
    setattr(App, "run", _run_with(path, App.run))  # noqa: B010 - as above


def tell(path: Path, order: str, within: float = 300.0) -> None:
    """From outside: give an order, and wait until it is carried out. Raises OSError if the unit has gone."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(within)
        with address(path) as name:
            connection.connect(name)
        connection.sendall(order.encode() + b"\n")
        if connection.recv(16) != b"done":
            raise OSError(f"the unit ended over {order!r}")


def _now(clock: SystemClock) -> Now:
    real = _real_now(clock)
    return Now(real.mono + _later_s, real.wall + _later_s, real.synced)


def _run_with(path: Path, run: Callable[[App], int]) -> Callable[[App], int]:
    def run_and_listen(app: App) -> int:
        listener = socket.socket(socket.AF_UNIX)
        with address(path) as name:
            listener.bind(name)
        listener.listen()
        threading.Thread(target=_serve, args=(app, listener), name="world", daemon=True).start()
        return run(app)

    return run_and_listen


def _serve(app: App, listener: socket.socket) -> None:
    global _later_s  # noqa: PLW0603 - because a clock is one for the whole process
    while True:
        connection, _ = listener.accept()
        with connection:
            order, _, number = connection.recv(64).decode().strip().partition(" ")
            if order == "leap":
                _later_s += float(number)
            else:
                _make_events(app, int(number))
            connection.sendall(b"done")


def _make_events(app: App, count: int) -> None:
    """Let the model fail and work again, as fast as the core takes it: the outbox stores each change."""
    control = app._mailbox._lanes[1]
    for number in range(count):
        if number % AT_ONCE == 0:
            eventually(lambda: not control, DRAINED_WITHIN_S, every=PAUSE_S)
        app.post(Scored("none", 0.0, 0.0) if number % 2 else ScoringFailed("none", "exception", DETAIL))
    eventually(lambda: not control, DRAINED_WITHIN_S, every=PAUSE_S)
