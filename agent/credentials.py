"""The unit's private key as an encrypted credential of systemd: encrypted on the card, in the clear only in memory.

    /etc/credstore.encrypted/NAME  --systemd, at the service's start-->  /run/credentials/nodkald-agent.service/NAME

The unit file's `tls.key` is the second path. There are two names, so that a new key takes the place that the unit file
in force does not name: the one rename of the unit file is the moment at which everything changes.

Rules of this file: a secret passes through pipes and memory, never through an argument, a disk or an error's text. The
machine's own key encrypts, not a TPM: a unit must not fall silent because its firmware was updated.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "nodkald-agent.service"
NAMES = ("nodkald-tls-key", "nodkald-tls-key-2")
STORE = Path("/etc/credstore.encrypted")
GIVEN = Path("/run/credentials") / SERVICE
"""A directory in memory, for root and for the service alone, while it runs."""

_COMMAND = "systemd-creds"
_DEADLINE_S = 5.0


def is_credential(key: Path) -> bool:
    """Whether a unit file's `tls.key` is a credential of the service."""
    return key.parent == GIVEN


def encrypt(secret: bytes, name: str) -> bytes:
    """Return `secret` as the encrypted credential `name`, good on this machine alone, where it can be read again.

    Raises CredentialError.
    """
    sealed = _run("encrypt", "--with-key=host", f"--name={name}", "-", "-", stdin=secret)
    if decrypt(sealed, name) != secret:
        raise CredentialError(f"{_COMMAND} gave back something else than it was given")
    return sealed


def decrypt(sealed: bytes, name: str) -> bytes:
    """Return what the encrypted credential `name` holds. Raises CredentialError, also for one of another machine."""
    return _run("decrypt", f"--name={name}", "-", "-", stdin=sealed)


def decrypt_stored(key: Path, store: Path = STORE) -> bytes:
    """Return the private key behind `key`, a credential of the service. Raises OSError and CredentialError."""
    return decrypt((store / key.name).read_bytes(), key.name)


@contextlib.contextmanager
def in_memory(secret: bytes) -> Iterator[Path]:
    """Give the name of a file that holds `secret`, for this process alone, and is on no disk."""
    fd = os.memfd_create("nodkald", os.MFD_CLOEXEC)
    try:
        os.fchmod(fd, 0o600)
        with open(fd, "wb", closefd=False) as file:
            file.write(secret)
        yield Path(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)


def _run(*arguments: str, stdin: bytes) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - fixed words to a system command
            [_COMMAND, *arguments], input=stdin, capture_output=True, check=False, timeout=_DEADLINE_S
        )
    except FileNotFoundError as error:
        raise CredentialError(f"there is no {_COMMAND} on this machine") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise CredentialError(f"{_COMMAND} {arguments[0]} did not answer ({type(error).__name__})") from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise CredentialError(f"{_COMMAND} {arguments[0]}: {said[-1] if said else f'exit code {done.returncode}'}")
    return done.stdout
