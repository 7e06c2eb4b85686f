"""`nodkald model` and the office's side of it, as technicians and municipalities use them: files, words, codes."""

from __future__ import annotations

import argparse
import stat
import tomllib
from typing import TYPE_CHECKING

import pytest

from agent import cli
from agent.config_faults import CPR_LIKE
from agent.config_files import load_unit
from agent.inference import runner
from agent.inference.policy import Unasked
from agent.models import bring, choice, command, folder
from agent.models.choice import Choice
from agent.models.signature import public_key
from agent.office import command as office
from tests.unit.doctor.cases import write_unit
from tests.unit.models.signed import CONTENT, SHIPPED, THEIRS, files, key, put, signed

if TYPE_CHECKING:
    from pathlib import Path

    from agent.inference.cards import ModelCard

OLD, NEW = "fall-waist-7.0.5", "fall-waist-7.1.0"


class Unit:
    """A unit of the municipality, and what its technician reads."""

    def __init__(self, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = write_unit(directory, more=f'[model]\nsigning_key = "{key().public}"\n')
        self.folder = folder.folder_of(load_unit(self.file))
        self.stick = directory / "stick"
        self._capsys = capsys

    def model(self, *words: str) -> tuple[int, str]:
        code = cli.main(["model", "--unit-file", str(self.file), *words])
        said = self._capsys.readouterr()
        return code, said.out + said.err

    def has(self, *versions: str) -> None:
        for version in versions:
            card = put(self.stick, f"fall-waist-{version}", files(version))
            assert self.model("add", str(card))[0] == 0

    @property
    def choice(self) -> Choice:
        return choice.read(self.folder.path)


@pytest.fixture
def unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Unit:
    return Unit(tmp_path, capsys)


def test_a_month_in_the_shadow_a_promotion_and_a_way_back(unit: Unit) -> None:
    unit.has("7.0.5", "7.1.0")
    assert "restart nodkald-agent" in unit.model("promote", OLD)[1]
    assert unit.model("shadow", NEW)[0] == 0
    assert unit.choice == Choice(live=OLD, shadow=NEW)
    assert unit.model("list")[1].splitlines() == [
        "fall-waist: of the package",
        f"{OLD} (live): signed",
        f"{NEW} (shadow): signed",
    ]
    assert unit.model("promote", NEW)[0] == 0
    assert unit.choice == Choice(live=NEW, previous=OLD)
    assert f"{OLD} (stands in): signed" in unit.model("list")[1]
    unit.model("shadow", OLD)
    assert f"{OLD} (shadow, stands in): signed" in unit.model("list")[1]
    code, said = unit.model("promote", OLD)
    assert (code, f"{OLD} is older than {NEW}" in said, unit.choice) == (0, True, Choice(live=OLD))
    assert unit.model("promote", "shipped")[0] == 0
    assert unit.choice == Choice()
    assert unit.model("list")[1].startswith("fall-waist (live): of the package\n")


def test_the_shadow_is_ended_and_never_the_live_model_itself(unit: Unit) -> None:
    unit.has("7.1.0")
    unit.model("shadow", NEW)
    assert unit.model("shadow", "none")[0] == 0
    assert unit.choice == Choice()
    unit.model("promote", NEW)
    assert unit.model("shadow", NEW)[0] == 1
    assert unit.choice == Choice(live=NEW)


def test_verify_says_of_each_model_whether_it_can_be_used(unit: Unit) -> None:
    unit.has("7.0.5", "7.1.0")
    code, said = unit.model("verify")
    assert (code, said.count("signed, answers in"), said.count("of the package, answers in")) == (0, 2, 1)
    (unit.folder.path / f"{NEW}.sig").write_bytes(bytes(64))
    code, said = unit.model("verify")
    assert (code, f"{NEW}: REFUSED: its signature was not made" in said) == (1, True)
    assert unit.model("verify", OLD)[0] == 0
    assert unit.model("verify", "../x-1.0.0")[0] == 1
    assert f"{NEW}: REFUSED" in unit.model("list")[1]


def test_a_list_says_who_judges_where_the_live_model_is_refused(unit: Unit) -> None:
    unit.has("7.0.5", "7.1.0")
    unit.model("promote", OLD)
    unit.model("promote", NEW)
    assert "judges in its place" not in unit.model("list")[1]
    (unit.folder.path / f"{NEW}.sig").write_bytes(bytes(64))
    said = unit.model("list")[1].splitlines()
    assert said[2].startswith(f"{NEW} (live): REFUSED")
    assert said[-1] == f"{NEW} is refused: {OLD} judges in its place from the next start on."
    (unit.folder.path / f"{OLD}.sig").write_bytes(bytes(64))
    assert unit.model("list")[1].splitlines()[-1].startswith(f"{NEW} is refused: fall-waist of the package judges")


def test_a_model_of_the_package_that_can_not_be_used_is_told(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "load_file", lambda _: CONTENT + b"x")
    code, said = unit.model("verify")
    assert (code, "fall-waist: REFUSED: " in said) == (1, True)


def test_a_chosen_model_whose_files_are_gone_is_still_listed(unit: Unit) -> None:
    unit.has("7.1.0")
    unit.model("promote", NEW)
    for file in unit.folder.path.glob(f"{NEW}.*"):
        file.unlink()
    assert f"{NEW} (live): REFUSED: " in unit.model("list")[1]


def test_a_card_that_wants_another_uncertain_band_than_the_profile_is_told(unit: Unit) -> None:
    card = SHIPPED.model_copy(update={"version": "1.5.0", "uncertain_above": 0.31})
    text = card.model_dump_json().encode()
    put(unit.folder.path, "fall-waist-1.5.0", folder.Files(text, CONTENT, signed(text, CONTENT)))
    said = unit.model("promote", "fall-waist-1.5.0")[1]
    (band,) = {one.fall.uncertain_above for one in load_unit(unit.file).profile.wearables.values()}
    assert f"Note: the model's card recommends uncertain_above = 0.31; the profile has {band:g}." in said


@pytest.mark.parametrize("job", ["promote", "shadow"])
def test_what_can_not_judge_here_is_not_chosen(unit: Unit, job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.has("7.1.0")
    for name in ("fall-waist-9.9.9", "../models/fall-waist-7.1.0", "", "fall-waist/7.1.0"):
        code, said = unit.model(job, name)
        assert (code, "was not added here. Here are: fall-waist-7.1.0." in said, unit.choice) == (1, True, Choice())
    put(unit.folder.path, "fall-waist-7.2.0", files("7.2.0")).with_suffix(".sig").write_bytes(bytes(64))
    assert "nothing was changed (its signature" in unit.model(job, "fall-waist-7.2.0")[1]
    wrong = files("1.3.0", tail=b"x")  # signed, its hash right, but it takes longer than it may
    put(unit.folder.path, "fall-waist-1.3.0", wrong)
    monkeypatch.setattr(bring, "ask_once", lambda *_: 60.0)
    assert "answers only after" in unit.model(job, "fall-waist-1.3.0")[1]
    monkeypatch.undo()
    wrist = SHIPPED.model_copy(update={"version": "1.4.0", "body_positions": ("wrist",)})
    made = folder.Candidate("fall-waist-1.4.0", wrist, files())
    put(unit.folder.path, made.name, made.files)
    monkeypatch.setattr(folder.ModelFolder, "load", lambda *_: made)
    assert "wears no sensor there" in unit.model(job, "fall-waist-1.4.0")[1]
    monkeypatch.setattr(runner, "_interpreter", _none)
    assert "no runtime can load" in unit.model(job, "fall-waist-1.4.0")[1]
    assert unit.choice == Choice()


def _none(card: ModelCard, *_: object) -> None:
    raise runner.Broken(Unasked.EXCEPTION, f"no runtime can load {card.label}")


def test_a_choice_that_was_damaged_is_told_and_chosen_anew(unit: Unit) -> None:
    unit.has("7.1.0")
    (unit.folder.path / choice.FILE).write_text("{")
    assert unit.model("list")[0] == 1
    assert unit.model("promote", NEW)[0] == 0
    assert unit.choice == Choice(live=NEW)


def test_a_technician_without_rights_is_told_to_use_sudo(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    unit.has("7.1.0")

    def forbidden(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(bring, "replace_file", forbidden)
    for words in (("promote", NEW), ("shadow", NEW), ("add", str(unit.stick / f"{NEW}.sig"))):
        code, said = unit.model(*words)
        assert (code, "with sudo" in said) == (1, True)
    monkeypatch.setattr(folder.ModelFolder, "names", forbidden)
    assert "with sudo" in unit.model("list")[1]


def test_without_a_key_it_says_what_that_means_in_the_homes_language(unit: Unit) -> None:
    text = unit.file.read_text().split("[model]")[0]
    unit.file.write_text(text.replace('language = "en"', 'language = "da"'))
    assert unit.model("list")[1].startswith("Unit-filen har ingen signing_key")
    code, said = unit.model("add", str(put(unit.stick, NEW, files())))
    assert (code, "kun pakkens model" in said) == (1, True)
    for job in ("promote", "shadow"):
        code, said = unit.model(job, NEW)
        assert (code, "Skriv kommunens ind" in said, unit.choice) == (1, True, Choice())


@pytest.mark.parametrize("wrong", ["", "AAAA", "x" * 44, "A" * 42 + "B=", "A" * 43 + "=\\n"])
def test_a_signing_key_that_is_none_is_refused_with_the_file(unit: Unit, wrong: str) -> None:
    unit.file.write_text(unit.file.read_text().replace(key().public, wrong))
    code, said = unit.model("list")
    assert (code, "model.signing_key" in said, "model-key" in said) == (2, True, True)


# ---------------------------------------------------------------- the office


def desk(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    office.configure(parser)
    return office.run(parser.parse_args(["--lang", "en", *map(str, arguments)]))


def test_from_a_new_key_to_a_model_that_a_unit_takes(
    tmp_path: Path, unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "office" / "model-signing.key"
    assert desk("model-key", "--key", secret) == 0
    shown = capsys.readouterr().out
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert "PRIVATE" not in shown
    public = tomllib.loads(shown[shown.index("[model]") :])["model"]["signing_key"]
    assert public == public_key(secret)
    assert not CPR_LIKE.search(public)
    kept = secret.read_bytes()
    assert desk("model-key", "--key", secret) == 1
    assert secret.read_bytes() == kept
    capsys.readouterr()

    card = tmp_path / "trained" / "fall-waist.json"
    card.parent.mkdir()
    card.write_text(SHIPPED.model_copy(update={"version": "2.0.0"}).model_dump_json())
    card.with_suffix(".tflite").write_bytes(CONTENT)
    assert desk("sign-model", "--card", card, "--key", secret, "--out", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"fall-waist-2.0.0{end}" for end in (".json", ".sig", ".tflite")
    ]
    unit.file.write_text(unit.file.read_text().replace(key().public, public))
    assert unit.model("add", str(tmp_path / "out" / "fall-waist-2.0.0.tflite"))[0] == 0
    assert unit.model("promote", "fall-waist-2.0.0")[0] == 0
    assert desk("sign-model", "--card", card, "--key", secret, "--out", tmp_path / "out") == 1
    assert "new version number" in capsys.readouterr().err


def test_the_office_signs_no_card_of_another_file_and_with_no_other_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = tmp_path / "k"
    secret.write_bytes(key(THEIRS).pem)
    card = put(tmp_path, "m", files())
    card.with_suffix(".tflite").write_bytes(CONTENT + b"x")
    assert desk("sign-model", "--card", card, "--key", secret, "--out", tmp_path / "out") == 1
    assert "sha256" in capsys.readouterr().err
    card.with_suffix(".tflite").write_bytes(bytes(folder.LARGEST[".tflite"] + 1))
    assert desk("sign-model", "--card", card, "--key", secret, "--out", tmp_path / "out") == 1
    assert "a unit would refuse it" in capsys.readouterr().err
    card.with_suffix(".tflite").unlink()
    assert desk("sign-model", "--card", card, "--key", secret, "--out", tmp_path / "out") == 1
    assert not (tmp_path / "out").exists()


def test_a_key_that_is_none_is_refused_in_a_sentence_and_not_in_openssls_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = put(tmp_path, "m", files())
    for key_file, said in ((tmp_path / "gone.key", "does not exist"), (card, "is no key that signs models")):
        for job in (("sign-model", "--card", card), ("claims", "--csv", _rows(tmp_path), "--out", tmp_path / "claims")):
            word = "--model-key" if job[0] == "claims" else "--key"
            assert desk(*job, word, key_file) == 1
            (line,) = capsys.readouterr().err.splitlines()
            assert said in line
    assert not (tmp_path / "claims").exists()


def _rows(folder: Path) -> Path:
    (folder / "units.csv").write_text("unit_id,tenant,profile,primary\nu-7f3k9q,aabenraa,pi4-cords,broker.example.dk\n")
    return folder / "units.csv"


@pytest.mark.parametrize(("language", "said"), [("da", "forlader aldrig"), ("en", "never leaves")])
def test_the_office_speaks_the_language_that_was_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], language: str, said: str
) -> None:
    parser = argparse.ArgumentParser()
    office.configure(parser)
    assert office.run(parser.parse_args(["--lang", language, "model-key", "--key", str(tmp_path / "k")])) == 0
    assert said in capsys.readouterr().out
