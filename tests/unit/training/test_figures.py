"""The report's figures and traces: there, the same bytes each time, and with the words that a reader needs.

`make evaluate` draws them in earnest.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.training.made_up import evaluation
from training.evaluate import __main__ as command
from training.evaluate.report import report


def test_report_figures_and_traces_are_the_same_bytes_each_time(tmp_path: Path) -> None:
    for folder in ("once", "again"):
        command.write(evaluation(), tmp_path / folder)
    once = {path.relative_to(tmp_path / "once"): path.read_bytes() for path in (tmp_path / "once").rglob("*.*")}
    again = {path.relative_to(tmp_path / "again"): path.read_bytes() for path in (tmp_path / "again").rglob("*.*")}
    assert once == again
    assert once[Path("report.md")].decode() == report(evaluation())
    for path in once:
        if path.parts[0] != "report.md":
            assert f"({path})" in once[Path("report.md")].decode()


def test_figures_say_what_their_axes_are(tmp_path: Path) -> None:
    command.write(evaluation(), tmp_path)
    words = {
        "sensitivity.svg": ("false calls in an hour of this material", "falls called, %", "the frozen threshold"),
        "falls.svg": ("falls called, %", "F01 forward, a slip while walking", "20 of 22"),
        "daily-life.svg": ("daily life without a call, %", "D07 sitting down"),
        "scores.svg": ("highest score in the recording", "recordings (logarithmic)"),
        "reliability.svg": ("share of falls", "score", "triggers (logarithmic)"),
    }
    for name, says in words.items():
        drawn = (tmp_path / "figures" / name).read_text()
        assert all(said in drawn for said in says), name
    traces = sorted(path.name for path in (tmp_path / "traces").iterdir())
    assert traces == ["D07_P3_waist_30.svg", "F01_P1_waist_21.svg", "F01_P2_waist_20.svg"]
    assert "tilt from the beginning, °" in (tmp_path / "traces" / traces[0]).read_text()


def test_traces_of_an_earlier_run_do_not_stay(tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    (tmp_path / "traces" / "old.svg").write_text("")
    command.write(evaluation(), tmp_path)
    assert not (tmp_path / "traces" / "old.svg").exists()


def test_without_fold_files_the_command_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["evaluate", "--data", str(tmp_path), "--folds", str(tmp_path / "none")])
    assert command.main() == 1
    assert "run `make model` first" in capsys.readouterr().err
