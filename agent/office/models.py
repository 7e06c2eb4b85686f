"""The office's side of models: the key that signs them, and the signing.

Rules of this file: the private key stays where it was made: it is a file of mode 0600 that no unit is ever given. A
model is signed only if its card is that of its file, and fits this software. The three files come out under the
model's name and version, and nothing is overwritten: a version is one model for ever.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from agent.errors import ModelError, OpensslError, OpensslMissing
from agent.models import signature
from agent.models.folder import CARD, LARGEST, MODEL, Files, checked
from agent.provision.files import write_new
from agent.provision.refusal import Refused, refused_by_system

if TYPE_CHECKING:
    from pathlib import Path


def make_key(path: Path) -> str:
    """Make a private key in a new file, and return its public key in base64. Raises Refused."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_new(path, signature.new_key(), 0o600)
    except FileExistsError as error:
        raise Refused(
            f"{path} findes allerede. En nøgle overskrives aldrig: vælg et andet navn.",
            f"{path} is there already. A key is never overwritten: choose another name.",
        ) from error
    except OSError as error:
        raise refused_by_system(error, path) from error
    return signature.public_key(path)


def public_key(key: Path) -> str:
    """Return the public key in base64 of the private key in a file. Raises Refused, and OpensslMissing."""
    try:
        key.open("rb").close()
        return signature.public_key(key)
    except OSError as error:
        raise refused_by_system(error, key) from error
    except OpensslMissing:
        raise
    except OpensslError as error:
        raise Refused(
            f"{key} er ikke en nøgle til at underskrive modeller. Lav en med: nodkald office model-key",
            f"{key} is no key that signs models. Make one with: nodkald office model-key",
        ) from error


def sign_model(card: Path, key: Path, out: Path) -> Path:
    """Sign the model with this card, whose model file lies beside it; return the card as it is to be handed out.

    Raises Refused, and OpensslError where openssl can't be run.
    """
    public = public_key(key)
    texts = {end: _read(card.with_suffix(end), end) for end in (CARD, MODEL)}
    files = Files(texts[CARD], texts[MODEL], signature.sign(key, texts[CARD], texts[MODEL]))
    try:
        candidate = checked(files, public)
    except ModelError as error:
        said = f"{error}; sha256 of the file: {hashlib.sha256(files.model).hexdigest()}"
        raise Refused(f"{card} kan ikke underskrives: {said}", f"{card} can't be signed: {said}") from error
    targets = {end: out / f"{candidate.name}{end}" for end in files.parts()}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for end, content in files.parts().items():
            write_new(targets[end], content, 0o644)
    except FileExistsError as error:
        raise Refused(
            f"{candidate.name} ligger allerede i {out}. En ny model skal have et nyt versionsnummer i sit kort.",
            f"{candidate.name} lies in {out} already. A new model needs a new version number in its card.",
        ) from error
    except OSError as error:
        raise refused_by_system(error, out) from error
    return targets[CARD]


def _read(path: Path, end: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST[end] + 1)
    except OSError as error:
        raise refused_by_system(error, path) from error
    if len(content) > LARGEST[end]:
        raise Refused(
            f"{path} er større end {LARGEST[end]} byte, og en enhed ville afvise den.",
            f"{path} is larger than {LARGEST[end]} bytes, and a unit would refuse it.",
        )
    return content
