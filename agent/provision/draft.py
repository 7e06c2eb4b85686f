"""What is kept while a unit is being provisioned: the answers so far, the new key, and the request.

Rules of this file: all of it lies in `.provisioning` beside the unit file, mode 0700, on the same disk. `draft.json`
has answers and no secret; the key and a claim's one-time secret are files of their own, 0600. Where there is a vault
the key is encrypted before it first comes to a disk; one that an older version left in the clear is encrypted then.
One process at a time holds the lock.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from typing import TYPE_CHECKING

from agent import credentials
from agent.errors import CredentialError
from agent.provision import openssl
from agent.provision.dialogue import State
from agent.provision.files import replace_file, write_new
from agent.provision.identity import new_unit_id
from agent.provision.refusal import Refused, refused_by_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIRECTORY = ".provisioning"

_SEALED_AS = "nodkald-provisioning"


class Draft:
    """The pending directory of the unit file in `unit_dir`."""

    def __init__(self, unit_dir: Path, *, encrypts: bool = False) -> None:
        self._directory = unit_dir / DIRECTORY
        self._draft = self._directory / "draft.json"
        self._encrypts = encrypts
        self._key = self._directory / "unit.key"
        self._sealed_key = self._directory / "unit.key.cred"
        self._enrolment = self._directory / "enrolment"
        self._signing_key = self._directory / "signing-key"

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Make the directory and hold its lock. Raises Refused if it can't be made, or somebody else provisions."""
        try:
            self._directory.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            self._directory.mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise refused_by_system(error, self._directory.parent) from error
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Refused(
                    "En anden `nodkald provision` kører på denne enhed. Afslut den først.",
                    "Another `nodkald provision` is running on this unit. End that one first.",
                ) from error
            yield
        finally:
            if not any(entry.name != "lock" for entry in self._directory.glob("*")):
                self.remove()  # nothing was kept
            os.close(lock)

    @property
    def begun(self) -> bool:
        """Whether there is something to take up again."""
        return self._draft.exists()

    def load(self) -> State:
        """Return where the dialogue was left, or the state of a new one with a fresh unit id."""
        try:
            raw = json.loads(self._draft.read_text())
            return State(dict(raw["answers"]), dict(raw["given"]), tuple(raw["order"]))
        except FileNotFoundError:
            return State({"unit_id": new_unit_id()})
        except OSError as error:
            raise refused_by_system(error, self._draft) from error
        except (ValueError, KeyError, TypeError) as error:
            raise Refused(
                f"De gemte svar i {self._draft} kan ikke læses. Begynd forfra med `nodkald provision --start-over`.",
                f"The answers kept in {self._draft} can't be read. Begin anew with `nodkald provision --start-over`.",
            ) from error

    def save(self, state: State) -> None:
        """Keep the answers. Raises Refused where the disk is full or read-only."""
        kept = {"answers": state.answers, "given": state.given, "order": state.order}
        self._write(self._draft, json.dumps(kept, indent=1).encode())

    def keep_enrolment(self, secret: str) -> None:
        """Keep a claim's one-time secret until the request is made."""
        self._write(self._enrolment, secret.encode())

    def keep_signing_key(self, key: str) -> None:
        """Keep whose models a claim lets the unit accept; empty where it says nothing."""
        self._write(self._signing_key, key.encode())

    def signing_key(self) -> str | None:
        """Return what `keep_signing_key` kept, None if nothing. Raises Refused."""
        try:
            return (self._signing_key.read_text() or None) if self._signing_key.exists() else None
        except OSError as error:
            raise refused_by_system(error, self._signing_key) from error

    def request(self, unit_id: str) -> tuple[str, Path]:
        """Return the request for `unit_id` and where it lies; makes key and request where there are none."""
        path = self._directory / f"{unit_id}.csr"
        try:
            key = self.private_key()
            if not path.exists():
                secret = self._enrolment.read_text() if self._enrolment.exists() else None
                replace_file(path, openssl.request(key, unit_id, secret).encode(), 0o600)
            return path.read_text(), path
        except OSError as error:
            raise refused_by_system(error, path) from error

    def private_key(self) -> bytes:
        """Return the new private key (PEM), which is made here if there is none. Raises Refused."""
        try:
            if self._sealed_key.exists():
                return credentials.decrypt(self._sealed_key.read_bytes(), _SEALED_AS)
            key = self._key.read_bytes() if self._key.exists() else openssl.new_key()
            if self._encrypts:
                replace_file(self._sealed_key, credentials.encrypt(key, _SEALED_AS), 0o600)
                self._key.unlink(missing_ok=True)
            elif not self._key.exists():
                write_new(self._key, key, 0o600)
        except OSError as error:
            raise refused_by_system(error, self._key) from error
        except CredentialError as error:
            raise Refused(
                f"Den nye nøgle kan ikke krypteres eller læses på denne maskine ({error}). Begynd forfra med "
                "`nodkald provision --start-over`.",
                f"The new key can't be encrypted, or not be read, on this machine ({error}). Begin anew with "
                "`nodkald provision --start-over`.",
            ) from error
        return key

    def clear(self) -> None:
        """Forget everything that was kept. The lock stays until it is let go."""
        for entry in self._directory.iterdir() if self._directory.exists() else ():
            if entry.name != "lock":
                entry.unlink()

    def remove(self) -> None:
        """Remove the directory itself; only while the lock is held."""
        shutil.rmtree(self._directory, ignore_errors=True)

    @staticmethod
    def _write(path: Path, content: bytes) -> None:
        try:
            replace_file(path, content, 0o600)
        except OSError as error:
            raise refused_by_system(error, path) from error
