"""Tries, inside the service's sandbox, what the agent never does. Run by tools/deb_trial/installed.

Rules of this file: prints a line for each thing that it could do, then `tried`; only that last line alone is well.
"""

import ctypes
import mmap
import os
import socket
from collections.abc import Callable
from pathlib import Path

CLONE_NEWUSER = 0x10000000  # linux/sched.h


def _memory_to_write_and_run() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _higher_priority() -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


def _namespace_of_its_own() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare was refused")


def _raw_packets() -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)


def _see_other_processes() -> None:
    Path("/proc/1/cmdline").read_bytes()


def _see_homes() -> None:
    list(Path("/root").iterdir())


def _set_the_host_name() -> None:
    socket.sethostname("intruder")


def writes(path: str) -> Callable[[], object]:
    """Return an attempt to write a file."""
    return lambda: Path(path).write_text("x", encoding="ascii")


ATTEMPTS: dict[str, Callable[[], object]] = {
    "make memory that is written and run": _memory_to_write_and_run,
    "take a real-time priority": _higher_priority,
    "make a namespace": _namespace_of_its_own,
    "send raw packets": _raw_packets,
    "see other processes": _see_other_processes,
    "see homes": _see_homes,
    "set the host's name": _set_the_host_name,
    **{f"write {path}": writes(path) for path in ("/etc/nodkald/x", "/opt/nodkald/x", "/usr/x", "/root/x", "/dev/x")},
}

for name, attempt in ATTEMPTS.items():
    try:
        attempt()
    except OSError:
        continue
    print(f"could {name}")

for allowed in ("/var/lib/nodkald/tried", "/run/nodkald/tried"):
    writes(allowed)()
    Path(allowed).unlink()
print("tried")
