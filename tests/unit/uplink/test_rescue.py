"""Whatever state the outbox's file is in: it opens, keeps what could be read, and never counts boots backwards."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.errors import StorageError, StorageFull
from agent.readings import Restored
from agent.uplink import boots, migrations, rescue
from agent.uplink.outbox import Outbox, open_outbox, shm_of, wal_of
from agent.uplink.rescue import look_into, open_whatever_it_is, spare_of
from tests.unit.uplink.events import chance, event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.uplink.rescue import Opened

NO_LIMIT = 2**40
UNCOUNTED = 20_000_000
CALLS = tuple(event(n, call=True, body=f"call {n}" + "x" * 500) for n in range(1, 40))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.db"


def filled(path: Path, *, boots_before: int = 4) -> Outbox:
    outbox = open_outbox(path, NO_LIMIT)
    outbox.store([*CALLS, event(90)])
    outbox.save_note("call:1", "{}")
    for _ in range(boots_before):
        outbox.begin_boot()
    return outbox


def opened(path: Path) -> Opened:
    return open_whatever_it_is(path, NO_LIMIT, UNCOUNTED)


def contents(path: Path) -> tuple[Restored, str]:
    found = opened(path)
    restored = found.outbox.load()
    found.outbox.close()
    return restored, found.report


def spoil_page(path: Path, number: int) -> None:
    with path.open("r+b") as file:
        file.seek((number - 1) * 4096)
        file.write(b"\xa5" * 4096)


def names(path: Path) -> set[str]:
    return {file.name for file in path.parent.iterdir()}


def test_a_healthy_file_is_just_opened(path: Path) -> None:
    filled(path).close()
    restored, report = contents(path)
    assert (restored.calls, restored.boot_count, report) == (CALLS, 4, "")
    assert names(path) == {"outbox.db"}


def test_a_damaged_file_is_kept_and_what_it_held_goes_on(path: Path) -> None:
    filled(path).close()
    spoil_page(path, 1)  # the header and the list of tables
    before = path.read_bytes()
    restored, report = contents(path)
    assert restored == Restored(4, CALLS, technical_waiting=True, notes={"call:1": "{}"})
    assert "39 events of calls, 1 technical ones and 1 notes were found again" in report
    assert "it is kept as outbox.db.damaged-1" in report
    assert (path.parent / "outbox.db.damaged-1").read_bytes() == before
    assert contents(path) == (restored, "")


def test_of_many_technical_events_not_one_is_lost_on_the_way(path: Path) -> None:
    outbox = open_outbox(path, NO_LIMIT)
    outbox.store(event(n) for n in range(2000))
    outbox.begin_boot()
    outbox.close()
    spoil_page(path, 1)
    found = opened(path).outbox
    assert found.technical_page("", 3000).events == tuple(event(n) for n in range(2000))
    found.close()


def test_what_only_the_log_held_is_found_too(path: Path) -> None:
    outbox = filled(path)
    away = path.parent / "cut"
    away.mkdir()
    for file in (path, wal_of(path)):
        shutil.copy(file, away)
    outbox.close()
    cut = away / "outbox.db"
    cut.write_bytes(b"")
    restored, report = contents(cut)
    assert restored.calls == CALLS
    assert "is empty" in report
    assert {"outbox.db.damaged-1", "outbox.db.damaged-1-wal"} <= names(cut)


@pytest.mark.parametrize("state", ["gone with its log", "empty", "garbage", "directory", "moved away by hand"])
def test_a_lost_boot_count_goes_on_above_every_other(path: Path, state: str) -> None:
    outbox = filled(path)
    log = wal_of(path).read_bytes()
    outbox.close()
    match state:
        case "gone with its log":
            path.unlink()
            wal_of(path).write_bytes(log[:20])
        case "empty":
            path.write_bytes(b"")
        case "garbage":
            path.write_bytes(chance(1).randbytes(50_000))
        case "directory":
            path.unlink()
            path.mkdir()
        case _:
            path.rename(path.with_name("outbox.db.damaged-4"))
    restored, report = contents(path)
    assert restored == Restored(UNCOUNTED)
    assert report
    found = opened(path)
    assert found.report == ""
    assert found.outbox.begin_boot() == UNCOUNTED + 1
    found.outbox.close()


def test_a_first_start_counts_from_one(path: Path) -> None:
    found = opened(path)
    assert found.outbox.begin_boot() == 1
    found.outbox.close()


def test_only_the_last_damaged_files_are_kept(path: Path) -> None:
    for _ in range(6):
        filled(path, boots_before=1).close()
        spoil_page(path, 1)
        contents(path)
    kept = {name for name in names(path) if "damaged" in name}
    assert kept == {f"outbox.db.damaged-{n}" for n in (4, 5, 6)}


def test_a_power_cut_between_any_two_steps_of_a_rescue_loses_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rescue is cut before its first, second, … change of a name; the next opening makes it good."""
    real = Path.rename
    for steps in range(4):
        for file in path.parent.iterdir():
            file.unlink()
        outbox = filled(path)
        outbox.close()
        spoil_page(path, 1)
        wal_of(path).write_bytes(b"no log at all")
        left = [steps]

        def rename(self: Path, target: Path, left: list[int] = left) -> Path:
            if not left[0]:
                raise OSError("the power is cut")
            left[0] -= 1
            return real(self, target)

        monkeypatch.setattr(Path, "rename", rename)
        try:
            contents(path)
        except OSError:
            assert steps < 3, "db, log, rescue: three names"
        monkeypatch.setattr(Path, "rename", real)
        restored, _ = contents(path)
        assert (restored.calls, restored.boot_count) == (CALLS, 4), f"cut after {steps}"
        assert "outbox.db.rescue" not in names(path)
        assert "outbox.db.damaged-1" in names(path)


def test_a_rescue_without_room_leaves_the_damaged_file_as_it_is(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(path).close()
    spoil_page(path, 3)
    before = path.read_bytes()

    def no_room(*_: object) -> None:
        raise StorageFull("no room")

    monkeypatch.setattr(Outbox, "store", no_room)
    with pytest.raises(StorageFull):
        opened(path)
    assert path.read_bytes() == before
    assert not [name for name in names(path) if "damaged" in name]
    found = look_into(path)
    assert found is not None
    assert len(found.calls) > 20


def test_a_row_that_sqlite_takes_and_we_can_not_is_damage_too(path: Path) -> None:
    filled(path).close()
    connection = sqlite3.connect(path)
    connection.execute("UPDATE events SET body = '{half' WHERE event_id = ?", (CALLS[3].event_id,))
    connection.commit()
    connection.close()
    outbox = opened(path).outbox
    with pytest.raises(StorageError, match="is damaged") as raised:
        outbox.load()
    outbox.close()
    found = open_whatever_it_is(path, NO_LIMIT, UNCOUNTED, damaged=str(raised.value))
    assert found.outbox.load().calls == (*CALLS[:3], *CALLS[4:])
    assert "1 rows could not be read" in found.report
    found.outbox.close()


# ---------------------------------------------------------------- not ours


def make_newer(path: Path) -> bytes:
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE events ADD COLUMN new_in_99 TEXT DEFAULT 'x'")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    return path.read_bytes()


def upgraded(path: Path) -> None:
    """Let `path` be of our version again, as the newer program is to its own file."""
    connection = sqlite3.connect(path)
    connection.execute("ALTER TABLE events DROP COLUMN new_in_99")
    connection.execute(f"PRAGMA user_version = {len(migrations.load())}")
    connection.close()


def test_a_newer_file_is_left_untouched_and_its_calls_go_out(path: Path) -> None:
    filled(path).close()
    before = make_newer(path)
    restored, report = contents(path)
    assert restored.calls == CALLS
    assert (restored.boot_count, restored.notes["call:1"], restored.technical_waiting) == (4, "{}", False)
    assert "has version 99" in report
    assert "outbox.v1.db is used beside it" in report
    assert path.read_bytes() == before
    again = opened(path)
    again.outbox.forget([CALLS[0].event_id])
    again.outbox.close()
    assert contents(path)[0].calls == CALLS[1:], "it is taken over once"


def test_the_newer_program_takes_everything_back(path: Path) -> None:
    filled(path).close()
    make_newer(path)
    old = opened(path).outbox
    assert old.begin_boot() == 5
    old.forget([CALLS[0].event_id])  # the centre has it
    made = [event(1, call=True, boot=5), event(2, boot=5)]
    old.store(made)
    old.save_note("call:1", "moved on")
    old.close()
    upgraded(path)
    found = opened(path)
    restored = found.outbox.load()
    assert restored.calls == (*CALLS[1:], made[0])
    assert restored.notes == {"call:1": "moved on"}
    assert [e.event_id for e in found.outbox.technical_page("", 9).events] == ["tech-1-90", "tech-5-2"]
    assert found.outbox.begin_boot() == 6
    assert "outbox.v1.db" in found.report
    found.outbox.close()
    assert names(path) == {"outbox.db"}


def test_a_damaged_spare_is_rescued_like_any_other(path: Path) -> None:
    filled(path).close()
    make_newer(path)
    contents(path)
    spoil_page(spare_of(path), 1)
    restored, report = contents(path)
    assert restored.calls == CALLS
    assert "outbox.v1.db.damaged-1" in report


@pytest.fixture
def nobody() -> Iterator[Path]:
    """Be nobody, with a directory that everybody may write to."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        directory.chmod(0o777)
        filled(directory / "outbox.db").close()
        os.seteuid(65534)
        yield directory
        os.seteuid(0)


def test_a_file_of_another_user_is_left_and_taken_back(nobody: Path) -> None:
    path = nobody / "outbox.db"
    made = event(1, call=True, boot=UNCOUNTED + 1)
    found = opened(path)
    assert found.outbox.begin_boot() == UNCOUNTED + 1
    assert "the user that runs nodkald owns file and directory" in found.report
    found.outbox.store([made])
    found.outbox.close()
    os.seteuid(0)  # the technician corrects the owner
    restored, _ = contents(path)
    assert (restored.calls, restored.boot_count) == ((*CALLS, made), UNCOUNTED + 1)


def test_a_directory_of_another_user_can_only_be_reported(nobody: Path) -> None:
    os.seteuid(0)
    nobody.chmod(0o755)
    os.seteuid(65534)
    with pytest.raises(StorageError, match="owns file and directory"):
        opened(nobody / "outbox.db")


# ---------------------------------------------------------------- numbers of boots


def test_an_uncounted_boot_has_a_number_that_counting_does_not_reach() -> None:
    noon = 1_795_262_400.0  # 2026-11-21T12:00Z
    assert boots.uncounted(noon, 5) == 10_934_560
    assert boots.uncounted(noon + 30, 5) == 10_934_561, "later boots have higher numbers"
    year_2110 = noon + 84 * 365.25 * 86_400
    assert 10_000_000 < boots.uncounted(year_2110, 5) <= boots.HIGHEST
    for wall in (0.0, 2_147_483_647.0 - 2**32, 1e12, 5e9):  # 1970, before it, and far beyond
        for number in (0, 1, 2**64 - 1):
            assert 1_000_000 <= boots.uncounted(wall, number) < 10_000_000


def test_a_spare_that_can_not_be_taken_back_keeps_nobody_from_calling(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(path).close()
    make_newer(path)
    contents(path)
    upgraded(path)

    def fails(*_: object) -> str:
        raise StorageError("it is cursed")

    monkeypatch.setattr(rescue, "_take_back", fails)
    restored, report = contents(path)
    assert restored.calls == CALLS
    assert "it is cursed" in report
    assert spare_of(path).exists()
    assert not shm_of(path).exists()
