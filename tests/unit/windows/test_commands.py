"""From the unit to the municipality: a technician fetches what is kept, the office opens it for `nodkald replay`."""

from __future__ import annotations

import argparse
import itertools
import json
import re
import stat
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent import replay
from agent.config import Consent
from agent.config_faults import CPR_LIKE
from agent.office import command as office_command
from agent.office.windows import new_reference
from agent.provision import openssl
from agent.recordings import read_recording
from agent.simulator.motions import fall_forward
from agent.system_clock import SystemClock
from agent.windows import command, seal
from agent.windows.record import Header, HeaderTrigger, Record, encode
from agent.windows.store import WindowStore
from tests.unit.doctor.cases import NOW, write_unit

MOTION = tuple((1000.1 + t, x / 3, y / 3, z / 3) for t, x, y, z in fall_forward(50, seed=3))
"""Values that no decimal of four digits says exactly."""


def office(*arguments: str | Path) -> int:
    parser = argparse.ArgumentParser()
    office_command.configure(parser)
    return office_command.run(parser.parse_args(["--lang", "en", *map(str, arguments)]))


@dataclass
class Desk:
    """A unit with windows on its disk, a stick, and the municipality's key."""

    directory: Path
    key: Path
    certificate: Path

    @property
    def store(self) -> WindowStore:
        return WindowStore(self.directory / "state")

    @property
    def stick(self) -> Path:
        return self.directory / "stick" / "u-test0001"

    def keep(self, samples: tuple[tuple[float, float, float, float], ...] = MOTION) -> None:
        header = Header(
            unit_id="u-test0001",
            consent="c-4f7k2q",
            sensor="wearable",
            at="2027-01-14T08:15:02Z",
            software="0.1.0",
            samples=len(samples),
            triggers=(HeaderTrigger(impact_at=1005.0, peak_g=2.4, over_reference=True),),
        )
        (self.directory / "state").mkdir(exist_ok=True)
        sealed = seal.encrypt(encode(Record(header, samples)), self.certificate)
        assert self.store.keep("c-4f7k2q", sealed, NOW.wall)

    def unit(self, *arguments: str | Path) -> int:
        parser = argparse.ArgumentParser()
        command.configure(parser)
        return command.run(parser.parse_args(["--unit-file", str(self.directory / "unit.toml"), *map(str, arguments)]))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    assert office("windows", "key", "--out", tmp_path / "office") == 0
    certificate = tmp_path / "office" / "windows.pem"
    keys = f'reference = "c-4f7k2q"\nuntil = 2027-06-30\ncertificate = "{certificate}"\n'
    write_unit(tmp_path, more=f"[consent]\nmotion_windows = true\n{keys}")
    monkeypatch.setattr(SystemClock, "now", lambda _: NOW)
    monkeypatch.setattr(command, "same_disk", lambda *_: False)  # the stick is a directory beside the unit's
    (tmp_path / "stick").mkdir()
    return Desk(tmp_path, tmp_path / "office" / "windows.key", certificate)


def test_what_is_fetched_opens_to_the_same_samples_and_replays(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.keep()
    assert desk.unit("fetch", "--to", desk.directory / "stick") == 0
    assert len(desk.store.windows()) == 1  # without --delete it stays
    (fetched,) = desk.stick.iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (desk.stick, fetched)] == [0o700, 0o600]
    out = desk.directory / "opened"
    assert office("windows", "open", "--key", desk.key, "--out", out, fetched) == 0
    recording = out / f"{fetched.stem}.csv"
    assert tuple(read_recording(recording)) == MOTION
    told = json.loads(recording.with_suffix(".json").read_text())
    assert (told["consent"], told["sensor"], told["version"]) == ("c-4f7k2q", "wearable", 1)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (out, recording)] == [0o700, 0o600]
    capsys.readouterr()
    assert office("windows", "open", "--key", desk.key, "--out", out, fetched) == 1
    assert "is not empty" in capsys.readouterr().err
    parser = argparse.ArgumentParser()
    replay.configure(parser)
    words = ["--profile", "pi4-cords-wt901", "--sensor", "wearable", str(recording)]
    assert replay.run(parser.parse_args(words)) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["summary"]["duration_s"] > 0


def test_a_fetch_deletes_only_what_it_read_back(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        desk.keep()
    with monkeypatch.context() as bad_stick:
        bad_stick.setattr(command, "replace_file", lambda path, content, _mode: path.write_bytes(content[:-1]))
        assert desk.unit("fetch", "--to", desk.directory / "stick", "--delete") == 1
    assert "still on the unit" in capsys.readouterr().err
    assert len(desk.store.windows()) == 2
    originals = sorted(window.path.read_bytes() for window in desk.store.windows())
    assert desk.unit("fetch", "--to", desk.directory / "stick", "--delete") == 0
    assert sorted(path.read_bytes() for path in desk.stick.iterdir()) == originals
    assert desk.store.windows() == []


def test_a_list_tells_how_many_and_how_old_and_nothing_of_what_is_in_them(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.unit("list") == 0
    assert "No windows are kept" in capsys.readouterr().out
    desk.keep()
    desk.keep()
    assert desk.unit("list") == 0
    said = capsys.readouterr().out
    assert "Consent c-4f7k2q holds until 2027-06-30" in said
    assert re.search(r"Windows: 2, \d+ kB; the oldest of 2026-05-28, the newest of 2026-05-28", said)


def test_a_citizen_who_changes_their_mind(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.keep()
    assert desk.unit("delete") == 0
    assert not desk.store.root.exists()
    said = capsys.readouterr().out
    assert "Deleted on the unit: 1" in said
    assert "motion_windows = false" in said


def test_another_key_and_a_damaged_file_are_told_and_the_rest_is_opened(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.keep()
    (good,) = [window.path for window in desk.store.windows()]
    damaged = desk.directory / "damaged.nkw"
    damaged.write_bytes(good.read_bytes()[:-1] + b"\0")
    strange = desk.directory / "strange.nkw"
    strange.write_bytes(seal.encrypt(b"no window", desk.certificate))
    assert office("windows", "open", "--key", desk.key, "--out", desk.directory / "out", damaged, strange, good) == 1
    wrong = capsys.readouterr().err
    assert "damaged.nkw: can't be opened with this key" in wrong
    assert "strange.nkw: is no kept window" in wrong
    assert {path.name for path in (desk.directory / "out").iterdir()} == {f"{good.stem}.csv", f"{good.stem}.json"}
    other = desk.directory / "other.key"
    other.write_bytes(openssl.new_key())
    assert office("windows", "open", "--key", other, "--out", desk.directory / "none", good) == 1
    assert list((desk.directory / "none").iterdir()) == []
    assert office("windows", "open", "--key", desk.directory / "gone.key", "--out", desk.directory / "none", good) == 1


def test_a_key_is_never_overwritten(desk: Desk) -> None:
    before = desk.key.read_bytes()
    assert office("windows", "key", "--out", desk.key.parent) == 1
    assert desk.key.read_bytes() == before
    assert stat.S_IMODE(desk.key.stat().st_mode) == 0o600


def test_a_reference_is_random_and_can_be_no_name_and_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    made = {new_reference() for _ in range(300)}
    assert len(made) == 300
    for reference in made:
        Consent(reference=reference)
        assert not CPR_LIKE.search(reference)
        assert not any(a.isdigit() == b.isdigit() for a, b in itertools.pairwise(reference[2:]))
    assert office("windows", "reference") == 0
    Consent(reference=capsys.readouterr().out.strip())


def test_a_stick_that_is_not_there_or_full_is_told(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.keep()
    blocked = desk.directory / "blocked"
    blocked.write_text("a file, not a directory")
    assert desk.unit("fetch", "--to", blocked, "--delete") == 1
    assert "blocked" in capsys.readouterr().err
    assert len(desk.store.windows()) == 1


def test_a_stick_that_is_not_mounted_gets_nothing(
    desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.keep()
    assert desk.unit("fetch", "--to", desk.directory / "media" / "stick", "--delete") == 1
    assert "Put the stick in" in capsys.readouterr().err
    assert not (desk.directory / "media").exists()
    monkeypatch.undo()  # now the stick is where the unit's own files are
    assert desk.unit("fetch", "--to", desk.directory / "stick", "--delete") == 1
    assert "the unit's own memory card" in capsys.readouterr().err
    assert not desk.stick.exists()
    assert len(desk.store.windows()) == 1
    assert desk.unit("fetch", "--to", desk.directory / "stick") == 0
    assert len(list(desk.stick.iterdir())) == 1
