"""The `openssl` command, which Debian keeps up to date: how it is run, and nothing about what for.

Rules of this file: what is secret or personal passes through a pipe or a file in memory (memfd), never an argument and
never a disk. OpenSSL 3.0 (Debian 12) and newer. Its default configuration is not used.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from typing import TYPE_CHECKING

from agent.errors import OpensslError, OpensslMissing

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 30


def run(*arguments: str, stdin: str | bytes = "", fds: tuple[str, ...] = (), deadline_s: float = DEADLINE_S) -> bytes:
    """Run `openssl` with these arguments and return what it prints; `fds` are names that `in_memory` gave.

    Raises OpensslError if it says no or takes longer than `deadline_s`, OpensslMissing if there is no such command.
    """
    try:
        done = subprocess.run(  # noqa: S603 - fixed words, checked ids and files in memory
            ["openssl", *arguments],  # noqa: S607 - wherever the system has it
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            check=False,
            timeout=deadline_s,
            pass_fds=[int(fd.rsplit("/", 1)[1]) for fd in fds],
        )
    except FileNotFoundError as error:
        raise OpensslMissing("the program openssl is missing; install it (`sudo apt install openssl`)") from error
    except subprocess.TimeoutExpired as error:
        raise OpensslError(f"openssl {arguments[0]} did not end within {deadline_s:g} s") from error
    except OSError as error:
        raise OpensslError(f"openssl can't be started: {error}") from error
    if done.returncode != 0:
        raise OpensslError(done.stderr.decode(errors="replace") + done.stdout.decode(errors="replace"))
    return done.stdout


@contextlib.contextmanager
def in_memory(content: str | bytes) -> Iterator[str]:
    """Give the name of a file that holds `content` and is on no disk: for `run`, whose `fds` must name it, too.

    Raises OpensslError where memory is short.
    """
    fd = -1
    try:
        try:
            fd = os.memfd_create("nodkald", 0)
            os.write(fd, content.encode() if isinstance(content, str) else content)
        except OSError as error:
            raise OpensslError(f"there is no memory for what openssl is to read: {error}") from error
        yield f"/dev/fd/{fd}"
    finally:
        if fd >= 0:
            os.close(fd)
