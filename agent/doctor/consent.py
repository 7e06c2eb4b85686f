"""Check `consent`: what the citizen has consented to can be kept, and is not kept for longer.

Rules of this file: the municipality's certificate is tried by encrypting nothing for it. No fault of it touches a call,
so it only ever warns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.consent import Standing, standing
from agent.doctor.finding import Finding, Verdict
from agent.errors import OpensslError
from agent.status.words import both
from agent.texts import Text
from agent.windows import seal

if TYPE_CHECKING:
    from agent.clock import Now
    from agent.config import Consent

NAME = "consent"

_NONE = Text("intet samtykke: ingen bevægelse gemmes", "no consent: no motion is kept")
_HOLDS = Text(
    "bevægelse omkring mulige fald gemmes krypteret til og med {until}",
    "motion around possible falls is kept, encrypted, until {until}",
)
_EXPIRED = Text(
    "udløb efter {until}: intet gemmes, og det gemte er slettet",
    "ended after {until}: nothing is kept, and what was kept is deleted",
)
_RENEW = Text(
    "Skriv det fornyede samtykke ind i enhedens fil, eller fjern tabellen [consent] fra den",
    "Write the renewed consent into the unit file, or remove the table [consent] from it",
)
_UNSYNCED = Text(
    "intet nyt gemmes, for ingen ved, om samtykket stadig gælder",
    "nothing new is kept, because nobody knows whether the consent still holds",
)
_SET_CLOCK = Text("Se linjen om uret", "See the line on the clock")
_UNUSABLE = Text(
    "intet gemmes, for der kan ikke krypteres til certifikatet {certificate}",
    "nothing is kept, because the certificate {certificate} can't be encrypted for",
)
_PUT_IT_THERE = Text(
    "Læg kommunens certifikat der (`nodkald office windows key` laver det), læsbart for gruppen nodkald",
    "Put the municipality's certificate there (`nodkald office windows key` makes it), readable for the group nodkald",
)


def examine(consent: Consent, now: Now) -> list[Finding]:
    """Judge the consent, and try its certificate."""
    stands = standing(consent, now)
    if stands is Standing.NONE or consent.certificate is None:
        return [Finding(NAME, Verdict.SKIPPED, _NONE)]
    subject, until = consent.reference or "", str(consent.until)
    if stands is Standing.EXPIRED:
        return [Finding(NAME, Verdict.WARN, both(_EXPIRED, until=until), subject, _RENEW)]
    if stands is Standing.UNKNOWN:
        return [Finding(NAME, Verdict.WARN, _UNSYNCED, subject, _SET_CLOCK)]
    try:
        seal.encrypt(b"", consent.certificate)
    except OpensslError as error:
        unusable = both(_UNUSABLE, certificate=str(consent.certificate))
        return [Finding(NAME, Verdict.WARN, unusable, subject, _PUT_IT_THERE, str(error).partition("\n")[0])]
    return [Finding(NAME, Verdict.OK, both(_HOLDS, until=until), subject)]
