"""The unit's key is encrypted from the first on where that can be done, and takes a new place at each provisioning."""

from __future__ import annotations

import re
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent import credentials
from agent.credentials import GIVEN, NAMES
from agent.errors import CredentialError
from agent.provision import command, install, openssl, vault
from agent.provision.refusal import Refused
from agent.provision.vault import Vault
from agent.texts import Text
from tests.unit.provision.unit import Killed, fail_at

if TYPE_CHECKING:
    from tests.unit.provision.unit import Office, Practice

CREDS = r"""#!/bin/sh
# Base64 in the place of encryption, with the name that is held against it.
[ -e "$0.broken" ] && { echo 'the secret is gone' >&2; exit 1; }
case $1 in
  encrypt) echo "sealed as ${3#--name=}"; base64 ;;
  decrypt)
    read -r head
    [ "$head" = "sealed as ${2#--name=}" ] || { echo 'the name does not match' >&2; exit 1; }
    base64 -d ;;
esac
"""


@pytest.fixture
def creds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for `systemd-creds`."""
    script = tmp_path / "bin" / "systemd-creds"
    script.parent.mkdir()
    script.write_text(CREDS)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    return script


@pytest.fixture
def store(tmp_path: Path, practice: Practice, creds: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store of encrypted credentials of a machine on which `practice` is the unit."""
    assert creds.exists()
    made = tmp_path / "credstore.encrypted"
    name = vault._free_name
    monkeypatch.setattr(command, "is_practice", lambda _: False)
    monkeypatch.setattr(command, "find", lambda unit_path: (Vault(name(unit_path), made), None))
    assert not practice.directory.exists()
    return made


def nothing_in_the_clear(tmp_path: Path) -> None:
    units = [path for path in tmp_path.rglob("*") if path.is_file() and "trial-ca" not in path.parts]
    assert not [str(path) for path in units if b"PRIVATE KEY" in path.read_bytes()]


def named_key(practice: Practice) -> Path:
    tls = practice.unit.unit_file.uplink.paths[0].tls
    assert tls is not None
    assert tls.key is not None
    return tls.key


def provision(practice: Practice, office: Office, tmp_path: Path, *lines: str) -> None:
    answers = practice.answers(*lines, ca=office.ca)
    assert practice.provision("--answers", str(answers)) == 3
    nothing_in_the_clear(tmp_path)
    (request,) = practice.requests
    office.sign(request, answers.parent / "signed")
    assert practice.provision("--answers", str(answers)) == 0, "taken up again with the same key"
    nothing_in_the_clear(tmp_path)


def test_the_key_is_never_in_the_clear_on_a_disk(
    practice: Practice, office: Office, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    provision(practice, office, tmp_path)
    said = capsys.readouterr()
    assert named_key(practice) == GIVEN / "nodkald-tls-key"
    sealed = store / "nodkald-tls-key"
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    key = credentials.decrypt_stored(named_key(practice), store)
    tls = practice.unit.unit_file.uplink.paths[0].tls
    assert tls is not None
    assert tls.certificate is not None
    assert openssl.public_key_of(key).strip() == openssl.facts_of(tls.certificate.read_text()).public_key
    assert sorted(path.name for path in tls.ca.parent.iterdir()) == ["ca.pem", "unit.pem"]
    assert key.decode().splitlines()[1] not in said.out + said.err
    assert "WARNING" not in said.out
    assert practice.left_behind() == []


def test_in_the_dialogue_the_encrypted_file_is_shown_before_it_is_written(
    practice: Practice, office: Office, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    until_certificate = ["", "", "aabenraa", "simulated-home", "", "", "", "", "", "127.0.0.1", "", "", "-"]
    typed = "".join(f"{line}\n" for line in (*until_certificate, str(office.ca), "q"))
    assert practice.provision(typed=typed) == 3
    nothing_in_the_clear(tmp_path)
    certificate = office.sign(practice.requests[0], tmp_path / "signed").read_text()
    assert practice.provision(typed=certificate + "yes\n") == 0
    assert f"0600  {store / 'nodkald-tls-key'}  the private key, encrypted" in capsys.readouterr().out


def test_a_new_key_takes_the_other_name_and_the_one_before_stays_once(
    practice: Practice, office: Office, store: Path, tmp_path: Path
) -> None:
    used = []
    for _ in range(3):
        shutil.rmtree(tmp_path / "signed", ignore_errors=True)
        provision(practice, office, tmp_path, "replace = true")
        used.append(named_key(practice).name)
    assert used == ["nodkald-tls-key", "nodkald-tls-key-2", "nodkald-tls-key"]
    assert sorted(path.name for path in store.iterdir()) == sorted(NAMES)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), Killed()])
def test_whatever_fails_the_unit_in_force_has_its_key(
    practice: Practice,
    office: Office,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    provision(practice, office, tmp_path)
    unit_path, key = practice.unit_file, tmp_path / "key"
    key.write_bytes(openssl.new_key())
    unit_id = practice.unit.unit_file.unit_id
    certificate = openssl.sign(
        openssl.request(key.read_bytes(), unit_id), ca=office.ca, ca_key=office.authority.key, days=9
    )
    before, text = named_key(practice), unit_path.read_text()
    failed, done = 0, False
    while not done:
        number, new = failed + 1, install.new_identity(practice.directory)
        locked = Vault("nodkald-tls-key-2", store)
        content = install.Content(
            re.sub(r"\S+/identity-\w+", f'"{new}', text).replace(str(before), str(locked.given)),
            new, key.read_bytes(), certificate, office.ca.read_text(), locked,
        )  # fmt: skip
        with monkeypatch.context() as patch:
            calls = fail_at(patch, number, error)
            if isinstance(error, Killed):
                patch.setattr(install, "_remove", lambda *_: None)
            try:
                install.install(unit_path, content, install.service_owner())
            except (Refused, KeyboardInterrupt, Killed):
                failed += 1
            done = len(calls) < number or named_key(practice) != before
        in_force = credentials.decrypt_stored(named_key(practice), store)
        tls = practice.unit.unit_file.uplink.paths[0].tls
        assert tls is not None
        assert tls.certificate is not None
        assert openssl.public_key_of(in_force).strip() == openssl.facts_of(tls.certificate.read_text()).public_key
    assert failed > 8
    assert named_key(practice).name == "nodkald-tls-key-2"


def test_a_key_that_an_older_version_left_in_the_clear_is_taken_up_and_encrypted(
    practice: Practice, office: Office, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    answers = practice.answers(ca=office.ca)
    assert practice.provision("--answers", str(answers)) == 3
    clear = practice.pending / "unit.key"
    public = openssl.public_key_of(clear.read_bytes())
    office.sign(practice.requests[0], answers.parent / "signed")
    made = request.getfixturevalue("creds")
    assert made.exists()
    command_find = Vault("nodkald-tls-key", tmp_path / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "is_practice", lambda _: False)
        patch.setattr(command, "find", lambda _: (command_find, None))
        assert practice.provision("--answers", str(answers)) == 0
    nothing_in_the_clear(tmp_path)
    assert openssl.public_key_of(credentials.decrypt_stored(named_key(practice), command_find.store)) == public


def test_a_machine_that_can_not_encrypt_any_more_is_told_and_nothing_is_changed(
    practice: Practice, office: Office, store: Path, creds: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = practice.answers(ca=office.ca)
    assert practice.provision("--answers", str(answers)) == 3
    office.sign(practice.requests[0], answers.parent / "signed")
    creds.with_name("systemd-creds.broken").touch()
    assert practice.provision("--answers", str(answers)) == 1
    assert "the secret is gone). Begin anew with `nodkald provision --start-over`" in capsys.readouterr().err
    assert not store.exists()
    assert not practice.unit_file.exists()


def test_where_nothing_can_be_encrypted_that_is_said_in_one_sentence(
    practice: Practice, office: Office, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "is_practice", lambda _: False)
    monkeypatch.setattr(command, "find", lambda _: (None, Text("fordi", "because")))
    answers = practice.answers(ca=office.ca)
    assert practice.provision("--answers", str(answers)) == 3
    office.sign(practice.requests[0], answers.parent / "signed")
    assert practice.provision("--answers", str(answers)) == 0
    assert f"could not be encrypted (because); it lies in the clear in {named_key(practice)}" in capsys.readouterr().out
    assert stat.S_IMODE(named_key(practice).stat().st_mode) == 0o600


@pytest.mark.parametrize("lacking", ["root", "systemd", "service", "systemd-creds", "nothing"])
def test_a_vault_is_found_only_where_all_of_it_is_there(
    tmp_path: Path, creds: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    service = tmp_path / "nodkald-agent.service"
    service.write_text("".join(f"LoadCredentialEncrypted={name}\n" for name in NAMES))
    monkeypatch.setattr(vault.os, "geteuid", lambda: 1000 if lacking == "root" else 0)
    monkeypatch.setattr(vault, "BOOTED", tmp_path / "none" if lacking == "systemd" else tmp_path)
    monkeypatch.setattr(vault, "SERVICE_FILES", () if lacking == "service" else (service,))
    if lacking == "systemd-creds":
        creds.unlink()
        monkeypatch.setenv("PATH", str(creds.parent))
    found, why = vault.find(tmp_path / "unit.toml")
    assert (found is None, why is None) == ((False, True) if lacking == "nothing" else (True, False))


def test_a_credential_of_another_name_or_machine_is_not_read(creds: Path) -> None:
    sealed = credentials.encrypt(b"secret", "one")
    assert credentials.decrypt(sealed, "one") == b"secret"
    with pytest.raises(CredentialError, match="the name does not match"):
        credentials.decrypt(sealed, "another")
    creds.write_text("#!/bin/sh\necho something else\n")
    with pytest.raises(CredentialError, match="gave back something else"):
        credentials.encrypt(b"secret", "one")
    creds.unlink()


def test_what_is_in_memory_is_for_us_alone_and_gone_after() -> None:
    with credentials.in_memory(b"secret") as file:
        assert file.read_bytes() == b"secret"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not file.exists()
