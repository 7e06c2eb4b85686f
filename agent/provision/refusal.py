"""What can't be done, told to a person in both languages: what is wrong and what to do.

Rules of this file: a `Refused` never carries a secret, nor the text of an answer that could be a name or a CPR
number.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from agent.errors import ProvisionError
from agent.texts import Text

if TYPE_CHECKING:
    from pathlib import Path


class Refused(ProvisionError):  # noqa: N818 - it is an answer to a person, as `StorageFull` is a state of a disk
    """Something can't be done; `text` says in one sentence in each language why, and what to do."""

    def __init__(self, da: str, en: str) -> None:
        super().__init__(en)
        self.text = Text(da, en)


class Waiting(Refused):
    """Everything is answered but the certificate, which the office still has to sign."""


def refused_by_system(error: OSError, path: Path) -> Refused:
    """Return what the operating system's refusal to read or write `path` means to a technician."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Refused(
            f"Der er ikke mere plads på disken under {path}. Frigør plads (`df -h` viser hvor), og prøv igen; "
            "intet er ændret.",
            f"The disk below {path} is full. Free some space (`df -h` shows where) and try again; nothing was changed.",
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return Refused(
            f"Denne bruger må ikke bruge {path}. Kør kommandoen igen med sudo; intet er ændret.",
            f"This user may not use {path}. Run the command again with sudo; nothing was changed.",
        )
    if error.errno == errno.EROFS:
        return Refused(
            f"{path} ligger på en disk, der kun kan læses. Gør den skrivbar (`mount -o remount,rw …`), og prøv igen.",
            f"{path} is on a disk that is read-only. Make it writable (`mount -o remount,rw …`) and try again.",
        )
    if error.errno == errno.ENOENT:
        return Refused(
            f"{path} findes ikke. Ret stien, eller sæt USB-nøglen i, og prøv igen.",
            f"{path} does not exist. Correct the path, or plug the USB stick in, and try again.",
        )
    return Refused(
        f"{path} kan ikke bruges ({error.strerror}). Ret det, og prøv igen; intet er ændret.",
        f"{path} can't be used ({error.strerror}). Mend that and try again; nothing was changed.",
    )
