"""Signed models for tests: the shipped file under other versions, thresholds and names, signed by a real openssl."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from agent.inference.cards import ModelCard, load_card, load_file
from agent.models import signature
from agent.models.folder import CARD, MODEL, SIGNATURE, Files, ModelFolder

OURS, THEIRS = "ours", "theirs"
SHIPPED = load_card("fall-waist")
CONTENT = load_file(SHIPPED)


@dataclass(frozen=True)
class Key:
    """A municipality's key."""

    pem: bytes
    public: str


def key(owner: str = OURS) -> Key:
    return _key(owner)


@functools.cache
def _key(_owner: str) -> Key:
    with written(signature.new_key()) as file:
        return Key(Path(file.name).read_bytes(), signature.public_key(Path(file.name)))


@functools.cache
def files(version: str = "7.1.0", threshold: float = 0.7, owner: str = OURS, tail: bytes = b"") -> Files:
    """Return a signed model; `tail` makes its file another one."""
    content = CONTENT + tail
    changes = {"version": version, "threshold": threshold, "sha256": hashlib.sha256(content).hexdigest()}
    card = ModelCard.model_validate(SHIPPED.model_dump() | changes).model_dump_json().encode()
    return Files(card, content, signed(card, content, owner))


def signed(card: bytes, content: bytes, owner: str = OURS) -> bytes:
    with written(key(owner).pem) as file:
        return signature.sign(Path(file.name), card, content)


def put(directory: Path, name: str, made: Files) -> Path:
    """Lay the three files of a model into a directory; return the card."""
    directory.mkdir(exist_ok=True)
    for end, content in ((CARD, made.card), (MODEL, made.model), (SIGNATURE, made.signature)):
        (directory / f"{name}{end}").write_bytes(content)
    return directory / f"{name}{CARD}"


def folder(directory: Path, *versions: str) -> ModelFolder:
    """Return a folder with these versions of fall-waist, each signed by the key that it asks for."""
    for version in versions:
        put(directory, f"fall-waist-{version}", files(version))
    return ModelFolder(directory, key().public)


def written(content: bytes) -> tempfile._TemporaryFileWrapper[bytes]:
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115 - the caller closes it
    file.write(content)
    file.flush()
    return file
