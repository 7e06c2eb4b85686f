"""What the journal has taken is there after any end of the process; what it could not take leaves no trace."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from agent.errors import StorageError
from agent.simulator.centre_state import REMEMBER_S
from agent.simulator.centre_store import Journal

RECORD = {"at": 1000.0, "path": "primary", "event": {"id": "é"}}


def test_what_was_kept_is_read_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "centre.jsonl", 1000.0)
    journal.keep(RECORD)
    journal.keep({"at": 1001.0, "ack": {"call_id": "c", "ack": "closed"}})
    journal.close()
    assert Journal(tmp_path / "deep" / "centre.jsonl", 1002.0).records == (
        RECORD,
        {"at": 1001.0, "ack": {"call_id": "c", "ack": "closed"}},
    )


def test_a_torn_line_is_dropped_and_the_next_one_stands_alone(tmp_path: Path) -> None:
    path = tmp_path / "centre.jsonl"
    path.write_bytes(b'{"at": 1000.0, "path": "primary", "event": {"id": "a"}}\n{"at": 1000.0, "pa')
    journal = Journal(path, 1000.0)
    journal.keep(RECORD)
    journal.close()
    assert [record["event"]["id"] for record in Journal(path, 1000.0).records] == ["a", "é"]


def test_records_older_than_thirty_days_go(tmp_path: Path) -> None:
    path = tmp_path / "centre.jsonl"
    journal = Journal(path, 1000.0)
    journal.keep(RECORD)
    journal.close()
    Journal(path, 1000.0 + REMEMBER_S).close()
    assert path.stat().st_size > 0
    assert Journal(path, 1001.0 + REMEMBER_S).records == ()
    assert path.stat().st_size == 0


def test_a_second_centre_is_refused_in_words(tmp_path: Path) -> None:
    first = Journal(tmp_path / "centre.jsonl", 1000.0)
    with pytest.raises(StorageError, match=r"another centre is using this file.*--store"):
        Journal(tmp_path / "centre.jsonl", 1000.0)
    first.close()
    Journal(tmp_path / "centre.jsonl", 1000.0).close()


def test_a_rewritten_journal_is_still_locked(tmp_path: Path) -> None:
    (tmp_path / "centre.jsonl").write_text("torn")
    first = Journal(tmp_path / "centre.jsonl", 1000.0)
    with pytest.raises(StorageError, match="another centre"):
        Journal(tmp_path / "centre.jsonl", 1000.0)
    first.close()


def test_a_place_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't keep events there"):
        Journal(tmp_path / "file" / "centre.jsonl", 1000.0)


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path / "centre.jsonl", 1000.0)
    journal.keep(RECORD)
    size = (tmp_path / "centre.jsonl").stat().st_size

    def no_sync(_fd: int) -> None:
        raise OSError(errno.EIO, "input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_sync)
        with pytest.raises(StorageError, match="not stored"):
            journal.keep(RECORD)
    assert (tmp_path / "centre.jsonl").stat().st_size == size
    journal.keep(RECORD)
    journal.close()
    assert len(Journal(tmp_path / "centre.jsonl", 1000.0).records) == 2
