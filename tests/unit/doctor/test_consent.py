"""What is said of a consent: that it holds, or why nothing is kept."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from agent.clock import Now
from agent.config import Consent
from agent.doctor import consent
from agent.doctor.finding import Verdict
from agent.errors import OpensslError
from agent.provision import openssl
from agent.windows import seal
from tests.unit.doctor.cases import only

BEFORE, AFTER = 1_780_000_000.0, 1_880_000_000.0


def agreed(certificate: Path, **changes: Any) -> Consent:
    keys = {"motion_windows": True, "reference": "c-4f7k2q", "until": date(2027, 6, 30), "certificate": certificate}
    return Consent(**{**keys, **changes})


def test_one_that_holds_and_whose_certificate_can_be_used(tmp_path: Path) -> None:
    certificate = tmp_path / "windows.pem"
    certificate.write_text(seal.certificate_for(openssl.new_key()))
    found = only(consent.examine(agreed(certificate), Now(1.0, BEFORE)))
    assert (found.verdict, found.subject) == (Verdict.OK, "c-4f7k2q")
    assert "2027-06-30" in found.found.da
    assert only(consent.examine(Consent(), Now(1.0, BEFORE))).verdict is Verdict.SKIPPED


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (Now(1.0, AFTER), "ended after 2027-06-30"),
        (Now(1.0, BEFORE, synced=False), "nobody knows"),
        (Now(1.0, BEFORE), "can't be encrypted for"),
    ],
)
def test_one_under_which_nothing_is_kept_is_a_warning(tmp_path: Path, now: Now, words: str) -> None:
    found = only(consent.examine(agreed(tmp_path / "nowhere.pem"), now))
    assert found.verdict is Verdict.WARN
    assert words in found.found.en


def test_an_openssl_that_was_killed_without_a_word_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> bytes:
        raise OpensslError("")

    monkeypatch.setattr(seal, "encrypt", killed)
    found = only(consent.examine(agreed(tmp_path / "windows.pem"), Now(1.0, BEFORE)))
    assert (found.verdict, found.detail) == (Verdict.WARN, "")
