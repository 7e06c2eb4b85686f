"""What a technician sees of `nodkald check-config`, and that schemas and tables are what the models say."""

from __future__ import annotations

import argparse
import json
import tomllib
from pathlib import Path

import jsonschema
import pytest
from gpiozero.pins.mock import MockFactory

from agent import check_config, schemas
from agent.check_config import HEADER_PIN
from agent.config_files import shipped_profiles
from tests.unit.config.test_config_files import CONSENT, UNIT


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    check_config.configure(parser)
    return check_config.run(parser.parse_args(arguments))


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stand in for the model cards, so that this test is about the command."""
    from agent.inference import cards  # noqa: PLC0415 - as the command itself imports it

    answers: list[str] = []
    monkeypatch.setattr(cards, "check_binding", lambda _profile: answers)
    return answers


@pytest.mark.usefixtures("bound")
def test_a_right_unit_file_gives_a_summary_of_sensors_pins_and_brokers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(UNIT)
    assert run("--unit-file", str(path)) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for words in (
        "u-test0001 of aabenraa",
        "pull_cord, normally_closed, BCM 17 (header pin 11), bias up, room bathroom",
        "wt901 at the waist, 100 Hz, port /some/dir/run/wearable",
        "127.0.0.1 port 18830, mqtt5, plain text on this machine",
        "(simulated)",
    ):
        assert words in out


@pytest.mark.usefixtures("bound")
def test_a_consent_is_summed_up_with_a_certificate_that_is_wanting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(CONSENT)
    assert run("--unit-file", str(path)) == 0
    said = capsys.readouterr().out
    assert "Consent c-4f7k2q: motion around triggers is kept, encrypted, until 2027-06-30" in said
    assert "certificate /etc/nodkald/windows.pem, NOT THERE YET" in said


@pytest.mark.usefixtures("bound")
def test_a_wrong_unit_file_gives_one_line_a_fault_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "unit.toml"
    path.write_text(UNIT.replace("18830", "0").replace('"aabenraa"', "5"))
    assert run("--unit-file", str(path)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 2
    assert all(line.startswith(f"{path}: ") for line in err.splitlines())


def test_a_model_that_is_worn_elsewhere_is_refused(bound: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bound.append("profile pi4-cords-wt901: sensors.wearable.body_position: made for waist")
    assert run("--profile", "pi4-cords-wt901") == 2
    assert capsys.readouterr().err == "pi4-cords-wt901: sensors.wearable.body_position: made for waist\n"


@pytest.mark.usefixtures("bound")
@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_every_shipped_profile_passes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--profile", name) == 0
    assert "The profile is right." in capsys.readouterr().out


@pytest.mark.usefixtures("bound")
def test_certificates_that_are_not_there_are_pointed_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "unit.toml"
    text = UNIT.replace("simulated-home", "pi4-cords").replace("127.0.0.1", "broker.example")
    path.write_text(text.replace('protocol = "mqtt5"', f'tls = {{ ca = "{tmp_path}/ca.pem" }}'))
    assert run("--unit-file", str(path)) == 0
    assert f"TLS, NOT THERE YET: {tmp_path}/ca.pem" in capsys.readouterr().out


def test_header_pins_are_those_of_the_board() -> None:
    board = MockFactory(revision="c03114").board_info
    assert list(HEADER_PIN) == [next(board.find_pin(bcm))[1].number for bcm in range(28)]


def test_generated_files_are_up_to_date() -> None:
    assert schemas.main(["--check"]) == 0


def test_a_stale_file_is_noticed_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {tmp_path / "new" / "a.json": "{}\n", tmp_path / "b.md": "right"}
    (tmp_path / "b.md").write_text("wrong")
    monkeypatch.setattr(schemas, "generated", lambda: files)
    assert schemas.main(["--check"]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2
    assert schemas.main(["--write"]) == 0
    assert schemas.main(["--check"]) == 0


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_the_schema_for_editors_accepts_what_the_models_accept(name: str) -> None:
    schema = json.loads((schemas.REPOSITORY / "docs/schemas/profile.schema.json").read_text())
    raw = tomllib.loads(shipped_profiles()[name].read_text())
    jsonschema.validate(raw, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**raw, "colour": "red"}, schema)
    unit_schema = json.loads((schemas.REPOSITORY / "docs/schemas/unit.schema.json").read_text())
    jsonschema.validate(tomllib.loads(UNIT), unit_schema)


def test_every_key_of_the_models_has_a_meaning() -> None:
    for model in schemas.TABLES.values():
        assert [name for name, field in model.model_fields.items() if not field.description] == []
