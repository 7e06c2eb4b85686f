"""What the office does: an authority for trials, claims from a CSV, and what it signs."""

from __future__ import annotations

import argparse
import json
import re
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.config_faults import CPR_LIKE
from agent.config_files import load_profile
from agent.errors import ConfigError
from agent.models.signature import public_key
from agent.office import command
from agent.provision import openssl
from agent.provision.identity import ALPHABET, new_unit_id
from agent.provision.plan import AnswersFile, read_plan

if TYPE_CHECKING:
    from tests.unit.provision.unit import Practice

REPOSITORY = Path(__file__).parents[3]
CSV = """\
tenant;profile;primary;secondary;pre_alarm_s;room.bathroom-cord;unit_id
aabenraa;simulated-home;127.0.0.1:18883;;10;bathroom;
aabenraa;simulated-home;127.0.0.1;127.0.0.1:8884;2,5;toilet;u-written234
"""


def office(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return command.run(parser.parse_args(["--lang", "en", *map(str, arguments)]))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    assert office("ca", "init", "--ca", tmp_path / "ca") == 0
    (tmp_path / "units.csv").write_text(CSV, encoding="utf-8-sig")
    return tmp_path


def make_claims(desk: Path) -> list[Path]:
    assert office("claims", "--csv", desk / "units.csv", "--out", desk / "claims", "--ca", desk / "ca") == 0
    return sorted((desk / "claims").iterdir())


def test_ids_are_random_and_can_be_read_aloud() -> None:
    ids = {new_unit_id() for _ in range(500)}
    assert len(ids) == 500
    assert set("".join(ids).replace("u-", "")) == set(ALPHABET)
    assert not set("0189iloszILOSZ") & set(ALPHABET)
    assert not any(CPR_LIKE.search(unit_id) for unit_id in ids)


def test_an_authority_keeps_its_key_to_itself_and_is_never_overwritten(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stat.S_IMODE((desk / "ca").stat().st_mode) == 0o700
    assert stat.S_IMODE((desk / "ca" / "ca.key").stat().st_mode) == 0o600
    before = (desk / "ca" / "ca.key").read_bytes()
    assert office("ca", "init", "--ca", desk / "ca") == 1
    assert "never overwritten" in capsys.readouterr().err
    assert (desk / "ca" / "ca.key").read_bytes() == before


def test_each_row_becomes_a_claim(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claims = [tomllib.loads(path.read_text()) for path in make_claims(desk)]
    (one,) = [claim for claim in claims if claim["unit_id"] == "u-written234"]
    assert one["paths"] == [
        {"name": "primary", "host": "127.0.0.1", "port": 8883, "protocol": "mqtt5"},
        {"name": "secondary", "host": "127.0.0.1", "port": 8884, "protocol": "mqtt5"},
    ]
    assert (one["pre_alarm_s"], one["rooms"]) == (2.5, {"bathroom-cord": "toilet"})
    assert len({claim["unit_id"] for claim in claims}) == len({claim["enrolment"] for claim in claims}) == 2
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in (desk / "claims").iterdir())
    out = capsys.readouterr().out
    assert not any(claim["enrolment"] in out for claim in claims)


@pytest.mark.parametrize(
    ("spoiled", "words"),
    [
        (CSV.replace("unit_id", "navn", 1), "column navn: is not known; a claim holds nothing about a person"),
        (CSV.replace("bathroom;", "Fru Hansen;"), "row 2: column rooms: must be one of bathroom"),
        (
            CSV.replace("toilet", "010203-1234"),
            "row 3: column room.bathroom-cord: holds something that looks like a CPR",
        ),
        (
            CSV.replace("room.bathroom-cord", "room.0102031234"),
            "column room.**********: the profile has no such sensor",
        ),
        (CSV.replace("aabenraa", "Åbenrå"), "row 2: column tenant: must be a municipality's slug"),
        (CSV.replace("simulated-home", "pi9"), "row 2: column profile: must be a shipped profile"),
        (CSV.replace("127.0.0.1:18883", "mqtt://x"), "row 2: column paths: must be"),
        (CSV.replace("127.0.0.1:18883", ""), "row 2: column primary: is empty"),
        (CSV.replace(";10;", ";hurtigt;"), "row 2: column pre_alarm_s: must be a number"),
        (CSV.replace("bathroom;\n", "bathroom;u-written234\n"), "row 3: column unit_id: the same id"),
        (CSV.replace("tenant;", "", 1), "column tenant: is missing"),
        (CSV.replace("bathroom;\n", "bathroom\n"), "row 2: has 6 cells, and there are 7 columns"),
        (CSV.splitlines()[0], "holds no unit"),
        ("", "holds no unit"),
    ],
)
def test_a_list_that_is_wrong_makes_no_claim_and_repeats_nobodys_name(desk: Path, spoiled: str, words: str) -> None:
    (desk / "units.csv").write_text(spoiled)
    with pytest.raises(ConfigError) as error:
        office("claims", "--csv", desk / "units.csv", "--out", desk / "claims", "--ca", desk / "ca")
    assert any(words in fault for fault in error.value.faults), error.value.faults
    assert not any(secret in str(error.value) for secret in ("Hansen", "010203", "Åbenrå", "hurtigt"))
    assert not (desk / "claims").exists()
    assert json.loads((desk / "ca" / "register.json").read_text()) == {}


def test_a_list_saved_in_an_old_code_page_is_told(desk: Path) -> None:
    (desk / "units.csv").write_bytes(CSV.replace("aabenraa", "åbenrå").encode("cp1252"))
    with pytest.raises(ConfigError, match="UTF-8"):
        office("claims", "--csv", desk / "units.csv", "--out", desk / "claims")


def test_a_claimed_unit_is_signed_without_a_word_and_once(
    desk: Path, practice: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = next(path for path in make_claims(desk) if "written" in path.name)
    assert practice.provision("--claim", str(claim), typed="\n" * 4) == 3
    (request,) = practice.requests
    assert request.stem == "u-written234"
    secret = tomllib.loads(claim.read_text())["enrolment"]
    assert secret not in (practice.pending / "draft.json").read_text() + request.read_text() + capsys.readouterr().out

    # A request for the same unit that was made without the claim, or that was changed on the way, is refused.
    other = desk / "other.key"
    other.write_bytes(openssl.new_key())
    for forged in (
        openssl.request(other.read_bytes(), "u-written234"),
        openssl.request(other.read_bytes(), "u-written234", "00" * 32),
        request.read_text().splitlines()[0] + "\n" + openssl.request(other.read_bytes(), "u-written234"),
    ):
        (desk / "forged.csr").write_text(forged)
        assert office("sign", "--csr", desk / "forged.csr", "--ca", desk / "ca", "--out", desk) == 1
        assert not (desk / "u-written234.pem").exists()

    assert office("sign", "--csr", request, "--ca", desk / "ca", "--out", desk) == 0
    first = (desk / "u-written234.pem").read_text()
    assert office("sign", "--csr", request, "--ca", desk / "ca", "--out", desk) == 0
    assert (desk / "u-written234.pem").read_text() == first
    assert secret not in (desk / "ca" / "register.json").read_text()

    # The claim is spent: another request needs a person's word.
    capsys.readouterr()
    (desk / "again.csr").write_text(openssl.request(other.read_bytes(), "u-written234", secret))
    assert office("sign", "--csr", desk / "again.csr", "--ca", desk / "ca", "--out", desk) == 1
    assert "spent" in capsys.readouterr().err
    assert (
        office("sign", "--csr", desk / "again.csr", "--ca", desk / "ca", "--out", desk, "--approve", "u-written234")
        == 0
    )
    assert (desk / "u-written234.pem").read_text() != first

    (desk / "u-written234.pem").write_text(first)
    assert practice.provision("--claim", str(claim), typed=f"{desk / 'u-written234.pem'}\nyes\n") == 0
    assert practice.unit.room_of("bathroom-cord") == "toilet"
    assert len(practice.unit.unit_file.uplink.paths) == 2


def test_a_request_that_is_none_is_refused_and_the_others_are_signed(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key = desk / "key"
    key.write_bytes(openssl.new_key())
    (desk / "1.csr").write_text("hello")
    (desk / "2.csr").write_text(openssl.request(key.read_bytes(), "centre"))
    (desk / "3.csr").write_text(openssl.request(key.read_bytes(), "u-written234"))
    requests = [desk / f"{number}.csr" for number in (1, 2, 3)]
    assert office("sign", "--csr", *requests, "--ca", desk / "ca", "--out", desk, "--approve", "u-written234") == 1
    told = capsys.readouterr()
    assert "no valid request" in told.err
    assert "no unit id" in told.err
    assert (desk / "u-written234.pem").exists()


def test_a_unit_accepts_the_models_of_the_office_that_made_its_claim(desk: Path, practice: Practice) -> None:
    assert office("model-key", "--key", desk / "model.key") == 0
    made = office("claims", "--csv", desk / "units.csv", "--out", desk / "c", "--model-key", desk / "model.key")
    assert made == 0
    claim = next((desk / "c").iterdir())
    assert practice.provision("--answers", str(practice.answers()), "--claim", str(claim)) == 0
    assert practice.unit.unit_file.model.signing_key == public_key(desk / "model.key")
    assert b"PRIVATE" not in claim.read_bytes()


def test_a_claim_that_is_damaged_is_told_without_its_secret(
    desk: Path, practice: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = make_claims(desk)[0]
    secret = tomllib.loads(claim.read_text())["enrolment"]
    claim.write_text(claim.read_text().replace(secret, secret[:-1]))
    assert practice.provision("--answers", str(practice.answers()), "--claim", str(claim)) == 1
    told = capsys.readouterr()
    assert "enrolment" in told.err
    assert secret[:-1] not in told.err + told.out


def test_a_secret_that_happens_to_look_like_a_cpr_number_is_none(desk: Path, practice: Practice) -> None:
    claim = make_claims(desk)[0]
    secret = tomllib.loads(claim.read_text())["enrolment"]
    claim.write_text(claim.read_text().replace(secret, "a0102031234b" + secret[12:]))
    assert practice.provision("--answers", str(practice.answers()), "--claim", str(claim)) == 3


def test_a_directory_that_is_no_authority_says_how_to_make_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert office("sign", "--csr", tmp_path / "x", "--ca", tmp_path / "none") == 1
    assert "office ca init" in capsys.readouterr().err


def test_claims_never_overwrite(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_claims(desk)
    assert office("claims", "--csv", desk / "units.csv", "--out", desk / "claims") == 1
    assert "not empty" in capsys.readouterr().err
    assert office("claims", "--csv", desk / "units.csv", "--out", desk / "more", "--ca", desk / "ca") == 1
    assert "u-written234 has a claim" in capsys.readouterr().err
    assert not (desk / "more").exists()


def test_the_answers_file_of_the_documentation_is_one(tmp_path: Path) -> None:
    (example,) = re.findall(
        r"```toml\n(.*?)```", (REPOSITORY / "docs/operations/provisioning.md").read_text(), re.DOTALL
    )
    (tmp_path / "answers.toml").write_text(re.sub(r"^# (\w+ = \S+).*$", r"\1", example, flags=re.MULTILINE))
    file = read_plan(AnswersFile, tmp_path / "answers.toml")
    assert file.model_fields_set == set(AnswersFile.model_fields)
    assert set(file.rooms) | set(file.ports) <= set(load_profile(str(file.profile)).sensors)
