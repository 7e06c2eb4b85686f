"""Keys, requests and certificates by the `openssl` command.

Rules of this file: a private key is a file of its own or passes through a pipe. No meaning here: what a finding means
to a technician is `certificates.py`. How the command is run is `agent/openssl.py`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent import openssl
from agent.errors import OpensslError, OpensslMissing
from agent.openssl import in_memory
from agent.provision.refusal import Refused

if TYPE_CHECKING:
    from pathlib import Path

CERTIFICATE_BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")
ENROLMENT_LINE = "nodkald-enrolment: "

_REQUEST_CONFIG = "[req]\ndistinguished_name=dn\nprompt=no\nstring_mask=utf8only\n[dn]\nCN={cn}\n"
_CA_EXTENSIONS = (
    "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
)
_LEAF_EXTENSIONS = (
    "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
    "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\nextendedKeyUsage={usage}\n"
)


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What a certificate says about itself. Times are UTC."""

    common_name: str
    issuer: str
    not_before: datetime
    not_after: datetime
    public_key: str


def new_key() -> bytes:
    """Return a new P-256 private key in PEM form, not locked: to be encrypted, or for a file of mode 0600."""
    return _run(
        "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:named_curve"
    )


def public_key_of(key: bytes) -> str:
    """Return the public key (PEM) that belongs to the private key `key` (PEM)."""
    return _run("pkey", "-pubout", stdin=key).decode()


def request(key: bytes, common_name: str, enrolment: str | None = None) -> str:
    """Return a certificate request (PEM) for `common_name`, signed with the private key `key` (PEM).

    With `enrolment` (hex, from a claim file) a line before it proves that its sender had the claim.
    """
    with in_memory(_REQUEST_CONFIG.format(cn=common_name)) as config:
        pem = _run("req", "-new", "-key", "/dev/stdin", "-config", config, stdin=key, fds=(config,)).decode()
    proof = f"{ENROLMENT_LINE}{enrolment_proof(pem, enrolment)}\n" if enrolment else ""
    return proof + pem


def enrolment_proof(request_pem: str, enrolment: str) -> str:
    """Return the HMAC-SHA256 (hex) of the request's DER form with the claim's one-time secret."""
    return hmac.new(
        bytes.fromhex(enrolment), _run("req", "-outform", "DER", stdin=request_pem), hashlib.sha256
    ).hexdigest()


def request_digest(request_pem: str) -> str:
    """Return the SHA-256 (hex) of the request's DER form: the same for the same request, however it was sent."""
    return hashlib.sha256(_run("req", "-outform", "DER", stdin=request_pem)).hexdigest()


def request_subject(request_pem: str) -> str:
    """Return the subject of a request as RFC 2253 text, after its signature was checked. Raises OpensslError."""
    out = _run("req", "-verify", "-noout", "-subject", "-nameopt", "RFC2253", stdin=request_pem).decode()
    # From 3.2 on it says here, and no longer to stderr, that the signature is right.
    found = re.search(r"^subject=(.*)$", out, re.MULTILINE)
    return found[1].strip() if found else ""


def self_signed(key: Path, common_name: str, days: int) -> str:
    """Return the certificate (PEM) of an authority that may sign units and brokers, and no other authority."""
    config_text = _REQUEST_CONFIG.format(cn=common_name) + "[ca]\n" + _CA_EXTENSIONS
    with in_memory(config_text) as config:
        return _run(
            "req", "-x509", "-new", "-key", str(key), "-sha256", "-days", str(days), "-set_serial", _serial(),
            "-config", config, "-extensions", "ca", fds=(config,),
        ).decode()  # fmt: skip


def sign(
    request_pem: str, *, ca: Path, ca_key: Path, days: int, usage: str = "clientAuth", alt_names: str | None = None
) -> str:
    """Return the certificate (PEM) for a request. Extensions of the request itself are not taken over."""
    extensions = _LEAF_EXTENSIONS.format(usage=usage) + (f"subjectAltName={alt_names}\n" if alt_names else "")
    with in_memory(extensions) as extfile:
        return _run(
            "x509", "-req", "-sha256", "-CA", str(ca), "-CAkey", str(ca_key), "-days", str(days),
            "-set_serial", _serial(), "-extfile", extfile, stdin=request_pem, fds=(extfile,),
        ).decode()  # fmt: skip


def facts_of(certificate_pem: str) -> CertificateFacts:
    """Return what the first certificate of a PEM text says. Raises OpensslError if it is none."""
    out = _run(
        "x509", "-noout", "-subject", "-issuer", "-dates", "-pubkey", "-nameopt", "RFC2253,-esc_msb,utf8",
        "-dateopt", "iso_8601", stdin=certificate_pem,
    ).decode()  # fmt: skip
    lines = dict(re.findall(r"^(subject|issuer|notBefore|notAfter)=(.*)$", out, re.MULTILINE))
    names = re.findall(r"(?:^|,)CN=([^,]*)", lines["subject"].strip())
    return CertificateFacts(
        common_name=names[0] if len(names) == 1 else "",
        issuer=lines["issuer"].strip(),
        not_before=_time(lines["notBefore"]),
        not_after=_time(lines["notAfter"]),
        public_key=out[out.index("-----BEGIN PUBLIC KEY-----") : out.index("-----END PUBLIC KEY-----") + 24],
    )


def chain_fault(certificate_pem: str, ca_pem: str) -> int | None:
    """Return None if `ca_pem` vouches for a client with the certificate, or OpenSSL's error; time is left out."""
    with in_memory(certificate_pem) as certificate, in_memory(ca_pem) as authority:
        arguments = (
            "verify", "-no_check_time", "-no-CApath", "-no-CAstore", "-purpose", "sslclient", "-CAfile", authority,
            "-untrusted", certificate, certificate,
        )  # fmt: skip
        try:
            _run(*arguments, fds=(certificate, authority))
        except OpensslError as error:
            number = re.search(r"error (\d+) at", str(error))
            return int(number[1]) if number else 0
    return None


def _run(*arguments: str, stdin: str | bytes = "", fds: tuple[str, ...] = ()) -> bytes:
    try:
        return openssl.run(*arguments, stdin=stdin, fds=fds)
    except OpensslMissing as error:
        raise Refused(
            "Programmet openssl mangler. Installér det (`sudo apt install openssl`), og prøv igen.",
            "The program openssl is missing. Install it (`sudo apt install openssl`) and try again.",
        ) from error


def _serial() -> str:
    return f"0x{secrets.randbits(127):032x}"


def _time(text: str) -> datetime:
    return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%SZ").replace(tzinfo=UTC)
