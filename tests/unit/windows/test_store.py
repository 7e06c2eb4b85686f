"""What stays on the disk: caps, age, free space, and nothing of another consent."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from agent.windows import store, taking
from agent.windows.store import MOST_DAYS, WindowStore

WALL = 1_800_000_000.0
DAY_S = 86_400.0
OURS = "c-4f7k2q"


@pytest.fixture
def kept(tmp_path: Path) -> WindowStore:
    return WindowStore(tmp_path)


def ages(kept: WindowStore) -> list[float]:
    return [(window.kept_at - WALL) / DAY_S for window in kept.windows()]


def test_what_is_promised_to_the_citizen_is_what_is_kept_to() -> None:
    promised = (Path(__file__).parents[3] / "docs/operations/consent.md").read_text(encoding="utf-8")
    for words in (
        f"{store.MOST_BYTES // 1_000_000} MB in all",
        f"{MOST_DAYS} days at most",
        f"less than {store.RESERVE_BYTES // 1_000_000} MB free",
        f"from {taking.BEFORE_S:g} s before a trigger's impact to {taking.AFTER_S:g} s after it",
        f"Triggers up to {taking.JOIN_S:g} s later",
    ):
        assert words in promised


def test_only_the_service_can_read_them(kept: WindowStore) -> None:
    kept.keep(OURS, b"x", WALL)
    (window,) = kept.windows()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (kept.root, window.path.parent, window.path)]
    assert modes == [0o700, 0o700, 0o600]


def test_a_link_that_leads_elsewhere_is_removed_and_not_followed(kept: WindowStore, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("not ours")
    kept.keep(OURS, b"x", WALL)
    (kept.root / "c-1b2c3d").symlink_to(elsewhere)
    assert kept.delete_all(but=OURS) == 0
    assert [path.name for path in elsewhere.iterdir()] == ["precious"]
    assert [path.name for path in kept.root.iterdir()] == [OURS]


def test_windows_are_told_by_consent_age_and_size(kept: WindowStore) -> None:
    assert kept.windows() == []
    assert kept.keep(OURS, b"x" * 10, WALL)
    assert kept.keep(OURS, b"y" * 20, WALL - DAY_S)
    assert [(w.reference, w.size, (w.kept_at - WALL) / DAY_S) for w in kept.windows()] == [
        (OURS, 20, -1),
        (OURS, 10, 0),
    ]


def test_nothing_is_given_to_another_owner(kept: WindowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise PermissionError  # what the service's sandbox says to it, even where nothing would change

    for call in ("chown", "fchown", "lchown"):
        monkeypatch.setattr(os, call, refused)
    assert kept.keep(OURS, b"x", WALL)


def test_the_oldest_go_when_they_are_too_old_or_too_many(kept: WindowStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for days in (0, 1, 2, 3, MOST_DAYS - 0.001, MOST_DAYS + 0.001):
        kept.keep(OURS, b"x" * 100, WALL - days * DAY_S)
    assert kept.prune(None) == 0, "nobody knows how old they are"
    assert kept.prune(WALL) == 1
    monkeypatch.setattr(store, "MOST_BYTES", 300)
    assert kept.prune(WALL) == 2
    assert ages(kept) == [-2, -1, 0]
    assert kept.prune(WALL) == 0


def test_a_disk_that_runs_short_takes_none_and_loses_those_that_are_there(
    kept: WindowStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in range(3):
        kept.keep(OURS, b"x" * 100, WALL - days * DAY_S)
    free = [store.RESERVE_BYTES - 1, store.RESERVE_BYTES - 1, store.RESERVE_BYTES + 10]
    monkeypatch.setattr(
        os, "statvfs", lambda _: SimpleNamespace(f_bavail=free.pop(0) if len(free) > 1 else free[0], f_frsize=1)
    )
    assert kept.prune(WALL) == 2
    assert ages(kept) == [0]
    assert not kept.keep(OURS, b"x" * 11, WALL)
    assert kept.keep(OURS, b"x" * 10, WALL)


def test_what_another_consent_or_a_power_cut_left_is_deleted(kept: WindowStore) -> None:
    kept.keep("c-1b2c3d", b"x", WALL)
    kept.keep("c-1b2c3d", b"x", WALL)
    kept.keep(OURS, b"x", WALL)
    (kept.root / OURS / ".half-written").write_bytes(b"half")
    (kept.root / "c-1b2c3d" / ".half-written").write_bytes(b"half")
    assert kept.delete_all(but=OURS) == 2
    assert [path.name for path in kept.root.iterdir()] == [OURS]
    assert len(list((kept.root / OURS).iterdir())) == 1
    assert kept.delete_all() == 1
    assert not kept.root.exists()
    assert kept.delete_all() == 0
