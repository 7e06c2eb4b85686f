"""Check `key`: the unit's private key is encrypted, can be read on this machine, and belongs to the certificate.

Rules of this file: a key that is a credential of the service (agent/credentials.py) is decrypted into memory, which
only root can; nothing of it is shown. What the unit file names is examined: a running unit has it from its next start
on.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from agent.credentials import decrypt_stored, in_memory, is_credential
from agent.doctor.finding import Finding, Verdict
from agent.errors import CredentialError, UplinkError
from agent.texts import Text
from agent.uplink.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from agent.config import BrokerPath

NAME = "key"

_NONE = Text("ingen vej bruger enhedens nøgle", "no path uses a key of the unit")
_ENCRYPTED = Text("er krypteret, og hører til certifikatet", "is encrypted, and belongs to the certificate")
_PRACTICE = Text("hører til certifikatet", "belongs to the certificate")
HIDDEN = Text(
    "nøglen er kun for root og enheden selv: kør den igen med sudo for at prøve den",
    "the key is for root and the unit itself alone: run it again with sudo to try it",
)
_CLEAR = Text("ligger i klartekst på kortet", "lies in the clear on the card")
_ENCRYPT = Text(
    "Intet haster: næste gang krypterer `sudo nodkald provision` den, hvor systemd-creds virker",
    "No haste: the next `sudo nodkald provision` encrypts it, where systemd-creds works",
)
_NOT_READ = Text("kan ikke læses på denne maskine", "can't be read on this machine")
_UNUSABLE = Text("kan ikke bruges", "can't be used")
_AGAIN = Text(
    "Lav en ny nøgle, og bed kontoret om et certifikat til den: sudo nodkald provision",
    "Make a new key, and ask the office for a certificate for it: sudo nodkald provision",
)


def examine(paths: Iterable[BrokerPath], *, simulated: bool) -> list[Finding]:
    """Try every key, each once."""
    by_key = {path.tls.key: path for path in paths if path.tls is not None and path.tls.key is not None}
    if not by_key:
        return [Finding(NAME, Verdict.SKIPPED, _NONE)]
    return [_examine(key, path, simulated=simulated) for key, path in by_key.items()]


@contextlib.contextmanager
def readable(path: BrokerPath) -> Iterator[BrokerPath]:
    """Give the path with a key that this process can read: a credential is decrypted in memory.

    Raises PermissionError where only root could, OSError and CredentialError where nobody can.
    """
    tls = path.tls
    if tls is None or tls.key is None:
        yield path
    elif is_credential(tls.key):
        with in_memory(decrypt_stored(tls.key)) as key:
            yield path.model_copy(update={"tls": tls.model_copy(update={"key": key})})
    else:
        with contextlib.suppress(FileNotFoundError), tls.key.open("rb"):
            pass  # PermissionError, if it is not for us
        yield path


def _examine(key: Path, path: BrokerPath, *, simulated: bool) -> Finding:
    subject = str(key)
    try:
        with readable(path) as usable:
            if usable.tls is not None:
                client_context(usable.tls, check_time=False)
    except PermissionError:
        return Finding(NAME, Verdict.SKIPPED, HIDDEN, subject)
    except (OSError, CredentialError) as error:
        return Finding(NAME, Verdict.FAIL, _NOT_READ, subject, _AGAIN, str(error))
    except UplinkError as error:
        # The name of a file in memory tells nobody anything.
        said = str(error).replace(str(usable.tls.key), subject) if usable.tls is not None else str(error)
        return Finding(NAME, Verdict.FAIL, _UNUSABLE, subject, _AGAIN, said)
    if is_credential(key):
        return Finding(NAME, Verdict.OK, _ENCRYPTED, subject)
    if simulated:
        return Finding(NAME, Verdict.OK, _PRACTICE, subject)
    return Finding(NAME, Verdict.WARN, _CLEAR, subject, _ENCRYPT)
