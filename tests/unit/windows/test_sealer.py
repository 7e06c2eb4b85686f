"""The process that encrypts: what it gives is what `seal` gives, and when it ends another takes its place."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.errors import OpensslError
from agent.provision import openssl
from agent.windows import seal
from agent.windows.sealer import Sealer


@pytest.fixture
def key(tmp_path: Path) -> Path:
    key = tmp_path / "windows.key"
    key.write_bytes(openssl.new_key())
    (tmp_path / "windows.pem").write_text(seal.certificate_for(key.read_bytes()))
    return key


@pytest.fixture
def sealer(key: Path) -> Iterator[Sealer]:
    sealer = Sealer(key.with_suffix(".pem"))
    yield sealer
    sealer.stop()


def test_it_encrypts_one_after_another_and_says_what_openssl_refuses(sealer: Sealer, key: Path) -> None:
    for content in (b"", b"one", bytes(200_000)):
        assert seal.decrypt(sealer.encrypt(content), key) == content
    certificate = key.with_suffix(".pem")
    text = certificate.read_text()
    certificate.unlink()
    with pytest.raises(OpensslError, match=r"windows\.pem"):
        sealer.encrypt(b"nobody could read it")
    certificate.write_text(text)
    assert seal.decrypt(sealer.encrypt(b"again"), key) == b"again"


def test_one_that_was_killed_is_started_anew(sealer: Sealer, key: Path) -> None:
    sealer.encrypt(b"first")
    process = sealer._process
    assert process is not None
    process.kill()
    process.wait(5)
    assert seal.decrypt(sealer.encrypt(b"second"), key) == b"second"


def test_it_is_the_first_to_go_where_memory_is_short_and_leaves_ctrl_c_to_the_unit(sealer: Sealer, key: Path) -> None:
    sealer.encrypt(b"first")
    process = sealer._process
    assert process is not None
    assert Path(f"/proc/{process.pid}/oom_score_adj").read_text(encoding="ascii") == "1000\n"
    process.send_signal(signal.SIGINT)
    assert seal.decrypt(sealer.encrypt(b"second"), key) == b"second"
    assert sealer._process is process


def test_it_ends_with_the_unit(sealer: Sealer) -> None:
    sealer.start()
    process = sealer._process
    assert process is not None
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()
    sealer.stop()
    sealer.stop()


def test_starting_it_does_not_wait_for_the_disk() -> None:
    """With vfork every thread of the unit would be held until the program was read."""
    assert subprocess._USE_VFORK is False
