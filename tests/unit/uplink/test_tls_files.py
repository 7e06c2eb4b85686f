"""Every fault of a TLS file is a sentence that names the file and what to do; handshakes are in tests/broker."""

from __future__ import annotations

import os
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from agent.config import Tls
from agent.errors import UplinkError
from agent.uplink.tls import client_context
from tests.broker.pki import Ca, make_ca

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("pki"), "ca")


@pytest.fixture
def tls(ca: Ca, tmp_path: Path) -> Tls:
    """A good set of files, copied for one test to spoil."""
    made = ca.issue("u-test0001")
    files = {"ca": ca.certificate, "certificate": made.certificate, "key": made.key}
    for name, source in files.items():
        (tmp_path / name).write_bytes(source.read_bytes())
        (tmp_path / name).chmod(0o600)
    return Tls(**{name: tmp_path / name for name in files})


def test_good_files_make_a_strict_context(tls: Tls) -> None:
    context = client_context(tls, check_time=True)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert not context.verify_flags & 0x200000
    assert client_context(tls, check_time=False).verify_flags & 0x200000


def fault(tls: Tls) -> str:
    with pytest.raises(UplinkError) as raised:
        client_context(tls, check_time=True)
    return str(raised.value)


@pytest.mark.parametrize("name", ["ca", "certificate", "key"])
def test_a_missing_file_is_named(tls: Tls, name: str) -> None:
    file: Path = getattr(tls, name)
    file.unlink()
    assert fault(tls) == f"tls.{name} {file} does not exist; provision the unit, or correct the path"


@pytest.mark.parametrize("name", ["ca", "certificate", "key"])
def test_a_directory_in_place_of_a_file_is_named(tls: Tls, name: str) -> None:
    file: Path = getattr(tls, name)
    file.unlink()
    file.mkdir()
    assert fault(tls) == f"tls.{name} {file} can't be read (Is a directory); provision the unit again"


@pytest.mark.parametrize(("name", "words"), [("ca", "holds no certificate"), ("certificate", "PEM"), ("key", "PEM")])
def test_a_file_of_something_else_is_named(tls: Tls, name: str, words: str) -> None:
    file: Path = getattr(tls, name)
    file.write_text("not a certificate\n")
    assert str(file) in fault(tls)
    assert words in fault(tls)


def test_a_key_of_another_certificate_is_told(tls: Tls, ca: Ca) -> None:
    assert tls.key is not None
    tls.key.write_bytes(ca.issue("another").key.read_bytes())
    assert fault(tls) == (
        f"tls.key {tls.key} does not belong to tls.certificate {tls.certificate}; provision the unit again"
    )


def test_a_locked_key_is_an_error_and_no_question_on_the_terminal(tls: Tls, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    subprocess.run(
        ["openssl", "pkey", "-in", str(tls.key), "-out", str(locked), "-aes256", "-passout", "pass:secret"], check=True
    )
    with_locked = tls.model_copy(update={"key": locked})
    assert fault(with_locked) == (
        f"tls.key {locked} is locked with a passphrase; store it without one, readable for nodkald only"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything: run as another user to see this")
def test_a_file_that_we_may_not_read_is_told(tls: Tls) -> None:
    assert tls.key is not None
    tls.key.chmod(0o000)
    assert f"tls.key {tls.key} can't be read by this user" in fault(tls)


def test_a_key_that_others_may_read_is_a_warning_and_not_the_end_of_calls(tls: Tls) -> None:
    assert tls.key is not None
    with capture_logs() as logs:
        client_context(tls, check_time=True)
        tls.key.chmod(0o644)
        client_context(tls, check_time=True)
    assert [log["event"] for log in logs] == ["private_key_open_to_others"]
