"""Puts a unit file, its key and certificates in place: all of them, or none.

Rules of this file: key and certificates get a directory of their own, `identity-…`, which nothing names until the
unit file does; so the one rename of the unit file is the moment at which everything changes, and a power cut leaves
the old unit or the new one. A key that is encrypted takes the credential that the unit file in force does not name.
The identity before it stays (a running agent still reads it) until the next provisioning; older ones are removed.
What a killed run left behind is swept away by the next one.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent import credentials
from agent.config_files import load_unit
from agent.errors import ConfigError, CredentialError, UplinkError
from agent.provision.files import replace_file, sync_directory, write_new
from agent.provision.refusal import Refused, refused_by_system
from agent.provision.unit_text import CA, CERTIFICATE, KEY
from agent.uplink.tls import client_context

if TYPE_CHECKING:
    from agent.provision.vault import Vault

SERVICE_USER = "nodkald"
PREVIOUS = ".previous"

_IDENTITY = re.compile(r"identity-[0-9a-f]{8}")
_LEFT_BEHIND = re.compile(r"\.staged-[0-9a-f]{8}(?:\.toml)?")


@dataclass(frozen=True, slots=True)
class Owner:
    """Who the files belong to: the service's user if we are root and it exists, else whoever runs us."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Content:
    """What is put in place. Without TLS there is no identity; with a vault the key goes there and not into it."""

    unit_file: str
    identity: Path
    key: bytes | None
    certificate: str
    ca: str
    vault: Vault | None = None


def service_owner() -> Owner:
    """Return who the files will belong to."""
    if os.geteuid() == 0:
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(SERVICE_USER)
            return Owner(SERVICE_USER, user.pw_uid, user.pw_gid)
    return Owner(pwd.getpwuid(os.geteuid()).pw_name, os.geteuid(), os.getegid())


def new_identity(unit_dir: Path) -> Path:
    """Return the name of a directory for the next identity; it is not there yet."""
    return unit_dir / f"identity-{secrets.token_hex(4)}"


def install(unit_path: Path, content: Content, owner: Owner) -> None:
    """Put everything in place. Raises Refused, and then nothing has changed."""
    sweep(unit_path)
    token = secrets.token_hex(4)
    staged, staged_file = (unit_path.parent / f".staged-{token}{end}" for end in ("", ".toml"))
    identity: Path | None = None
    locked_away: Path | None = None
    try:
        if content.key is not None:
            _stage_identity(staged, content, content.key, owner)
        write_new(staged_file, content.unit_file.encode(), 0o640)
        _own(staged_file, owner)
        _check(staged_file, staged, content)
        if content.key is not None:
            identity = staged.rename(content.identity)
        if content.key is not None and content.vault is not None:
            locked_away = _lock_away(content.key, content.vault)
        sync_directory(unit_path.parent)
        if unit_path.exists():
            replace_file(unit_path.with_name(unit_path.name + PREVIOUS), unit_path.read_bytes(), 0o600)
        staged_file.replace(unit_path)
    except BaseException as error:
        _remove(staged, staged_file, identity, locked_away)
        if isinstance(error, OSError):
            raise refused_by_system(error, unit_path.parent) from error
        raise
    # From here on the new unit is in force.
    with contextlib.suppress(OSError):
        sync_directory(unit_path.parent)
    sweep(unit_path)
    if content.vault is not None:
        _sweep_store(unit_path, content.vault.store)


def sweep(unit_path: Path) -> None:
    """Remove what killed runs left behind, and identities that neither the unit file nor the one before it names."""
    named = _named(unit_path)
    for entry in unit_path.parent.iterdir():
        forgotten = _IDENTITY.fullmatch(entry.name) and str(entry) not in named
        if forgotten or _LEFT_BEHIND.fullmatch(entry.name):
            _remove(entry)


def _sweep_store(unit_path: Path, store: Path) -> None:
    named = _named(unit_path)
    for name in credentials.NAMES:
        if f'"{credentials.GIVEN / name}"' not in named:
            _remove(store / name)


def _named(unit_path: Path) -> str:
    """Return the text of the unit file and of the one before it: what is named in neither is forgotten."""
    both = (unit_path, unit_path.with_name(unit_path.name + PREVIOUS))
    return "".join(path.read_text(errors="replace") for path in both if path.exists())


def _lock_away(key: bytes, vault: Vault) -> Path:
    """Keep the key encrypted; return where. Raises OSError and Refused."""
    try:
        sealed = credentials.encrypt(key, vault.name)
    except CredentialError as error:
        raise Refused(
            f"Nøglen kan ikke krypteres, og intet er skrevet: {error}. Prøv igen; genstart maskinen, hvis det bliver "
            "ved.",
            f"The key can't be encrypted, and nothing was written: {error}. Try again; if it goes on, restart the "
            "machine.",
        ) from error
    vault.store.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(vault.stored, sealed, 0o600)
    return vault.stored


def _stage_identity(staged: Path, content: Content, key: bytes, owner: Owner) -> None:
    staged.mkdir(mode=0o700)
    for name, body, mode in (
        *(((KEY, key, 0o600),) if content.vault is None else ()),
        (CERTIFICATE, content.certificate.encode(), 0o640),
        (CA, content.ca.encode(), 0o640),
    ):
        write_new(staged / name, body, mode)
        _own(staged / name, owner, reads_alone=name == KEY)
    sync_directory(staged)
    _own(staged, owner)
    staged.chmod(0o750)


def _own(path: Path, owner: Owner, *, reads_alone: bool = False) -> None:
    """Give the file to the service's group to read, and the key to its user. The service can't change the rest."""
    if os.geteuid() == 0:
        os.chown(path, owner.uid if reads_alone else 0, owner.gid)


def _check(staged_file: Path, staged: Path, content: Content) -> None:
    """Read what was staged as the unit will."""
    try:
        unit = load_unit(staged_file)
        with credentials.in_memory(content.key or b"") as key:
            for path in unit.unit_file.uplink.paths:
                if path.tls is not None and content.key is not None:
                    files = {"ca": staged / CA, "certificate": staged / CERTIFICATE, "key": key}
                    client_context(path.tls.model_copy(update=files), check_time=True)
    except (ConfigError, UplinkError) as error:
        said = re.sub(r"/proc/self/fd/\d+", KEY, str(error)).replace(str(staged_file), "unit.toml").replace("\n", "; ")
        raise Refused(
            f"Opsætningen kan ikke bruges, og intet er skrevet: {said}",
            f"The set-up can't be used, and nothing was written: {said}",
        ) from error


def _remove(*paths: Path | None) -> None:
    for path in paths:
        if path is not None and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path is not None:
            with contextlib.suppress(OSError):
                path.unlink()
