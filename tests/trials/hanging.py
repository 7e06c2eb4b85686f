"""Runs inside the unit before it starts, and lets one thing in it hang when the trial says so.

Rules of this file: the trial makes the file `hang-KIND` in the home's directory; the next that comes to the gate of
that kind writes the moment into `hangs` and stays, for ever or until the file `let-go` is there. Each gate stands
where the real thing hangs: in the read of a port, the model's inference, the look-up of a name.
"""

from __future__ import annotations

import ctypes
import functools
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent import deadlines, workers

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

LOOK_S = 0.05
FOR_ONE = ("pins", "core", "lock", "driver", "model")
"""Only the first one hangs. A resolver lets everybody hang until it is mended."""


class Gate:
    """Where a thread stays when it is told to."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def pass_by(self, kind: str) -> None:
        """Return at once, or hang."""
        told = self._directory / f"hang-{kind}"
        if not told.exists():
            return
        if kind in FOR_ONE:
            told.unlink(missing_ok=True)
        with (self._directory / "hangs").open("a") as file:
            file.write(f"{time.monotonic()}\n")
        if kind == "lock":
            ctypes.PyDLL(None).pause()  # keeps Python's lock: no thread of this process runs any more
        pause = threading.Event()
        while not (self._directory / "let-go").exists():
            pause.wait(LOOK_S)


def install(directory: str, kinds: tuple[str, ...], limits: Mapping[str, float], ping_every_s: float) -> None:
    """Put up the gates of these kinds; `limits` and `ping_every_s` are the unit's own, shorter only in `make test`."""
    gate = Gate(Path(directory))
    deadlines.LIMITS.seconds.update(limits)  # type: ignore[attr-defined]  # because it is a dict, and read-only for the agent
    workers.PING_EVERY_S = ping_every_s
    workers.LOOK_EVERY_S = min(workers.LOOK_EVERY_S, ping_every_s)
    for kind in kinds:
        where, name = _place(kind)
        setattr(where, name, _gated(getattr(where, name), gate, kind))


def _place(kind: str) -> tuple[Any, str]:
    match kind:
        case "pins":
            from agent.sensors.gpio import ContactDriver  # noqa: PLC0415 - only what hangs is loaded early

            return ContactDriver, "look"
        case "core" | "lock":
            from agent import core  # noqa: PLC0415 - only what hangs is loaded early

            return core, "step"
        case "driver":
            from serial import Serial  # noqa: PLC0415 - only what hangs is loaded early

            return Serial, "read"
        case "model":
            from agent.inference.runner import Model  # noqa: PLC0415 - only what hangs is loaded early

            return Model, "score"
        case "resolver":
            import socket  # noqa: PLC0415 - as above

            return socket, "getaddrinfo"
        case _:
            raise ValueError(f"nothing of the kind {kind!r} can hang here")


def _gated(real: Callable[..., Any], gate: Gate, kind: str) -> Callable[..., Any]:
    @functools.wraps(real)
    def gated(*args: Any, **options: Any) -> Any:
        if kind != "resolver" or args[0] == "localhost":
            gate.pass_by(kind)
        return real(*args, **options)

    return gated
