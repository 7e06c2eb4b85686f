"""`nodkald status` and `nodkald log`, as they are typed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from agent import cli
from agent.status.board import Board
from agent.status.socket import SOCKET_NAME, StatusSocket
from agent.uplink.outbox import open_outbox
from agent.uplink.rescue import open_whatever_it_is
from tests.home_bench import HomeBench
from tests.unit.status.seen import stored


@pytest.fixture
def unit_file(tmp_path: Path) -> Path:
    file = tmp_path / "unit.toml"
    (tmp_path / "run").mkdir()
    file.write_text(
        f'schema = 1\ntenant = "aabenraa"\nunit_id = "u-test0001"\nprofile = "simulated-home"\nlanguage = "en"\n'
        f'state_dir = "{tmp_path / "state"}"\nruntime_dir = "{tmp_path / "run"}"\n'
        '[[uplink.paths]]\nname = "primary"\nhost = "127.0.0.1"\nport = 18830\n'
    )
    return file


@pytest.fixture
def bench() -> HomeBench:
    bench = HomeBench()
    bench.acks = False
    bench.pull("bathroom-cord")
    bench.advance(1)
    return bench


@pytest.fixture
def window(bench: HomeBench, unit_file: Path) -> Iterator[Board]:
    board = Board(bench.clock)
    board.show(bench.state, stored(bench))
    window = StatusSocket(unit_file.parent / "run" / SOCKET_NAME, board.snapshot)
    window.start()
    yield board
    window.stop()


def run(*words: str, unit_file: Path) -> int:
    return cli.main([words[0], "--unit-file", str(unit_file), *words[1:]])


def test_status_of_a_unit_that_does_not_run(unit_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status", unit_file=unit_file) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("The unit is not running. Start it with: ")


def test_status_of_a_well_unit(unit_file: Path, window: Board, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status", unit_file=unit_file) == 0
    assert "bathroom-cord (room not given): being sent to the centre" not in capsys.readouterr().out


def test_status_as_json_is_what_the_unit_said(
    unit_file: Path, window: Board, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("status", "--json", unit_file=unit_file) == 0
    assert json.loads(capsys.readouterr().out)["unit_id"] == "u-test0001"


def test_status_of_a_unit_with_a_fault_has_its_own_exit_code(
    unit_file: Path, window: Board, bench: HomeBench, capsys: pytest.CaptureFixture[str]
) -> None:
    bench.advance(15)
    window.show(bench.state, [])
    assert run("status", unit_file=unit_file) == 3
    assert "the sensor is silent" in capsys.readouterr().out


def test_a_wrong_unit_file_is_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("status", unit_file=tmp_path / "none.toml") == 2
    assert "does not exist" in capsys.readouterr().err


def test_log_of_a_running_unit(unit_file: Path, window: Board, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("log", unit_file=unit_file) == 0
    assert capsys.readouterr().out.endswith("CALL from bathroom-cord (bathroom)\n")


def test_log_of_a_unit_that_does_not_run_is_what_waits_in_its_outbox(
    unit_file: Path, bench: HomeBench, capsys: pytest.CaptureFixture[str]
) -> None:
    outbox = open_outbox(unit_file.parent / "state" / "outbox.db", 10_000_000)
    outbox.store(effect.event for effect in stored(bench))
    outbox.close()
    before = sorted(path.name for path in (unit_file.parent / "state").iterdir())
    assert run("log", unit_file=unit_file) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "The unit is not running. This waits for the centre:"
    assert lines[1].endswith("CALL from bathroom-cord (bathroom)")
    assert sorted(path.name for path in (unit_file.parent / "state").iterdir()) == before


def test_log_tells_what_waits_in_the_spare_of_an_outbox_that_is_newer(
    unit_file: Path, bench: HomeBench, capsys: pytest.CaptureFixture[str]
) -> None:
    path = unit_file.parent / "state" / "outbox.db"
    first, *rest = [effect.event for effect in stored(bench) if effect.event.is_call]
    own = open_outbox(path, 10_000_000)
    own.store([replace(first, event_id="delivered"), first])
    own.close()
    with closing(sqlite3.connect(path)) as newer:
        newer.execute("PRAGMA user_version = 99")
    spare = open_whatever_it_is(path, 10_000_000, 1_000_000).outbox
    spare.forget(["delivered"])  # the unit went on with the spare: the centre has this one
    bench.pull("bedroom-button")
    spare.store([effect.event for effect in stored(bench) if effect.event.is_call])
    spare.close()
    assert not rest
    assert run("log", unit_file=unit_file) == 0
    told = [line.rpartition("  ")[2] for line in capsys.readouterr().out.splitlines()]
    assert told == [
        "The unit is not running. This waits for the centre:",
        "CALL from bathroom-cord (bathroom)",
        "CALL from bedroom-button (room not given)",
    ]


def test_log_without_unit_and_outbox(unit_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("log", unit_file=unit_file) == 0
    assert capsys.readouterr().out == "The unit is not running, and nothing waits for the centre\n"
    assert not (unit_file.parent / "state").exists()


def test_log_of_a_damaged_outbox(unit_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (unit_file.parent / "state").mkdir()
    (unit_file.parent / "state" / "outbox.db").write_bytes(b"this is no database" * 100)
    assert run("log", unit_file=unit_file) == 1
    assert "file is not a database" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "51", "-1", "many"])
def test_log_takes_a_sensible_number(unit_file: Path, count: str) -> None:
    with pytest.raises(SystemExit) as ended:
        run("log", f"-n={count}", unit_file=unit_file)
    assert ended.value.code == 2
