"""Only what was signed, by who must sign it, as it was signed. With the real openssl."""

from __future__ import annotations

import hashlib
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from agent import openssl
from agent.errors import ModelError, OpensslError
from agent.models import folder as module
from agent.models import signature
from agent.models.folder import Files, checked
from agent.models.signature import NotSigned
from tests.unit.models.signed import CONTENT, SHIPPED, THEIRS, files, key, put, signed, written

GOOD = files()


def flipped(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    changed[at] ^= 1
    return bytes(changed)


def test_a_signed_model_is_taken() -> None:
    candidate = checked(GOOD, key().public)
    assert (candidate.name, candidate.card.threshold) == ("fall-waist-7.1.0", 0.7)
    assert candidate.files is GOOD


@pytest.mark.parametrize("part", ["card", "model", "signature"])
def test_a_changed_byte_anywhere_is_refused(part: str) -> None:
    content: bytes = getattr(GOOD, part)
    for at in {*range(0, len(content), len(content) // 7), len(content) - 1}:
        with pytest.raises(NotSigned):
            checked(replace(GOOD, **{part: flipped(content, at)}), key().public)


@pytest.mark.parametrize("part", ["card", "model", "signature"])
@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\n", lambda _: b""], ids=["cut", "more", "empty"])
def test_a_part_that_is_cut_or_longer_is_refused(part: str, change: object) -> None:
    assert callable(change)
    with pytest.raises(NotSigned):
        checked(replace(GOOD, **{part: change(getattr(GOOD, part))}), key().public)


def test_the_threshold_can_not_be_taken_from_another_card_of_the_same_file() -> None:
    lower = files(version="7.1.0", threshold=0.2)
    assert lower.model == GOOD.model
    with pytest.raises(NotSigned):
        checked(replace(GOOD, card=lower.card), key().public)


def test_another_municipalitys_model_and_no_key_are_refused() -> None:
    with pytest.raises(NotSigned):
        checked(files(owner=THEIRS), key().public)
    with pytest.raises(ModelError, match="signing_key"):
        checked(GOOD, None)


def test_a_signature_over_the_bare_files_or_another_layout_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = signature.statement(GOOD.card, GOOD.model)
    others = [GOOD.card + GOOD.model, GOOD.model, ours.replace(b"/1\n", b"/2\n"), ours.partition(b"\n")[2]]
    for other in others:
        with monkeypatch.context() as patch:
            patch.setattr(signature, "statement", lambda *_, other=other: other)
            made = signed(GOOD.card, GOOD.model)
        with pytest.raises(NotSigned):
            checked(replace(GOOD, signature=made), key().public)


def test_a_signed_card_of_another_file_is_refused_by_its_hash() -> None:
    card = SHIPPED.model_copy(update={"version": "7.1.0"}).model_dump_json().encode()
    other = CONTENT + b"x"
    with pytest.raises(ModelError, match="sha256 differ"):
        checked(Files(card, other, signed(card, other)), key().public)


def test_a_version_that_makes_no_name_is_refused() -> None:
    with pytest.raises(ModelError, match="no version"):
        checked(files(version="7.1.1234567"), key().public)


def test_what_is_signed_can_be_made_with_the_tools_of_any_office(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_bytes(GOOD.card)
    (tmp_path / "m.tflite").write_bytes(GOOD.model)
    recipe = (
        "printf 'nodkald-model/1\\ncard sha256 %s\\nmodel sha256 %s\\n' "
        '"$(sha256sum < m.json | cut -c-64)" "$(sha256sum < m.tflite | cut -c-64)"'
    )
    document = (Path(__file__).parents[3] / "docs/operations/models.md").read_text()
    assert recipe in " ".join(document.replace("\\\n", " ").split())
    made = subprocess.run(["sh", "-c", recipe], cwd=tmp_path, capture_output=True, check=True).stdout
    assert made == signature.statement(GOOD.card, GOOD.model)
    assert hashlib.sha256(GOOD.card).hexdigest() in made.decode()


def test_a_machine_without_a_working_openssl_says_so_and_takes_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ModelError, match="openssl is missing"):
        checked(GOOD, key().public)
    (tmp_path / "openssl").write_text("#!/bin/sh\necho broken >&2\nexit 3\n")
    (tmp_path / "openssl").chmod(0o755)
    with pytest.raises(ModelError, match="can't be checked: broken"):
        checked(GOOD, key().public)
    (tmp_path / "openssl").write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr(signature, "_DEADLINE_S", 0.1)
    with pytest.raises(ModelError, match="did not end within"):
        checked(GOOD, key().public)


@pytest.mark.parametrize("algorithm", [("EC", "-pkeyopt", "ec_paramgen_curve:P-256"), ("X25519",), ("ED448",)])
def test_a_key_that_is_no_ed25519_key_signs_nothing(algorithm: tuple[str, ...]) -> None:
    other = openssl.run("genpkey", "-algorithm", *algorithm)  # that of X25519 is as long as ours
    with written(other) as file, pytest.raises(OpensslError, match="no Ed25519 key"):
        signature.public_key(Path(file.name))


def test_sizes_are_bounded_and_a_pipe_is_no_file(tmp_path: Path) -> None:
    card = put(tmp_path, "m", GOOD)
    (tmp_path / "m.tflite").write_bytes(bytes(module.LARGEST[".tflite"] + 1))
    with pytest.raises(ModelError, match="larger than"):
        module.read_files(card)
    (tmp_path / "m.tflite").unlink()
    with pytest.raises(ModelError, match="is missing"):
        module.read_files(card)
    os.mkfifo(tmp_path / "m.tflite")
    with pytest.raises(ModelError, match="is missing"):
        module.read_files(card)
