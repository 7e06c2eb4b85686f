"""Why a broker path failed, in words that a technician understands, and whether a person must mend it.

Rules of this file: pure translation of reason codes and exceptions. `refused` is true where trying again changes
nothing until somebody corrects a user, a certificate, rights or the unit file; else network or broker are at fault.
"""

from __future__ import annotations

import errno
import socket
import ssl
from dataclasses import dataclass

from agent.errors import UplinkError


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a connection could not be had, or ended."""

    detail: str
    refused: bool


TAKEN_OVER = 0x8E
"""Reason code: somebody connected with our client id; that may have been ourselves."""

_REFUSED = {
    0x84: "it does not speak this version of MQTT: try the other `protocol` in the unit file",
    0x85: "it does not accept the client id: is the unit id allowed there?",
    0x86: "wrong user name or password: the certificate's CN must be the unit id",
    0x87: "not authorised: check the unit's certificate and its rights in the broker's ACL",
    0x8A: "this client is banned there",
    0x8C: "it wants another way to log in than a certificate",
    TAKEN_OVER: "another client has connected with our client id: is the unit file of another unit in use here?",
    0x98: "an administrator has closed the connection",
    0x9C: "it sends us to another server: correct `host` in the unit file",
    0x9D: "it has moved to another server: correct `host` in the unit file",
}

_FAILED = {
    0x81: "it could not read what we sent (malformed packet)",
    0x82: "protocol error",
    0x88: "the server is unavailable",
    0x89: "the server is busy",
    0x8B: "the server is shutting down",
    0x8D: "it heard nothing from us for too long",
    0x93: "we had more publishes under way than it takes",
    0x95: "a packet was larger than it takes",
    0x96: "we sent faster than it takes",
    0x97: "the quota for this unit is used up",
    0x9F: "the unit connects too often",
}

_CERTIFICATE = {
    # verify_code of OpenSSL's x509_vfy.h
    9: "is not valid yet: is the unit's clock right?",
    10: "has expired, or the unit's clock is wrong",
    18: "is self-signed and not in tls.ca",
    19: "was signed by a CA that is not in tls.ca",
    20: "was signed by a CA that is not in tls.ca",
    21: "was signed by a CA that is not in tls.ca",
    62: "is for another host name than `host` in the unit file",
    64: "is for another address than `host` in the unit file",
}


def of_connack(code: int) -> Failure:
    """Translate the reason code of a CONNACK that is no success."""
    return _of_code(code, "the broker refused the connection")


def of_disconnect(code: int) -> Failure:
    """Translate the reason code of the broker's own DISCONNECT."""
    return _of_code(code, "the broker closed the connection")


def of_error(error: Exception, host: str, port: int, timeout_s: float) -> Failure:
    """Translate what connecting, TLS or the open connection failed with."""
    if isinstance(error, UplinkError):
        return Failure(str(error), refused=True)
    if isinstance(error, ssl.SSLError):
        return _of_tls(error, host, port)
    if isinstance(error, socket.gaierror | UnicodeError):
        detail = f"the host name {host} was not found: check the network's DNS, and `host`"
    elif isinstance(error, TimeoutError):
        detail = f"no answer from {host}:{port} within {timeout_s:.0f} s"
    elif isinstance(error, ConnectionRefusedError):
        detail = f"nothing listens on {host}:{port}: is the broker running, is `port` right?"
    elif isinstance(error, OSError) and error.errno in (errno.ENETUNREACH, errno.EHOSTUNREACH):
        detail = f"no route to {host}:{port}: is the unit's network up?"
    else:
        detail = f"the connection to {host}:{port} broke: {str(error) or type(error).__name__}"
    return Failure(detail, refused=False)


def _of_code(code: int, what: str) -> Failure:
    if code in _REFUSED:
        return Failure(f"{what}: {_REFUSED[code]} (code 0x{code:02x})", refused=True)
    return Failure(f"{what}: {_FAILED.get(code, 'it gave no reason that we know')} (code 0x{code:02x})", refused=False)


def _of_tls(error: ssl.SSLError, host: str, port: int) -> Failure:
    reason = getattr(error, "reason", None) or ""  # there only on errors that OpenSSL itself raised
    if isinstance(error, ssl.SSLCertVerificationError):
        why = _CERTIFICATE.get(error.verify_code, f"is not accepted: {error.verify_message}")
        return Failure(f"the certificate of {host}:{port} {why}", refused=True)
    if "ALERT" in reason:
        return Failure(
            f"{host}:{port} did not accept our TLS ({reason}): check tls.certificate and tls.key", refused=True
        )
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return Failure(f"{host}:{port} does not speak TLS: is `port` right?", refused=False)
    if isinstance(error, ssl.SSLEOFError):
        return Failure(
            f"{host}:{port} broke off TLS without a word: is `port` right? Its log may say more", refused=False
        )
    return Failure(f"TLS with {host}:{port} failed: {reason or error}", refused=False)
