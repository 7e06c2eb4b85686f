"""Whether this unit's private key can be kept encrypted, and under which name; else why not, in one sentence.

Rules of this file: nobody is refused for want of a vault. It is tried before it is relied on.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from agent import credentials
from agent.errors import CredentialError
from agent.texts import Text

BOOTED = Path("/run/systemd/system")
"""There while systemd is what the machine was started with (sd_booted(3))."""

SERVICE_FILES = tuple(
    Path(directory) / credentials.SERVICE for directory in ("/etc/systemd/system", "/usr/lib/systemd/system")
)


@dataclass(frozen=True, slots=True)
class Vault:
    """The credential that the new key becomes: the one that the unit file in force does not name."""

    name: str
    store: Path

    @property
    def stored(self) -> Path:
        """Where it is kept, encrypted."""
        return self.store / self.name

    @property
    def given(self) -> Path:
        """Where the service finds it: the unit file's `tls.key`."""
        return credentials.GIVEN / self.name


def find(unit_path: Path) -> tuple[Vault | None, Text | None]:
    """Return the vault for the next key of the unit with this unit file; or None, and why not."""
    if os.geteuid() != 0:
        return None, Text("kun root kan kryptere den", "only root can encrypt it")
    if not BOOTED.is_dir():
        return None, Text("maskinen er ikke startet med systemd", "the machine was not started with systemd")
    name = _free_name(unit_path)
    if not any(_hands_out(file, name) for file in SERVICE_FILES):
        return None, Text(
            "tjenesten nodkald-agent er ikke installeret her", "the service nodkald-agent is not installed here"
        )
    try:
        credentials.encrypt(b"tried", name)
    except CredentialError as error:
        return None, Text(str(error), str(error))
    return Vault(name, credentials.STORE), None


def _free_name(unit_path: Path) -> str:
    first, second = credentials.NAMES
    try:
        in_force = unit_path.read_text(errors="replace")
    except OSError:
        return first
    return second if f'"{credentials.GIVEN / first}"' in in_force else first


def _hands_out(service_file: Path, name: str) -> bool:
    try:
        return f"LoadCredentialEncrypted={name}\n" in service_file.read_text(errors="replace")
    except OSError:
        return False
