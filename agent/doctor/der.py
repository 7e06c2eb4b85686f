"""Reads from an X.509 certificate what a technician must know: for whom it is, and from when to when.

Rules of this file: pure, bytes in, `Certificate` or ValueError out, nothing else. Python's ssl has no public way to
read a certificate that lies on the disk; RFC 5280, 4.1, needs only the walk below. Nothing here decides about trust.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import UTC, datetime

_SEQUENCE, _CONTEXT_0 = 0x30, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_COMMON_NAME = bytes.fromhex("0603550403")
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----(.+?)-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Subject's common name ("" where it has none), and the wall seconds between which it holds."""

    common_name: str
    not_before: float
    not_after: float


def from_pem(content: bytes) -> list[Certificate]:
    """Return the certificates in a PEM file, in order. Raises ValueError where one is damaged, or none is there."""
    found = [from_der(base64.b64decode(block)) for block in _PEM.findall(content)]
    if not found:
        raise ValueError("there is no certificate in it")
    return found


def from_der(content: bytes) -> Certificate:
    """Return what one certificate says. Raises ValueError where it is none."""
    _, certificate, _ = _value(content, _SEQUENCE)
    _, fields, _ = _value(certificate, _SEQUENCE)
    if fields[:1] == bytes((_CONTEXT_0,)):
        fields = _value(fields)[2]  # version
    for _ in ("serial number", "signature algorithm", "issuer"):
        fields = _value(fields)[2]
    _, validity, fields = _value(fields, _SEQUENCE)
    _, subject, _ = _value(fields, _SEQUENCE)
    first_tag, first, rest = _value(validity)
    last_tag, last, _ = _value(rest)
    return Certificate(_common_name(subject), _moment(first_tag, first), _moment(last_tag, last))


def _value(content: bytes, expected: int | None = None) -> tuple[int, bytes, bytes]:
    """Return tag and content of the first element, and what follows it."""
    if len(content) < 2 or (expected is not None and content[0] != expected):
        raise ValueError("this is no X.509 certificate")
    length, start = content[1], 2
    if length & 0x80:
        start = 2 + (length & 0x7F)
        length = int.from_bytes(content[2:start], "big")
    end = start + length
    if end > len(content):
        raise ValueError("the certificate is cut short")
    return content[0], content[start:end], content[end:]


def _common_name(subject: bytes) -> str:
    at = subject.find(_COMMON_NAME)
    return "" if at < 0 else _value(subject[at + len(_COMMON_NAME) :])[1].decode(errors="replace")


def _moment(tag: int, text: bytes) -> float:
    digits = text.decode("ascii", errors="replace")
    if tag == _UTC_TIME:
        digits = ("20" if digits[:2] < "50" else "19") + digits  # RFC 5280, 4.1.2.5.1
    elif tag != _GENERALIZED_TIME:
        raise ValueError("the certificate has no dates")
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()
