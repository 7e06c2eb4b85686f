"""The unit's key: encrypted or in the clear, of this machine, for this user, of the certificate that it belongs to."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from agent import credentials
from agent.config import BrokerPath, Tls
from agent.doctor import broker, private_key
from agent.doctor.finding import Verdict
from agent.errors import CredentialError
from tests.broker.pki import Ca, Identity, make_ca
from tests.unit.doctor.cases import case, only

CREDENTIAL = credentials.GIVEN / credentials.NAMES[0]


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("ca"), "centre")


@pytest.fixture(scope="module")
def identity(ca: Ca) -> Identity:
    return ca.issue("u-test0001")


@pytest.fixture
def sealed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, identity: Identity) -> Path:
    """A store of credentials whose encryption is none."""
    monkeypatch.setattr(credentials, "decrypt", lambda body, _: body)
    stored = tmp_path / CREDENTIAL.name
    shutil.copy(identity.key, stored)
    monkeypatch.setattr(private_key, "decrypt_stored", lambda key: credentials.decrypt_stored(key, tmp_path))
    return stored


def path_with(ca: Ca, identity: Identity, key: Path | None) -> BrokerPath:
    certificate = identity.certificate if key is not None else None
    tls = Tls(ca=ca.certificate, certificate=certificate, key=key)
    return BrokerPath(name="primary", host="127.0.0.1", port=9, tls=tls)


def test_a_key_that_is_a_credential_is_decrypted_and_tried(ca: Ca, identity: Identity, sealed: Path) -> None:
    paths = [path_with(ca, identity, CREDENTIAL), path_with(ca, identity, CREDENTIAL)]
    found = only(private_key.examine(paths, simulated=False))
    assert (found.verdict, found.subject) == (Verdict.OK, str(CREDENTIAL)), "one key for all paths is one line"
    sealed.write_bytes(ca.issue("another").key.read_bytes())
    wrong = only(private_key.examine(paths, simulated=False))
    assert wrong.verdict is Verdict.FAIL
    assert wrong.detail.startswith(f"tls.key {CREDENTIAL} does not belong to tls.certificate")
    sealed.unlink()
    assert only(private_key.examine(paths, simulated=False)).found.en == "can't be read on this machine"


def test_a_credential_of_another_machine(
    ca: Ca, identity: Identity, sealed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_body: bytes, _name: str) -> bytes:
        raise CredentialError("systemd-creds decrypt: Bad message")

    assert sealed.exists()
    monkeypatch.setattr(credentials, "decrypt", refuse)
    found = only(private_key.examine([path_with(ca, identity, CREDENTIAL)], simulated=False))
    assert (found.verdict, found.detail) == (Verdict.FAIL, "systemd-creds decrypt: Bad message")


def test_who_is_not_root_is_told_what_the_unit_says(
    ca: Ca, identity: Identity, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(private_key, "decrypt_stored", forbidden)
    path = path_with(ca, identity, CREDENTIAL)
    hidden = only(private_key.examine([path], simulated=False))
    assert (hidden.verdict, "sudo" in hidden.found.en) == (Verdict.SKIPPED, True)
    assert [one.verdict for one in broker.examine(case(tmp_path), path)] == [Verdict.SKIPPED, Verdict.SKIPPED]


@pytest.mark.parametrize(
    ("told", "received_s", "verdicts"),
    [
        ({"up": True, "detail": ""}, 20.0, (Verdict.OK, Verdict.OK)),
        ({"up": True, "detail": ""}, 400.0, (Verdict.OK, Verdict.SKIPPED)),
        ({"up": True, "detail": ""}, None, (Verdict.OK, Verdict.SKIPPED)),
        ({"up": False, "detail": "refused"}, 20.0, (Verdict.FAIL, Verdict.SKIPPED)),
        (None, None, (Verdict.SKIPPED, Verdict.SKIPPED)),
    ],
)
def test_what_the_unit_says_of_a_path(
    told: dict[str, object] | None, received_s: float | None, verdicts: tuple[Verdict, Verdict]
) -> None:
    assert tuple(one.verdict for one in broker.judge_told("primary", told, received_s)) == verdicts


def test_a_key_in_the_clear_is_a_warning_but_in_practice(ca: Ca, identity: Identity, tmp_path: Path) -> None:
    path = path_with(ca, identity, identity.key)
    assert only(private_key.examine([path], simulated=False)).verdict is Verdict.WARN
    assert only(private_key.examine([path], simulated=True)).verdict is Verdict.OK
    gone = path_with(ca, identity, tmp_path / "gone")
    assert only(private_key.examine([gone], simulated=False)).verdict is Verdict.FAIL
    assert only(private_key.examine([path_with(ca, identity, None)], simulated=False)).verdict is Verdict.SKIPPED


def test_a_key_that_can_not_be_used_stops_the_visit_at_its_files(ca: Ca, identity: Identity, sealed: Path) -> None:
    sealed.unlink()
    with pytest.raises(FileNotFoundError), private_key.readable(path_with(ca, identity, CREDENTIAL)):
        pass
