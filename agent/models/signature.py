"""What is signed of a model, and how a signature is made and checked. Ed25519, by the `openssl` command.

Rules of this file: the signature covers the card and the model file, because the threshold lives in the card. What is
signed is a text of three lines, so that anybody can make it again with `sha256sum` and `printf`:

    nodkald-model/1
    card sha256 HEX
    model sha256 HEX

each ended by one line feed; HEX is 64 small hexadecimal digits. The first line keeps a signature that was made for
something else from counting here; another layout gets another number. A signature is the 64 bytes of RFC 8032, as
`openssl pkeyutl -sign -rawin` writes them; a key is in base64 what RFC 8410 calls the public key: 32 bytes.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from agent import openssl
from agent.errors import ModelError, OpensslError

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE_BYTES = 64
KEY_BYTES = 32

_SPKI = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410)."""
_DEADLINE_S = 5.0
_NO = "Signature Verification Failure"
"""What OpenSSL says where the signature is wrong; anything else means that it could not be asked."""


class NotSigned(ModelError):  # noqa: N818 - says what is the case
    """The signature is not that of the owner of the key over this card and this model file."""


def statement(card: bytes, model: bytes) -> bytes:
    """Return what is signed of a card and a model file."""
    card_hash, model_hash = hashlib.sha256(card).hexdigest(), hashlib.sha256(model).hexdigest()
    return f"nodkald-model/1\ncard sha256 {card_hash}\nmodel sha256 {model_hash}\n".encode()


def check(key: str, card: bytes, model: bytes, signature: bytes) -> None:
    """Raise NotSigned unless the owner of `key` (base64) signed both files; ModelError if that can't be found out.

    Starts a process and waits for it, five seconds at most.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise NotSigned(f"its signature has {len(signature)} bytes, not {SIGNATURE_BYTES}")
    try:
        with openssl.in_memory(statement(card, model)) as signed, openssl.in_memory(signature) as given:
            openssl.run(
                "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", "/dev/stdin", "-in", signed, "-sigfile", given,
                stdin=_pem(key), fds=(signed, given), deadline_s=_DEADLINE_S,
            )  # fmt: skip
    except OpensslError as error:
        if _NO in str(error):
            raise NotSigned("its signature was not made for these files with the key in the unit file") from error
        raise ModelError(f"its signature can't be checked: {' '.join(str(error).split())}") from error


def sign(key: Path, card: bytes, model: bytes) -> bytes:
    """Return the signature over both files by the private key in the PEM file `key`. Raises OpensslError."""
    with openssl.in_memory(statement(card, model)) as signed:
        return openssl.run("pkeyutl", "-sign", "-rawin", "-inkey", str(key), "-in", signed, fds=(signed,))


def new_key() -> bytes:
    """Return a new private key in PEM form, not locked: for a file of mode 0600. Raises OpensslError."""
    return openssl.run("genpkey", "-algorithm", "ED25519")


def public_key(key: Path) -> str:
    """Return the public key in base64 of the private key in a PEM file. Raises OpensslError."""
    der = openssl.run("pkey", "-pubout", "-outform", "DER", "-in", str(key))
    if not der.startswith(_SPKI) or len(der) != len(_SPKI) + KEY_BYTES:
        raise OpensslError(f"{key} holds no Ed25519 key; make one with: nodkald office model-key")
    return base64.b64encode(der[len(_SPKI) :]).decode()


def _pem(key: str) -> str:
    body = base64.b64encode(_SPKI + base64.b64decode(key)).decode()
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"
