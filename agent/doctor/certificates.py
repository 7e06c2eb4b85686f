"""Check `certificate`: the unit's certificates and the brokers' CA are there, are this unit's, and have days left.

Rules of this file: files only; whether a broker accepts them is told by the check `broker`. A CA file may hold an old
and a new CA side by side, so the one that lasts longest counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.doctor.case import SUDO
from agent.doctor.der import Certificate, from_pem
from agent.doctor.finding import Finding, Verdict
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from agent.config import BrokerPath

NAME = "certificate"
WARN_DAYS = 30
DAY_S = 86_400.0

_NO_TLS = Text("ingen vej bruger TLS", "no path uses TLS")
_DAYS = Text("gælder {days} dage endnu", "is valid for {days} more days")
_SOON = Text("udløber om {days} dage", "expires in {days} days")
_EXPIRED = Text("udløb for {days} dage siden", "expired {days} days ago")
_NOT_YET = Text("gælder først om {days} dage", "is valid only in {days} days")
_RENEW = Text(
    "Bed kontoret om et nyt certifikat til enheden, og læg det ind med: sudo nodkald provision",
    "Ask the office for a new certificate for the unit, and put it in with: sudo nodkald provision",
)
_RENEW_CA = Text(
    "Bed kontoret om brokerens nye CA-fil, og læg den, hvor `tls.ca` peger hen",
    "Ask the office for the broker's new CA file, and put it where `tls.ca` points",
)
_SET_CLOCK = Text(
    "Se linjen om uret; er det rigtigt, så bed om et nyt certifikat",
    "See the line on the clock; if it is right, ask for a new certificate",
)
_OTHER_UNIT = Text("er udstedt til {name}, ikke til {unit_id}", "is made out to {name}, not to {unit_id}")
_MISSING = Text("findes ikke", "does not exist")
_FORBIDDEN = Text("må ikke læses af dig", "may not be read by you")
_DAMAGED = Text("er ikke et certifikat", "is no certificate")


def examine(paths: Iterable[BrokerPath], unit_id: str, wall: float) -> list[Finding]:
    """Read every certificate file of every path, each once."""
    files: dict[Path, str | None] = {}
    for path in paths:
        if path.tls is not None:
            files[path.tls.ca] = None
            if path.tls.certificate is not None:
                files[path.tls.certificate] = unit_id
    if not files:
        return [Finding(NAME, Verdict.SKIPPED, _NO_TLS)]
    return [_examine(file, owner, wall) for file, owner in files.items()]


def _examine(file: Path, owner: str | None, wall: float) -> Finding:
    renew = _RENEW if owner is not None else _RENEW_CA
    try:
        certificates = from_pem(file.read_bytes())
    except FileNotFoundError:
        return Finding(NAME, Verdict.FAIL, _MISSING, str(file), renew)
    except PermissionError as error:
        return Finding(NAME, Verdict.WARN, _FORBIDDEN, str(file), SUDO, str(error))
    except (OSError, ValueError) as error:
        return Finding(NAME, Verdict.FAIL, _DAMAGED, str(file), renew, str(error))
    # A unit's file may hold its CA behind it: its own comes first.
    chosen = certificates[0] if owner is not None else max(certificates, key=lambda one: one.not_after)
    return judge(str(file), chosen, owner, wall)


def judge(subject: str, certificate: Certificate, owner: str | None, wall: float) -> Finding:
    """Return whether it is the right one and has days left; `owner` is the unit's id, None for a CA."""
    renew = _RENEW if owner is not None else _RENEW_CA
    if owner is not None and certificate.common_name != owner:
        other = both(_OTHER_UNIT, name=certificate.common_name or "-", unit_id=owner)
        return Finding(NAME, Verdict.FAIL, other, subject, renew)
    if wall < certificate.not_before:
        days = int((certificate.not_before - wall) / DAY_S) + 1
        return Finding(NAME, Verdict.FAIL, both(_NOT_YET, days=days), subject, _SET_CLOCK)
    left = int((certificate.not_after - wall) // DAY_S)
    if left < 0:
        return Finding(NAME, Verdict.FAIL, both(_EXPIRED, days=-left), subject, renew)
    if left < WARN_DAYS:
        return Finding(NAME, Verdict.WARN, both(_SOON, days=left), subject, renew)
    return Finding(NAME, Verdict.OK, both(_DAYS, days=left), subject)
