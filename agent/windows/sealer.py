"""A process of its own that encrypts kept windows, and the worker's end of it.

To start a program, Python holds all its threads while the process is copied: some milliseconds, in which nobody could
call. So it happens once, when the unit starts; from then on this process starts `openssl`, and the unit only writes
into a pipe. It loads nothing but the standard library, and is the first to go where memory is short.

Rules of this file: content passes through pipes, as four bytes of length and the bytes. A process that ended is started
anew when the worker looks. Nothing but the worker's own thread waits for it.
"""

from __future__ import annotations

import contextlib
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import IO

import agent
from agent.errors import OpensslError
from agent.windows import seal

_LENGTH = struct.Struct(">I")
_DONE, _REFUSED = b"+", b"-"
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from agent.windows import sealer; sealer.serve(sys.argv[2])"

# With vfork, the threads would be held until the disk has answered with the program.
subprocess._USE_VFORK = False  # type: ignore[misc]  # noqa: SLF001 - the documentation of `subprocess` says how


class Sealer:
    """Encrypts for one certificate."""

    def __init__(self, certificate: Path) -> None:
        self._certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, if it does not run. Raises OSError where the machine has no room for one."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        here = str(Path(agent.__file__).parent.parent)
        self._process = subprocess.Popen(  # noqa: S603 - this Python, and our own file
            [sys.executable, "-IS", "-c", _PROGRAM, here, str(self._certificate)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def encrypt(self, content: bytes) -> bytes:
        """Return `content` as `seal.encrypt` does. Raises OpensslError where it can't, OSError where it has ended."""
        self.start()
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise OpensslError("the process that encrypts has no pipes")
        _write(process.stdin, content)
        verdict, answer = process.stdout.read(1), _read(process.stdout)
        if verdict != _DONE or answer is None:
            raise OpensslError((answer or b"the process that encrypts has ended").decode(errors="replace"))
        return answer

    def stop(self) -> None:
        """End the process; may be called twice."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(5)
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what it did not read any more
                        pipe.close()


def serve(certificate: str) -> None:
    """Be that process: encrypt what comes on standard input, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the unit, which closes the pipe
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    while (content := _read(sys.stdin.buffer)) is not None:
        try:
            verdict, answer = _DONE, seal.encrypt(content, Path(certificate))
        except OpensslError as error:
            verdict, answer = _REFUSED, str(error).encode()
        _write(sys.stdout.buffer, answer, verdict)


def _read(pipe: IO[bytes]) -> bytes | None:
    """Return the next message; None at the end."""
    length = pipe.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    content = pipe.read(_LENGTH.unpack(length)[0])
    return content if len(content) == _LENGTH.unpack(length)[0] else None


def _write(pipe: IO[bytes], content: bytes, verdict: bytes = b"") -> None:
    pipe.write(verdict + _LENGTH.pack(len(content)) + content)
    pipe.flush()
