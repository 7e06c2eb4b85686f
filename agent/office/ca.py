"""An authority for trials: a directory with its key, its certificate, and the register of what it may sign.

Rules of this file: the key is a file of mode 0600 without a passphrase, in a directory of mode 0700: good enough for
trials, and nothing more. The register says which units a claim was made for, with the claim's one-time secret until
it is spent. One process at a time.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from agent.errors import OpensslError
from agent.provision import openssl
from agent.provision.files import replace_file, write_new
from agent.provision.identity import new_unit_id
from agent.provision.openssl import ENROLMENT_LINE
from agent.provision.refusal import Refused, refused_by_system

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AUTHORITY_DAYS = 1825
CERTIFICATE_DAYS = 365

_UNIT_ID = re.compile(r"u-[a-z0-9]{4,26}")
_PROOF = re.compile(rf"^{ENROLMENT_LINE}([0-9a-f]{{64}})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Registered:
    """A unit that a claim was made for. `request` is the digest of what was signed; the secret is gone then."""

    enrolment: str | None
    request: str | None = None
    certificate: str | None = None


class TrialCa:
    """The authority in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.certificate = directory / "ca.pem"
        self.key = directory / "ca.key"
        self._register = directory / "register.json"

    def init(self) -> None:
        """Make the authority. Raises Refused if the directory holds anything."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(self.directory.iterdir()):
                raise Refused(
                    f"{self.directory} er ikke tom. Vælg en ny mappe: en CA må aldrig overskrives.",
                    f"{self.directory} is not empty. Choose a new directory: an authority is never overwritten.",
                )
            self.directory.chmod(0o700)
            write_new(self.key, openssl.new_key(), 0o600)
            self._save({})
            # A name of its own: two trial authorities are told apart by it.
            name = f"nodkald trial CA {new_unit_id().removeprefix('u-')}"
            write_new(self.certificate, openssl.self_signed(self.key, name, AUTHORITY_DAYS).encode(), 0o644)
        except OSError as error:
            raise refused_by_system(error, self.directory) from error

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the register. Raises Refused if the directory is no authority."""
        if not self.certificate.is_file() or not self.key.is_file():
            raise Refused(
                f"{self.directory} er ingen CA. Lav en med `nodkald office ca init --ca {self.directory}`.",
                f"{self.directory} is no authority. Make one with `nodkald office ca init --ca {self.directory}`.",
            )
        try:
            lock = os.open(self.directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise refused_by_system(error, self.directory) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def register(self, unit_ids: list[str]) -> dict[str, str]:
        """Approve units; return a one-time secret for each. Raises Refused if one is approved already."""
        known = self._load()
        for unit_id in unit_ids:
            if unit_id in known:
                raise Refused(
                    f"{unit_id} har allerede en fil (claim) fra denne CA. Giv rækken et andet unit_id, eller intet.",
                    f"{unit_id} has a claim of this authority already. Give the row another unit_id, or none.",
                )
        made = {unit_id: secrets.token_hex(32) for unit_id in unit_ids}
        self._save(known | {unit_id: Registered(secret) for unit_id, secret in made.items()})
        return made

    def sign(self, request: str, approved: str | None) -> tuple[str, str]:
        """Return unit id and certificate for a request that a claim, or the office itself (`approved`), speaks for.

        A claim is good for one request; the same request again gets the same certificate again.
        """
        unit_id = _unit_of(request)
        known = self._load()
        entry = known.get(unit_id)
        proof = found[1] if (found := _PROOF.search(request)) else None
        digest = openssl.request_digest(request)
        if entry is not None and entry.certificate is not None and entry.request == digest:
            return unit_id, entry.certificate
        if approved != unit_id:
            _refuse_unproven(unit_id, entry, request, proof)
        certificate = openssl.sign(request, ca=self.certificate, ca_key=self.key, days=CERTIFICATE_DAYS)
        self._save(known | {unit_id: Registered(None, digest, certificate)})
        return unit_id, certificate

    def _load(self) -> dict[str, Registered]:
        try:
            return {unit_id: Registered(**entry) for unit_id, entry in json.loads(self._register.read_text()).items()}
        except OSError as error:
            raise refused_by_system(error, self._register) from error

    def _save(self, register: dict[str, Registered]) -> None:
        content = json.dumps({unit_id: asdict(entry) for unit_id, entry in register.items()}, indent=1)
        try:
            replace_file(self._register, content.encode(), 0o600)
        except OSError as error:
            raise refused_by_system(error, self._register) from error


def _unit_of(request: str) -> str:
    try:
        subject = openssl.request_subject(request)
    except OpensslError as error:
        raise Refused(
            "Det er ingen gyldig anmodning (CSR). Hent den igen fra enheden.",
            "That is no valid request (CSR). Fetch it from the unit again.",
        ) from error
    unit_id = subject.removeprefix("CN=")
    if not _UNIT_ID.fullmatch(unit_id):
        raise Refused(
            "Anmodningens navn er ikke et enheds-id. Lad `nodkald provision` lave den.",
            "The request's name is no unit id. Let `nodkald provision` make it.",
        )
    return unit_id


def _refuse_unproven(unit_id: str, entry: Registered | None, request: str, proof: str | None) -> None:
    if entry is None or proof is None:
        raise Refused(
            f"Ingen fil (claim) står inde for anmodningen fra {unit_id}. Få id'et bekræftet af teknikeren, "
            f"og underskriv med --approve {unit_id}.",
            f"No claim speaks for the request of {unit_id}. Have the technician confirm the id, "
            f"and sign with --approve {unit_id}.",
        )
    if entry.enrolment is None:
        raise Refused(
            f"Filen (claim) til {unit_id} er brugt. Er enheden sat op på ny, så få det bekræftet, og underskriv med "
            f"--approve {unit_id}; spær det gamle certifikat.",
            f"The claim of {unit_id} is spent. If the unit was provisioned anew, have that confirmed and sign with "
            f"--approve {unit_id}; lock out the old certificate.",
        )
    if not secrets.compare_digest(openssl.enrolment_proof(request, entry.enrolment), proof):
        raise Refused(
            f"Anmodningen fra {unit_id} er ikke lavet med dens fil (claim), eller ændret undervejs. Underskriv ikke.",
            f"The request of {unit_id} was not made with its claim, or was changed on the way. Do not sign it.",
        )
