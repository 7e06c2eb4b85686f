"""Telling systemd how we are, where it asks.

Rules of this file: one datagram to the socket in NOTIFY_SOCKET, as sd_notify(3) has it; without the variable nothing
happens, and no failure of it can disturb the unit: called by the core's own thread, it never waits for systemd.
"""

from __future__ import annotations

import os
import socket


def notify(message: str) -> None:
    """Send one message, e.g. `READY=1` or `STOPPING=1`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract namespace
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(0)  # with a timeout Python would spin: the kernel calls a full queue writable
            line.sendto(message.encode(), address)
    except OSError:
        return
