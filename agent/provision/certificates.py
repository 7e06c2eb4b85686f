"""Whether an authority and a certificate can be used by this unit, told to a technician in one sentence.

Rules of this file: everything that can be known without the broker is checked here. A certificate that has ended is
refused always: a Pi's clock that was never set lags, it does not lead. One that has not begun is refused only where
the clock is known to be right.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.errors import OpensslError
from agent.provision.openssl import CERTIFICATE_BLOCK, CertificateFacts, chain_fault, facts_of
from agent.provision.refusal import Refused

CLOCKS_DIFFER = timedelta(hours=1)
"""How far the office's clock may be ahead of ours: a certificate is often used the minute it is signed."""

_PRIVATE = "PRIVATE KEY-----"
_NO_ISSUER_ROOT = 2
_NOT_AN_AUTHORITY = frozenset({24, 79, 92})
_WRONG_PURPOSE = 26


@dataclass(frozen=True, slots=True)
class Today:
    """The date that certificates are held against, and whether the clock it comes from is known to be right."""

    now: datetime
    synced: bool


def certificates_in(text: str) -> str:
    """Return the certificates in a text, in PEM form and nothing else. Raises Refused if there is none, or a secret."""
    if _PRIVATE in text:
        raise Refused(
            "Der ligger en privat nøgle i den tekst. Nøglen laves her på enheden og må aldrig sendes: "
            "slet kopien, og giv kun certifikatet (BEGIN CERTIFICATE).",
            "That text holds a private key. The key is made here on the unit and must never be sent: "
            "delete the copy, and give the certificate only (BEGIN CERTIFICATE).",
        )
    if "BEGIN CERTIFICATE REQUEST" in text and not CERTIFICATE_BLOCK.search(text):
        raise Refused(
            "Det er anmodningen, ikke certifikatet. Send den til kontoret, og giv det certifikat, der kommer tilbage.",
            "That is the request, not the certificate. Send it to the office, and give what comes back.",
        )
    blocks = CERTIFICATE_BLOCK.findall(text)
    if not blocks:
        raise Refused(
            "Der er intet certifikat i PEM-form. Giv hele teksten fra -----BEGIN CERTIFICATE----- til og med "
            "-----END CERTIFICATE-----, eller filens sti.",
            "There is no certificate in PEM form. Give the whole text from -----BEGIN CERTIFICATE----- to "
            "-----END CERTIFICATE-----, or the path of its file.",
        )
    return "".join(f"{block}\n" for block in blocks)


def checked_authority(text: str, today: Today) -> str:
    """Return the authority's certificates (PEM). Raises Refused if they are none, or have ended."""
    pem = certificates_in(text)
    for block in CERTIFICATE_BLOCK.findall(pem):
        _refuse_by_date(_facts(block), today, "Centralens CA-certifikat", "The centre's CA certificate")
    return pem


def checked_certificate(text: str, *, ca: str, unit_id: str, public_key: str, today: Today) -> str:
    """Return the unit's certificate with what stands between it and the authority (PEM).

    Raises Refused if it is for another key or unit, of another authority, for another use, or out of its time.
    """
    pem = certificates_in(text)
    facts = _facts(pem)
    if facts.public_key != public_key:
        raise Refused(
            "Certifikatet hører til en anden nøgle end denne enheds. Send den anmodning, der vises her, "
            "til kontoret igen, og brug det certifikat, der kommer tilbage.",
            "The certificate belongs to another key than this unit's. Send the request that is shown here to the "
            "office again, and use the certificate that comes back.",
        )
    if facts.common_name != unit_id:
        raise Refused(
            f"Certifikatet er ikke udstedt til {unit_id}. Bed kontoret om et, hvis CN er præcis {unit_id}.",
            f"The certificate is not made out to {unit_id}. Ask the office for one whose CN is exactly {unit_id}.",
        )
    _refuse_by_date(facts, today, "Certifikatet", "The certificate")
    fault = chain_fault(pem, ca)
    if fault is not None:
        raise _not_vouched_for(fault, facts)
    return pem


def _facts(pem: str) -> CertificateFacts:
    try:
        return facts_of(pem)
    except (OpensslError, KeyError, ValueError) as error:
        raise Refused(
            "Certifikatet er beskadiget og kan ikke læses. Kopiér det igen, uden at linjer går tabt.",
            "The certificate is damaged and can't be read. Copy it again without losing a line.",
        ) from error


def _refuse_by_date(facts: CertificateFacts, today: Today, da: str, en: str) -> None:
    if facts.not_after < today.now:
        raise Refused(
            f"{da} udløb {facts.not_after:%Y-%m-%d}. Bed kontoret om et nyt (uret her siger {today.now:%Y-%m-%d}).",
            f"{en} ended on {facts.not_after:%Y-%m-%d}. Ask the office for a new one "
            f"(the clock here says {today.now:%Y-%m-%d}).",
        )
    if facts.not_before > today.now + CLOCKS_DIFFER and today.synced:
        raise Refused(
            f"{da} gælder først fra {facts.not_before:%Y-%m-%d %H:%M} UTC. Vent, eller bed kontoret om et nyt.",
            f"{en} is valid only from {facts.not_before:%Y-%m-%d %H:%M} UTC. Wait, or ask the office for a new one.",
        )


def _not_vouched_for(fault: int, facts: CertificateFacts) -> Refused:
    if fault == _WRONG_PURPOSE:
        return Refused(
            "Certifikatet må ikke bruges af en klient. Bed kontoret om et med anvendelsen clientAuth.",
            "The certificate is not for a client. Ask the office for one with the usage clientAuth.",
        )
    if fault in _NOT_AN_AUTHORITY:
        return Refused(
            "Det CA-certifikat, du gav, er ikke en udsteders. Gå tilbage med <, og giv centralens CA-certifikat.",
            "The CA certificate that you gave is not an authority's. Go back with < and give the centre's.",
        )
    if fault == _NO_ISSUER_ROOT:
        return Refused(
            "CA-filen mangler rod-certifikatet. Gå tilbage med <, og giv hele kæden i én fil.",
            "The CA file lacks the root certificate. Go back with < and give the whole chain in one file.",
        )
    return Refused(
        f"Certifikatet er udstedt af en anden CA ({facts.issuer}) end den, du gav. Gå tilbage med <, og ret CA'en, "
        "eller bed kontoret om det rigtige certifikat.",
        f"The certificate was signed by another CA ({facts.issuer}) than the one that you gave. Go back with < "
        "and correct the CA, or ask the office for the right certificate.",
    )
