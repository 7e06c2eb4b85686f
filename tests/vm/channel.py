"""Two ways to speak with a virtual machine: QEMU's own monitor (QMP) and the agent inside the guest.

Rules of this file: both are JSON lines over a Unix socket. A guest that was cut answers nothing: every call has a time
limit, and ends in `ChannelError`. Answers to earlier calls that timed out are dropped by their id.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pathlib import Path


class ChannelError(Exception):
    """QEMU or the guest did not do what it was asked for, or did not answer."""


class Channel:
    """JSON lines over one Unix socket."""

    def __init__(self, path: Path, timeout_s: float = 10.0) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise
        self._lines = self._socket.makefile("rwb")

    def close(self) -> None:
        """Hang up."""
        with contextlib.suppress(OSError):  # what was still to be said to a machine that was cut
            self._lines.close()
        self._socket.close()

    def patient(self) -> None:
        """Give each answer half a minute: the guest is up, and may be busy."""
        self._socket.settimeout(30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, command: str, **arguments: Any) -> Any:
        """Execute one command and return what it returned."""
        order = {"execute": command, "arguments": arguments} if arguments else {"execute": command}
        try:
            self._lines.write(json.dumps(order).encode() + b"\n")
            self._lines.flush()
            while True:
                answer = self.read()
                if "return" in answer:
                    return answer["return"]
                if "error" in answer:
                    raise ChannelError(f"{command}: {answer['error'].get('desc', answer['error'])}")
        except OSError as error:
            raise ChannelError(f"{command}: no answer ({error})") from error

    def read(self) -> dict[str, Any]:
        """Return the next line. Raises ChannelError at the end of the stream."""
        line = self._lines.readline()
        if not line:
            raise ChannelError("the machine hung up")
        answer: dict[str, Any] = json.loads(line.lstrip(b"\xff"))
        return answer


def monitor(path: Path) -> Channel:
    """Return QEMU's monitor, greeted."""
    channel = Channel(path)
    channel.read()
    channel.call("qmp_capabilities")
    return channel


def guest_agent(path: Path, within_s: float) -> Channel:
    """Return the guest's agent as soon as it answers. Raises ChannelError if it does not in `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError, ValueError, ChannelError), contextlib.ExitStack() as unless_synced:
            channel = unless_synced.enter_context(Channel(path, timeout_s=3))
            token = time.monotonic_ns() % 2**31
            if channel.call("guest-sync", id=token) == token:
                unless_synced.pop_all()
                channel.patient()
                return channel
        threading.Event().wait(0.1)
    raise ChannelError(f"the guest's agent did not answer within {within_s:.0f} s")


def run_in_guest(agent: Channel, command: str, stdin: str = "", timeout_s: float = 180) -> tuple[int, str]:
    """Run a shell command in the guest as root; return its exit code and what it printed."""
    how: dict[str, Any] = {"path": "/bin/sh", "arg": ["-c", f"({command}) 2>&1"], "capture-output": True}
    if stdin:
        how["input-data"] = base64.b64encode(stdin.encode()).decode()
    pid = agent.call("guest-exec", **how)["pid"]
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        state = agent.call("guest-exec-status", pid=pid)
        if state["exited"]:
            said = base64.b64decode(state.get("out-data", "")).decode(errors="replace")
            return state.get("exitcode", -state.get("signal", 0)), said
        threading.Event().wait(0.05)
    raise ChannelError(f"not done within {timeout_s:.0f} s: {command}")
