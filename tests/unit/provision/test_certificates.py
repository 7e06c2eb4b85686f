"""Authorities and certificates that a unit can't use, each told in a sentence of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from agent.provision import openssl
from agent.provision.certificates import Today, checked_authority, checked_certificate
from agent.provision.refusal import Refused

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.provision.unit import Office

UNIT = "u-abcdefg234"
NOW = Today(datetime.now(UTC), synced=True)


class Signed:
    """A key and what an authority signed for it."""

    def __init__(
        self, directory: Path, office: Office, name: str = UNIT, days: int = 30, usage: str = "clientAuth"
    ) -> None:
        self.key = directory / f"{name}.key"
        self.key.write_bytes(openssl.new_key())
        self.request = openssl.request(self.key.read_bytes(), name)
        self.pem = openssl.sign(
            self.request, ca=office.ca, ca_key=office.authority.key, days=days, usage=usage
        )  # fmt: skip

    def check(self, ca: str, today: Today = NOW, key: Path | None = None, pem: str | None = None) -> str:
        public_key = openssl.public_key_of((key or self.key).read_bytes()).strip()
        return checked_certificate(pem or self.pem, ca=ca, unit_id=UNIT, public_key=public_key, today=today)


@pytest.fixture
def ca(office: Office) -> str:
    return office.ca.read_text()


def test_the_right_certificate_is_taken_without_the_words_around_it(tmp_path: Path, office: Office, ca: str) -> None:
    signed = Signed(tmp_path, office)
    assert signed.check(ca, pem=f"Hej, her er det:\n{signed.pem}\nHilsen\n") == signed.pem
    assert checked_authority(f"x\n{ca}y", NOW) == ca


def test_a_key_is_p256_and_locked_to_nobody_else(tmp_path: Path, office: Office) -> None:
    signed = Signed(tmp_path, office)
    assert b"BEGIN PRIVATE KEY" in signed.key.read_bytes()
    # id-ecPublicKey with prime256v1, as every P-256 public key in PEM form begins.
    assert "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE" in openssl.public_key_of(signed.key.read_bytes())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("private key", "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----"),
        ("request, not", "-----BEGIN CERTIFICATE REQUEST-----\nMIH\n-----END CERTIFICATE REQUEST-----"),
        ("PEM form", "certificate.der"),
        ("PEM form", ""),
        ("PEM form", "-----BEGIN CERTIFICATE-----\nMIIB"),
        ("damaged", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"),
    ],
)
def test_what_is_no_certificate_is_told_apart(words: str, text: str) -> None:
    with pytest.raises(Refused, match=words):
        checked_authority(text, NOW)


def test_a_certificate_for_another_key_is_refused(tmp_path: Path, office: Office, ca: str) -> None:
    other = tmp_path / "other.key"
    other.write_bytes(openssl.new_key())
    with pytest.raises(Refused, match="another key"):
        Signed(tmp_path, office).check(ca, key=other)


@pytest.mark.parametrize("name", ["u-abcdefg235", "u-abcdefg234x", "U-ABCDEFG234"])
def test_a_certificate_for_another_unit_is_refused(tmp_path: Path, office: Office, ca: str, name: str) -> None:
    with pytest.raises(Refused, match=f"not made out to {UNIT}"):
        Signed(tmp_path, office, name).check(ca)


def test_another_authority_is_refused_and_named(tmp_path: Path, office: Office, stranger: Office, ca: str) -> None:
    with pytest.raises(Refused, match=r"another CA \(CN=nodkald trial CA"):
        Signed(tmp_path, stranger).check(ca)
    with pytest.raises(Refused, match="another CA"):
        Signed(tmp_path, office).check(stranger.ca.read_text())


def test_a_certificate_given_for_the_authority_is_refused(tmp_path: Path, office: Office) -> None:
    signed = Signed(tmp_path, office)
    with pytest.raises(Refused, match="CA"):
        signed.check(signed.pem)


def test_a_certificate_that_is_for_servers_only_is_refused(tmp_path: Path, office: Office, ca: str) -> None:
    with pytest.raises(Refused, match="clientAuth"):
        Signed(tmp_path, office, usage="serverAuth").check(ca)


@pytest.mark.parametrize("synced", [True, False])
def test_what_has_ended_is_refused_whether_or_not_the_clock_is_known_to_be_right(
    tmp_path: Path, office: Office, ca: str, *, synced: bool
) -> None:
    after = Today(NOW.now + timedelta(days=31), synced)
    with pytest.raises(Refused, match="ended on") as refused:
        Signed(tmp_path, office).check(ca, after)
    assert f"{after.now:%Y-%m-%d}" in refused.value.text.da
    with pytest.raises(Refused, match="CA certificate ended on"):
        checked_authority(ca, Today(NOW.now + timedelta(days=9999), synced))


def test_what_has_not_begun_is_refused_only_by_a_clock_that_is_right(tmp_path: Path, office: Office, ca: str) -> None:
    signed = Signed(tmp_path, office)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert signed.check(ca, Today(epoch, synced=False)) == signed.pem
    assert checked_authority(ca, Today(epoch, synced=False)) == ca
    with pytest.raises(Refused, match="valid only from"):
        signed.check(ca, Today(epoch, synced=True))


def test_a_machine_without_openssl_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match="apt install openssl"):
        openssl.new_key()


@pytest.mark.parametrize("before", ["", "Certificate request self-signature verify OK\n"], ids=["3.0", "3.5"])
def test_the_subject_is_found_whatever_openssl_says_before_it(monkeypatch: pytest.MonkeyPatch, before: str) -> None:
    monkeypatch.setattr(openssl, "_run", lambda *_, **__: f"{before}subject=CN=u-test0001\n".encode())
    assert openssl.request_subject("") == "CN=u-test0001"
