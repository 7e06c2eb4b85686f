"""Check `dns`: each broker's host name leads to an address.

Rules of this file: the machine's own resolver is asked, as the unit's path asks it. One that never answers is the
deadline's matter.
"""

from __future__ import annotations

import ipaddress
import socket

from agent.doctor.finding import Finding, Verdict
from agent.status.words import both
from agent.texts import Text

NAME = "dns"

_FOUND = Text("navnet fører til {addresses}", "the name leads to {addresses}")
_ADDRESS = Text("er en adresse, der ikke skal slås op", "is an address that needs no look-up")
_NOT_FOUND = Text("navnet findes ikke", "the name was not found")
_CHECK_NET = Text(
    "Se, om netkablet sidder i og routeren har internet, og om `host` i unit-filen er stavet rigtigt",
    "See that the network cable is in, that the router has internet, and that `host` in the unit file is spelt right",
)


def examine(host: str) -> list[Finding]:
    """Look the name up."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        pass
    else:
        return [Finding(NAME, Verdict.SKIPPED, _ADDRESS, host)]
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return judge(host, [], str(error))
    return judge(host, [str(address[0]) for *_, address in found])


def judge(host: str, addresses: list[str], detail: str = "") -> list[Finding]:
    """Return whether the name has an address."""
    if not addresses:
        return [Finding(NAME, Verdict.FAIL, _NOT_FOUND, host, _CHECK_NET, detail)]
    return [Finding(NAME, Verdict.OK, both(_FOUND, addresses=", ".join(addresses[:2])), host)]
