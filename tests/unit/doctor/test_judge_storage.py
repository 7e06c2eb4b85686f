"""What is said of the model's file, the outbox and its disk."""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from agent.doctor import disk, model, outbox
from agent.doctor.finding import Verdict
from tests.home_bench import HomeBench
from tests.unit.doctor.cases import case, only
from tests.unit.status.seen import said


def test_model(tmp_path: Path) -> None:
    assert model.judge("m/1", 0.01, 2.0).verdict is Verdict.OK
    assert model.judge("m/1", 2.5, 2.0).verdict is Verdict.FAIL
    assert model.broken("m", "wrong hash").verdict is Verdict.FAIL
    assert only(model.examine(case(tmp_path, profile="pi4-cords"))).verdict is Verdict.SKIPPED


CONTENTS = outbox.Contents(version=1, answer="ok", calls=0, technical=3, size_bytes=9000)


@pytest.mark.parametrize(
    ("contents", "running", "verdict", "words"),
    [
        (CONTENTS, False, Verdict.OK, "whole"),
        (replace(CONTENTS, calls=2), True, Verdict.OK, "2 about calls"),
        (replace(CONTENTS, calls=2), False, Verdict.WARN, "wait: 2"),
        (replace(CONTENTS, answer=""), False, Verdict.WARN, "too large"),
        (replace(CONTENTS, version=2), False, Verdict.FAIL, "newer"),
        (replace(CONTENTS, answer="page 3 is odd"), True, Verdict.FAIL, "damaged"),
    ],
)
def test_outbox(contents: outbox.Contents, *, running: bool, verdict: Verdict, words: str) -> None:
    found = outbox.judge(Path("/x/outbox.db"), contents, 1, running=running)
    assert (found.verdict, words in found.found.en) == (verdict, True), found


def test_an_outbox_that_can_not_be_read() -> None:
    error = sqlite3.DatabaseError("file is not a database")
    error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
    damaged = outbox.unreadable(Path("/x/outbox.db"), error)
    assert damaged.next_step is not None
    assert "/x/outbox.db" in damaged.next_step.en
    assert outbox.unreadable(Path("/x"), OSError(errno.EIO, "I/O error")).found.en == "can't be read"


def test_what_the_unit_says_about_storage_and_waiting_calls() -> None:
    bench = HomeBench()
    bench.acks = False
    assert outbox.judge_told(said(bench)) == []
    bench.pull("bathroom-cord")
    bench.advance(30)
    assert outbox.judge_told(said(bench)) == []
    bench.advance(35)
    assert "has waited for the centre for 1 min" in only(outbox.judge_told(said(bench))).found.en
    told = said(HomeBench())
    told["picture"]["queue"]["storage"] = "disk full"
    assert only(outbox.judge_told(told)).detail == "disk full"


@pytest.mark.parametrize(
    ("space", "verdict"),
    [
        (disk.Space(900_000_000, 10_000, read_only=False), Verdict.OK),
        (disk.Space(900_000_000, None, read_only=False), Verdict.OK),
        (disk.Space(199_000_000, 10_000, read_only=False), Verdict.WARN),
        (disk.Space(19_000_000, 10_000, read_only=False), Verdict.FAIL),
        (disk.Space(900_000_000, 499, read_only=False), Verdict.WARN),
        (disk.Space(900_000_000, 49, read_only=False), Verdict.FAIL),
        (disk.Space(900_000_000, 10_000, read_only=True), Verdict.FAIL),
    ],
)
def test_disk(space: disk.Space, verdict: Verdict) -> None:
    assert disk.judge(space).verdict is verdict


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("ext4", None), ("", None), ("tmpfs", Verdict.FAIL), ("ramfs", Verdict.FAIL), ("overlay", Verdict.WARN)],
)
def test_an_outbox_that_would_be_forgotten(kind: str, verdict: Verdict | None) -> None:
    found = disk.judge_kind(Path("/var/lib/nodkald"), kind)
    assert (found.verdict if found is not None else None) == verdict
    assert found is None or (found.next_step is not None and "/var/lib/nodkald" in found.next_step.en)


@pytest.mark.parametrize(
    ("health", "verdict"),
    [
        (disk.Health(), Verdict.SKIPPED),
        (disk.Health(errors=0), Verdict.OK),
        (disk.Health(errors=1), Verdict.FAIL),
        (disk.Health(errors=0, life_step=9, pre_eol=1), Verdict.OK),
        (disk.Health(errors=0, life_step=0x0A), Verdict.WARN),
        (disk.Health(life_step=0x0B), Verdict.FAIL),
        (disk.Health(pre_eol=2), Verdict.WARN),
        (disk.Health(pre_eol=3), Verdict.FAIL),
    ],
)
def test_health_of_the_card(health: disk.Health, verdict: Verdict) -> None:
    assert disk.judge_health(health).verdict is verdict
