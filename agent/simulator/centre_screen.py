"""The reference centre's terminal: a timeline that scrolls, below it a live list of open calls, and single keys.

Rules of this file: it draws only on a terminal; elsewhere the timeline alone is printed, a line at a time. The terminal
is put back as it was, whatever happens.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import termios
import threading
import tty
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


class Screen:
    """Prints timeline lines, and on a terminal keeps `foot` lines below them."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._foot_lines = 0

    def line(self, text: str) -> None:
        """Print one line of the timeline, above the live list."""
        self._erase()
        print(text, flush=True)

    def foot(self, lines: Sequence[str]) -> None:
        """Draw the live list anew; nothing where there is no terminal."""
        if not self._live:
            return
        self._erase()
        width = shutil.get_terminal_size().columns
        for text in lines:
            print(text[: width - 1])
        self._foot_lines = len(lines)
        sys.stdout.flush()

    def _erase(self) -> None:
        if self._foot_lines:
            print(f"\x1b[{self._foot_lines}A\x1b[J", end="")
            self._foot_lines = 0


@contextlib.contextmanager
def keys(pressed: Callable[[str], None]) -> Iterator[None]:
    """Call `pressed` with each key from a thread of its own while the context lasts."""
    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)

    def read() -> None:
        while key := sys.stdin.read(1):
            pressed(key)

    threading.Thread(target=read, name="keys", daemon=True).start()
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
