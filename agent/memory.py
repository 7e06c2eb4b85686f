"""Keeps the process small: a Pi shares its memory, and an SD card is no place to swap to.

Rules of this file: hints to glibc, nothing depends on them; another C library is left alone. `mallopt(3)`,
`malloc_trim(3)`.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_M_ARENA_MAX = -8


def share_one_arena() -> None:
    """Let all threads allocate from one arena: a dozen that mostly wait need no heap each. Before they start."""
    _glibc("mallopt", _M_ARENA_MAX, 1)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let nothing be collected while modules are loaded: they all stay, and looking through them delays the cords."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def give_back() -> None:
    """Return what loading left behind: collect garbage, and hand free pages back to the kernel."""
    gc.collect()
    gc.freeze()  # what is loaded by now stays; later collections need not walk it
    _glibc("malloc_trim", 0)


def _glibc(function: str, *arguments: int) -> None:
    try:
        getattr(ctypes.CDLL("libc.so.6"), function)(*arguments)
    except (OSError, AttributeError):
        return
