"""Encrypts for the municipality and decrypts with its key: CMS AuthEnvelopedData (RFC 5083) by the `openssl` command.

Rules of this file: hybrid: a fresh AES-256-GCM key for each file, wrapped by ECDH with the certificate's key (an
elliptic curve; P-256 is what `nodkald office windows key` makes). The unit has no key that opens what it wrote. Plain
bytes pass through pipes.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from agent import openssl

if TYPE_CHECKING:
    from pathlib import Path

_DAYS = 3650
_CONFIG = (
    "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=nodkald windows {number}\n"
    "[windows]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,keyAgreement\nsubjectKeyIdentifier=hash\n"
)


def encrypt(content: bytes, certificate: Path) -> bytes:
    """Return `content`, readable only by the owner of the certificate's key, in DER form. Raises OpensslError."""
    return openssl.run(
        "cms", "-encrypt", "-binary", "-aes-256-gcm", "-outform", "DER", "-recip", str(certificate),
        "-keyopt", "ecdh_kdf_md:sha256", stdin=content,
    )  # fmt: skip


def decrypt(sealed: bytes, key: Path) -> bytes:
    """Return what was encrypted for the private key in the file `key`. Raises OpensslError.

    That it was not changed on the way is checked; who wrote it is not: anybody has the certificate.
    """
    return openssl.run("cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", str(key), stdin=sealed)


def certificate_for(key: bytes) -> str:
    """Return a certificate (PEM) that names nobody, to encrypt for the private key `key` (PEM). Raises OpensslError."""
    serial = f"0x{secrets.randbits(127):032x}"
    with openssl.in_memory(_CONFIG.format(number=secrets.token_hex(4))) as config:
        return openssl.run(
            "req", "-x509", "-new", "-key", "/dev/stdin", "-sha256", "-days", str(_DAYS), "-set_serial", serial,
            "-config", config, "-extensions", "windows", stdin=key, fds=(config,),
        ).decode()  # fmt: skip
