"""What lies in the folder, what was chosen in it, and what happens when a change is cut off in the middle."""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from agent.config_files import load_profile
from agent.errors import ModelError
from agent.models import bring, choice
from agent.models.choice import Choice, is_older, promoted
from agent.models.chosen import Chosen, choose
from agent.models.folder import ModelFolder
from agent.provision.install import service_owner
from agent.provision.refusal import Refused
from tests.unit.models.signed import THEIRS, files, folder, key, put, signed
from tests.unit.provision.unit import Killed, fail_at

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

OLD, NEW = "fall-waist-7.0.5", "fall-waist-7.1.0"
ESCAPES = [
    "../fall-waist-7.1.0", "/etc/fall-waist-7.1.0", "fall-waist-7.1.0/../../x-1.0.0", "", ".", "..", "fall-waist",
    "fall-waist-7.1.0\n", "fall-waist-7.1.0\0", "Fall-waist-7.1.0", "fall-waist-1.1", "fall-waist-7.1.0.json",
    "-7.1.0", "fall-waist-1.1.٣", "choice",
]  # fmt: skip


def live(chosen: Chosen) -> str | None:
    return chosen.live.name if chosen.live else None


# ---------------------------------------------------------------- names and files


@pytest.mark.parametrize("name", ESCAPES)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    put(tmp_path, NEW, files())
    inside = folder(tmp_path / "models")
    with pytest.raises(ModelError, match="no name of a model"):
        inside.load(name)
    (inside.path / choice.FILE).parent.mkdir()
    (inside.path / choice.FILE).write_text(json.dumps({"format": 1, "live": name, "shadow": None}))
    assert live(choose(inside)) is None
    assert "can't be understood" in choose(inside).refused


def test_a_model_under_another_name_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "fall-waist-9.9.9", files())
    with pytest.raises(ModelError, match=f"is {NEW} under another name"):
        folder(tmp_path).load("fall-waist-9.9.9")


def test_what_is_no_model_is_not_listed(tmp_path: Path) -> None:
    assert folder(tmp_path / "nothing").names() == []
    made = folder(tmp_path, "7.1.0", "7.0.5")
    for name in ("notes.json", "fall-waist-1.2.0.tflite", choice.FILE):
        (tmp_path / name).write_text("{}")
    assert made.names() == [OLD, NEW]


# ---------------------------------------------------------------- adding


def test_a_model_is_added_from_any_of_its_three_files(tmp_path: Path) -> None:
    card = put(tmp_path / "stick", "anything-7.1.0", files())
    made = folder(tmp_path / "models")
    for end in (".json", ".tflite", ".sig"):
        assert bring.add(made, card.with_suffix(end)).name == NEW
    assert made.load(NEW).files == files()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made.path.iterdir()}
    assert modes == dict.fromkeys((f"{NEW}.json", f"{NEW}.tflite", f"{NEW}.sig"), 0o640)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o750


def test_files_belong_to_the_services_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    monkeypatch.setattr("agent.provision.install.SERVICE_USER", "daemon")
    made = folder(tmp_path / "models")
    bring.add(made, put(tmp_path / "stick", NEW, files()))
    bring.write_choice(made, Choice(live=NEW))
    gid = service_owner().gid
    assert gid != os.getegid()
    assert {(p.stat().st_uid, p.stat().st_gid) for p in (made.path, *made.path.iterdir())} == {(0, gid)}


def test_what_is_not_signed_never_gets_in(tmp_path: Path) -> None:
    made = folder(tmp_path / "models")
    with pytest.raises(Refused, match="signature"):
        bring.add(made, put(tmp_path / "stick", NEW, files(owner=THEIRS)))
    with pytest.raises(Refused, match="signing_key"):
        bring.add(ModelFolder(made.path, None), tmp_path / "stick" / f"{NEW}.json")
    assert not made.path.exists()


def test_the_strictest_sensor_that_wears_it_says_how_quick_a_model_must_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, worn = folder(tmp_path, "7.1.0"), load_profile("simulated-home").wearables["wearable"]
    strict = worn.model_copy(update={"fall": worn.fall.model_copy(update={"deadline_s": 0.5})})
    elsewhere = strict.model_copy(update={"body_position": "wrist"})
    monkeypatch.setattr(bring, "ask_once", lambda *_: 1.0)
    assert bring.fitting(made, NEW, {"one": worn, "other": elsewhere}).name == NEW
    with pytest.raises(Refused, match=r"answers only after 1\.00 s; the deadline is 0\.5 s"):
        bring.fitting(made, NEW, {"one": worn, "other": strict})


def test_a_version_is_one_model_but_a_damaged_copy_and_a_new_signature_may_come_again(tmp_path: Path) -> None:
    made = folder(tmp_path, "7.1.0")
    other = put(tmp_path / "stick", NEW, files(threshold=0.2))
    with pytest.raises(Refused, match="another content"):
        bring.add(made, other)
    assert made.load(NEW).files == files()
    (tmp_path / f"{NEW}.tflite").write_bytes(b"damaged")
    bring.add(made, other)
    assert made.load(NEW).card.threshold == 0.2
    theirs = replace(files(threshold=0.2), signature=signed(files(threshold=0.2).card, files().model, THEIRS))
    rotated = ModelFolder(tmp_path, key(THEIRS).public)
    bring.add(rotated, put(tmp_path / "stick", NEW, theirs))
    assert rotated.load(NEW).card.threshold == 0.2


# ---------------------------------------------------------------- choosing


def test_promoting_keeps_what_was_live_as_the_stand_in_and_rolling_back_does_not() -> None:
    first = promoted(Choice(shadow=OLD), OLD)
    assert first == Choice(live=OLD)
    second = promoted(first.model_copy(update={"shadow": "fall-waist-1.2.0"}), NEW)
    assert second == Choice(live=NEW, previous=OLD, shadow="fall-waist-1.2.0")
    assert promoted(second, NEW) is second
    assert promoted(second, OLD) == Choice(live=OLD, shadow="fall-waist-1.2.0")
    assert promoted(second, None) == Choice(shadow="fall-waist-1.2.0")


def test_versions_are_numbers_and_only_those_of_one_model_are_compared() -> None:
    assert is_older("fall-waist-1.9.0", "fall-waist-1.10.0")
    assert not is_older("fall-waist-1.10.0", "fall-waist-1.9.0")
    assert not is_older("fall-hip-1.0.0", "fall-waist-7.1.0")
    assert not is_older(NEW, None)


def test_nothing_chosen_is_the_shipped_model_and_no_fault(tmp_path: Path) -> None:
    assert choose(folder(tmp_path / "none")) == Chosen()
    assert choose(ModelFolder(tmp_path, None)) == Chosen()
    (tmp_path / "a-file").write_text("no folder")
    assert choose(folder(tmp_path / "a-file")) == Chosen()
    assert folder(tmp_path / "a-file").names() == []


def test_what_was_chosen_is_used(tmp_path: Path) -> None:
    made = folder(tmp_path, "7.0.5", "7.1.0")
    bring.write_choice(made, Choice(live=OLD, shadow=NEW))
    chosen = choose(made)
    assert (live(chosen), chosen.refused) == (OLD, "")
    assert chosen.shadow == NEW


@pytest.mark.parametrize("end", [".json", ".tflite", ".sig"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_model_leaves_the_one_before_it_and_then_the_shipped_one(
    tmp_path: Path, end: str, damage: str
) -> None:
    made = folder(tmp_path, "7.0.5", "7.1.0")
    bring.write_choice(made, Choice(live=NEW, previous=OLD))
    for name, expected in ((NEW, OLD), (OLD, None)):
        file = tmp_path / f"{name}{end}"
        if damage == "missing":
            file.unlink()
        else:
            file.write_bytes(file.read_bytes()[:-1] + bytes([file.read_bytes()[-1] ^ 1]))
        chosen = choose(made)
        assert live(chosen) == expected
        assert chosen.refused.startswith(f"{NEW} is refused: ")


def test_without_the_key_or_with_another_only_the_shipped_model_is_live(tmp_path: Path) -> None:
    bring.write_choice(folder(tmp_path, "7.0.5", "7.1.0"), Choice(live=NEW, previous=OLD))
    for other in (None, key(THEIRS).public):
        chosen = choose(ModelFolder(tmp_path, other))
        assert live(chosen) is None
        assert chosen.refused


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"format": 2, "live": null}', '{"live": 7}', '{"live": "../x-1.0.0"}', "\0" * 9000, "null"],
)
def test_a_choice_that_can_not_be_read_is_told_and_means_the_shipped_model(tmp_path: Path, text: str) -> None:
    made = folder(tmp_path, "7.1.0")
    (tmp_path / choice.FILE).write_text(text)
    assert live(choose(made)) is None
    assert "choose again" in choose(made).refused
    assert bring.last_choice(made) == Choice()


def test_a_choice_of_an_earlier_or_later_version_is_understood(tmp_path: Path) -> None:
    made = folder(tmp_path, "7.1.0")
    (tmp_path / choice.FILE).write_text(json.dumps({"live": NEW, "since": "2026-11-22", "canary": True}))
    assert live(choose(made)) == NEW


# ---------------------------------------------------------------- cut off in the middle


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Killed()])
def test_whatever_fails_while_a_model_is_added_it_is_there_or_not_at_all(
    tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = put(tmp_path / "stick", NEW, files())
    failed = 0
    for number, made in enumerate((folder(tmp_path / f"models-{n}") for n in range(99)), 1):
        done = cut_off(monkeypatch, number, error, lambda made=made: bring.add(made, card))
        assert made.names() in ([], [NEW])
        for name in made.names():
            assert made.load(name).files == files()
        if done:
            break
        failed += 1
    assert failed >= 12  # three files, each written, synced, renamed, and its directory synced


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), Killed()])
def test_whatever_fails_while_one_is_promoted_the_old_choice_is_in_force_or_the_new_one(
    tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(tmp_path, "7.0.5", "7.1.0")
    before, after = Choice(live=OLD), Choice(live=NEW, previous=OLD)
    seen = []
    for number in range(1, 99):
        bring.write_choice(made, before)
        done = cut_off(monkeypatch, number, error, lambda: bring.write_choice(made, after))
        seen.append(choice.read(tmp_path))
        if done:
            break
    assert len(seen) == seen.count(before) + seen.count(after)
    assert seen.count(before) >= 3
    assert seen[-1] == after


def test_a_new_folder_is_brought_to_the_disk_before_anything_is_written_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, made = put(tmp_path / "stick", NEW, files()), folder(tmp_path / "models")
    calls = fail_at(monkeypatch, 0, Killed())
    bring.add(made, card)
    assert calls[calls.index("mkdir") :][:3] == ["mkdir", "fsync", "write"]


def cut_off(monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException, act: Callable[[], object]) -> bool:
    """Let the `number`th call that changes the disk fail; return whether `act` came through without needing it."""
    with monkeypatch.context() as patch:
        calls = fail_at(patch, number, error)
        try:
            act()
        except (Refused, Killed):
            return False
        return len(calls) < number
