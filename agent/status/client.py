"""Looks through a running unit's window, within a second.

Rules of this file: every way in which there is nothing to see has a kind of its own, because each asks for something
else from the person at the keyboard.
"""

from __future__ import annotations

import json
import socket
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from agent.local_socket import address
from agent.status.board import FORMAT
from agent.status.socket import GROUP, SOCKET_NAME
from agent.texts import Text

if TYPE_CHECKING:
    from pathlib import Path

WITHIN_S = 3.0
"""Other clients of the window, each a second at worst, may come first."""
LONGEST = 4_000_000


class Closed(StrEnum):
    """Why nothing could be seen."""

    NOT_RUNNING = "not_running"
    FORBIDDEN = "forbidden"
    NO_ANSWER = "no_answer"
    OTHER_VERSION = "other_version"


WHY: dict[Closed, Text] = {
    Closed.NOT_RUNNING: Text(
        "Enheden kører ikke. Start den med: sudo systemctl start nodkald-agent. "
        "Starter den ikke, så kør: sudo nodkald doctor",
        "The unit is not running. Start it with: sudo systemctl start nodkald-agent. "
        "If it does not start, run: sudo nodkald doctor",
    ),
    Closed.FORBIDDEN: Text(
        "Du må ikke se enhedens tilstand. "
        f"Brug sudo, eller kom i gruppen {GROUP}: sudo adduser $USER {GROUP}, og log ind igen",
        "You may not see the unit's state. "
        f"Use sudo, or join the group {GROUP}: sudo adduser $USER {GROUP}, and log in again",
    ),
    Closed.NO_ANSWER: Text(
        "Enheden kører, men svarer ikke. Vent et øjeblik og prøv igen. "
        "Bliver det ved, så se: journalctl -u nodkald-agent",
        "The unit is running but does not answer. Wait a moment and try again. "
        "If it goes on, see: journalctl -u nodkald-agent",
    ),
    Closed.OTHER_VERSION: Text(
        "Den kørende enhed er en anden version end denne kommando. Genstart den: sudo systemctl restart nodkald-agent",
        "The running unit is another version than this command. Restart it: sudo systemctl restart nodkald-agent",
    ),
}


@dataclass(frozen=True, slots=True)
class Seen:
    """What the window shows, or why there is nothing."""

    said: dict[str, Any] | None
    closed: Closed | None = None


def look(runtime_dir: Path, within_s: float = WITHIN_S) -> Seen:
    """Ask the unit that uses `runtime_dir`. Never raises."""
    deadline = time.monotonic() + within_s
    line = bytearray()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(within_s)
            with address(runtime_dir / SOCKET_NAME) as name:
                connection.connect(name)
            while (left := deadline - time.monotonic()) > 0 and len(line) < LONGEST:
                connection.settimeout(left)
                chunk = connection.recv(65_536)
                if not chunk:
                    break
                line += chunk
    except PermissionError:
        return Seen(None, Closed.FORBIDDEN)
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        return Seen(None, Closed.NOT_RUNNING)
    except OSError:
        return Seen(None, Closed.NO_ANSWER)
    return _parsed(bytes(line))


def _parsed(line: bytes) -> Seen:
    try:
        said = json.loads(line)
    except ValueError:
        return Seen(None, Closed.NO_ANSWER)
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        return Seen(None, Closed.OTHER_VERSION)
    return Seen(said)
