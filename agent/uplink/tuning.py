"""How the sockets to a broker send: at once, and what was lost again soon.

Rules of this file: Linux's own options, set where they exist. Nothing depends on them but the time that a call takes.
"""

from __future__ import annotations

import socket
import sys
from contextlib import suppress

_THIN_LINEAR_TIMEOUTS = 16
"""TCP_THIN_LINEAR_TIMEOUTS of <linux/tcp.h>; Python's `socket` has no name for it."""


def tune(sock: socket.socket) -> None:
    """Send without Nagle's delay, and repeat what is lost at an even pace instead of waiting twice as long each time.

    A call is a packet or two, with nothing behind it that would show the other side a gap. On a line of 2 s that loses
    every fifth packet the waits of 3, 6, 12 and 24 s are what a call spends there; six even ones take their place.
    """
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, _THIN_LINEAR_TIMEOUTS, 1)
