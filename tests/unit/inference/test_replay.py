from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent import replay
from agent.config_files import load_profile, shipped_profiles
from agent.errors import ConfigError, RecordingError
from agent.inference import cards
from agent.simulator.handling import dropped, put_on
from agent.simulator.motions import MOTIONS
from tests.unit.inference.motions import LYING, Floats, fall, jolts, model_that_says, times


def write(path: Path, t: Floats, xyz: Floats) -> str:
    rows = "\n".join(",".join(f"{v:.6f}" for v in (at, *a)) for at, a in zip(t, xyz, strict=True))
    path.write_text(f"t_s,ax_g,ay_g,az_g\n{rows}\n", encoding="utf-8")
    return str(path)


def asked(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    replay.configure(parser)
    return parser.parse_args(["--profile", "simulated-home", "--sensor", "wearable", "--jsonl", *words])


def played(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> list[dict[str, Any]]:
    assert replay.run(asked(*words)) == code
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("rate", [25.0, 50.0, 100.0, 200.0])
def test_a_fall_is_a_call(tmp_path: Path, capsys: pytest.CaptureFixture[str], rate: float) -> None:
    t = times(12, rate, start=3.0)
    file = write(tmp_path / "fall.csv", t, fall(t, 9.0))
    trigger, summary = played(capsys, file)
    assert trigger["file"] == file
    assert trigger["t_s"] == pytest.approx(9.0, abs=0.05)
    assert trigger["call"] is True
    assert trigger["verdict"] == "confirmed"
    assert trigger["score"] >= trigger["threshold"]
    assert trigger["reasons"][0].startswith("impact ")
    assert trigger["reasons_da"][0].startswith("stød ")
    assert len(trigger["reasons_da"]) == len(trigger["reasons"])
    expected = {"duration_s": round(float(t[-1] - t[0]), 3), "triggers": 1, "calls": 1, "suppressed": 0}
    assert summary == {"file": file, "summary": expected}


def test_hard_walking_is_suppressed_with_its_reasons(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    t = times(20)
    xyz = jolts(t)
    xyz[t > 1017.0] = [0.0, 1.0, 0.0]
    *triggers, summary = played(capsys, write(tmp_path / "walk.csv", t, xyz))
    assert len(triggers) > 10
    assert {line["verdict"] for line in triggers} == {"false_alarm"}
    assert "posture unchanged" in triggers[3]["reasons"]
    assert summary["summary"]["suppressed"] == len(triggers)


@pytest.mark.parametrize("rows", ["", "t_s,ax_g,ay_g,az_g\n"])
def test_a_file_without_samples_is_one_line_of_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], rows: str
) -> None:
    (tmp_path / "none.csv").write_text(rows, encoding="utf-8")
    assert played(capsys, str(tmp_path / "none.csv"), code=1) == []
    with pytest.raises(RecordingError, match=r"none\.csv"):
        replay.read_motion(tmp_path / "none.csv")


def test_a_remark_is_no_sample(tmp_path: Path) -> None:
    t = times(12)
    file = Path(write(tmp_path / "remark.csv", t, np.tile([0.0, 1.0, 0.0], (len(t), 1))))
    file.write_text(file.read_text(encoding="utf-8") + "# put on the table here\n", encoding="utf-8")
    with pytest.raises(RecordingError, match=rf"remark\.csv:{len(t) + 2}: '# put on"):
        replay.read_motion(file)


@pytest.mark.parametrize(
    ("unlike", "said"),
    [
        (lambda xyz: np.where(np.arange(len(xyz))[:, None] < 5, np.nan, xyz), "5 of 600 samples hold a value"),
        (lambda xyz: xyz * np.nan, "600 of 600 samples hold a value that is no number"),
        (lambda xyz: xyz * 9.80665, "the largest axis is 9.81 in the median"),
        (lambda xyz: xyz * 1e200, "is it in another unit?"),
    ],
)
def test_what_looks_like_no_motion_in_g_is_judged_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unlike: Callable[[Floats], Floats], said: str
) -> None:
    t = times(12)
    file = write(tmp_path / "odd.csv", t, unlike(np.tile([0.0, 1.0, 0.0], (len(t), 1))))
    assert replay.run(asked(file)) == 0
    out, error = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["summary"]["duration_s"] == pytest.approx(12, abs=0.1)
    assert said in error
    assert error.startswith(f"{file}: ")


def test_motion_in_g_is_judged_without_a_word(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    t = times(12)
    assert replay.run(asked(write(tmp_path / "fall.csv", t, fall(t, 1006.0)))) == 0
    assert capsys.readouterr().err == ""


def test_the_end_of_a_file_and_a_gap_are_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    t = times(14)
    xyz = fall(t, 1006.0)
    cut = t < 1006.5
    gap = cut | (t > 1009.0)
    lines = played(capsys, write(tmp_path / "cut.csv", t[cut], xyz[cut]), write(tmp_path / "gap.csv", t[gap], xyz[gap]))
    triggers = [line for line in lines if "verdict" in line]
    assert [line["verdict"] for line in triggers] == ["unverified", "unverified"]
    assert triggers[0]["reasons"] == triggers[1]["reasons"]
    assert "ended within a second" in triggers[0]["reasons"][0]


def test_files_are_one_life_but_not_one_motion(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    card = cards.load_card("fall-waist")
    monkeypatch.setattr("agent.replay.load_shipped", lambda _: (card, _Unsure()))
    t = times(10)
    files = [write(tmp_path / f"{i}.csv", t, fall(t, 1005.0)) for i in range(8)]
    verdicts = [line["verdict"] for line in played(capsys, *files) if "verdict" in line]
    assert verdicts == ["uncertain"] * 5 + ["unverified"] * 3
    verdicts = [line["verdict"] for line in played(capsys, "--no-budget", *files) if "verdict" in line]
    assert verdicts == ["uncertain"] * 8


class _Unsure:
    runtime = "none"

    def score(self, _window: Any) -> float:
        card = cards.load_card("fall-waist")
        return (card.uncertain_above + card.threshold) / 2


def test_without_the_model_every_trigger_is_a_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: cards.ModelCard) -> bytes:
        raise cards.ModelError("gone")

    monkeypatch.setattr("agent.inference.worker.load_file", gone)
    t = times(10)
    trigger, _ = played(capsys, write(tmp_path / "fall.csv", t, fall(t, 1005.0, 1.8)))
    assert (trigger["verdict"], trigger["call"], trigger["score"]) == ("unverified", True, None)


def test_a_value_that_is_no_number_is_a_lost_sample(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    t = times(10)
    xyz = fall(t, 1005.0)
    xyz[100:110] = np.nan
    trigger, _ = played(capsys, write(tmp_path / "nan.csv", t, xyz))
    assert trigger["verdict"] == "confirmed"


def test_a_file_that_is_no_recording_is_told_and_the_others_are_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("t_s,ax_g,ay_g,az_g\n0,0,1,0\n0.02,zero,1,0\n", encoding="utf-8")
    t = times(5)
    good = write(tmp_path / "good.csv", t, np.tile([0.0, 1.0, 0.0], (len(t), 1)))
    (summary,) = played(capsys, str(bad), good, code=1)
    assert summary["summary"]["triggers"] == 0


def test_a_sensor_that_is_no_wearable_is_refused() -> None:
    parser = argparse.ArgumentParser()
    replay.configure(parser)
    with pytest.raises(ConfigError, match="its wearables: wearable"):
        replay.run(parser.parse_args(["--profile", "simulated-home", "--sensor", "bathroom-cord", "x.csv"]))


def test_a_profile_that_wears_the_sensor_elsewhere_is_refused(tmp_path: Path) -> None:
    shipped = shipped_profiles()["simulated-home"].read_text(encoding="utf-8")
    profile = tmp_path / "wrist.toml"
    profile.write_text(shipped.replace('body_position = "waist"', 'body_position = "wrist"'), encoding="utf-8")
    parser = argparse.ArgumentParser()
    replay.configure(parser)
    with pytest.raises(ConfigError, match="not for the wrist"):
        replay.run(parser.parse_args(["--profile", str(profile), "--sensor", "wearable", "x.csv"]))


def test_a_sensor_that_nobody_wears_is_a_line_of_its_own_even_after_a_call(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = shipped_profiles()["simulated-home"].read_text(encoding="utf-8")
    profile = tmp_path / "soon.toml"
    profile.write_text(shipped.replace('body_position = "waist"', 'body_position = "waist"\nnot_worn_after_s = 60'))
    t = times(10)
    fell = write(tmp_path / "fell.csv", t, fall(t, 1005.0))
    t = times(110)
    table = write(tmp_path / "table.csv", t, LYING + np.random.default_rng(1).normal(0, 0.002, (len(t), 3)))
    on = np.array(put_on(50, 1) * 4)
    worn = write(tmp_path / "worn.csv", np.arange(len(on)) / 50, on[:, 1:])
    lines = played(capsys, "--profile", str(profile), fell, table, worn)
    assert [line["call"] for line in lines if "call" in line] == [True]
    told = [line for line in lines if "fault" in line]
    assert [(line["file"], line["fault"], line["begins"]) for line in told] == [
        (table, "sensor.not_worn", True),
        (worn, "sensor.not_worn", False),
    ]
    assert 1060 <= told[0]["t_s"] < 1100


def test_a_dropped_sensor_is_no_call_and_soon_not_worn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "load_shipped", lambda _: model_that_says(0.99))  # whatever the shipped one would say
    shipped = shipped_profiles()["simulated-home"].read_text(encoding="utf-8")
    profile = tmp_path / "soon.toml"
    profile.write_text(
        shipped.replace('body_position = "waist"', 'body_position = "waist"\nnot_worn_after_drop_s = 60')
    )
    motion = np.array(dropped(100, 1))[:, 1:]
    lies = motion[-1000:].mean(axis=0) + np.random.default_rng(1).normal(0, 0.003, (9000, 3))
    xyz = np.concatenate((motion, lies))
    file = write(tmp_path / "dropped.csv", np.arange(len(xyz)) / 100, xyz)
    trigger, fault, _ = played(capsys, "--profile", str(profile), file)
    assert (trigger["verdict"], trigger["call"]) == ("false_alarm", False)
    assert trigger["score"] > trigger["threshold"], "or the model alone would have said so"
    assert (fault["fault"], fault["begins"]) == ("sensor.not_worn", True)
    assert 60 < fault["t_s"] - trigger["t_s"] < 110


def test_batches_cover_a_recording_once_and_are_short_where_something_happens() -> None:
    t = times(400)
    xyz = fall(t, 1200.0)
    cuts = list(replay._batches(t, xyz))
    assert cuts[0][0] == 0
    assert cuts[-1][1] == len(t)
    assert all(before[1] == after[0] for before, after in pairwise(cuts))
    busy = [stop - start for start, stop in cuts if 1199.0 < t[start] < 1210.0]
    assert max(busy) <= 201
    assert len(cuts) < 30


def simulated(path: Path, move: str, seed: int) -> str:
    made = np.array(MOTIONS[move](100.0, seed))
    return write(path, made[:, 0], made[:, 1:])


@pytest.mark.parametrize("seed", range(3))
def test_lying_since_the_impact_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    trigger, summary = played(capsys, simulated(tmp_path / "fall.csv", "fall-forward", seed))
    (look,) = summary["second_look"]
    assert look["phase"] == "lying_since_impact"
    assert trigger["t_s"] + 15 <= look["t_s"] <= trigger["t_s"] + 17
    assert look["reason"] == "lying still 15 s since the impact"
    assert look["reason_da"] == "ligger stille 15 s siden stødet"


@pytest.mark.parametrize("seed", range(3))
def test_getting_up_and_walking_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    trigger, summary = played(capsys, simulated(tmp_path / "up.csv", "fall-and-get-up", seed))
    assert trigger["call"] is True
    assert [look["phase"] for look in summary["second_look"]] == ["up_and_walking"]
    assert summary["summary"]["calls"] == 1, "nothing is withdrawn"


@pytest.mark.parametrize(("move", "calls"), [("fall-forward", 1), ("fall-and-get-up", 0), ("sitting-down-hard", 0)])
def test_an_uncertain_fall_is_called_for_once_the_person_lies_still(move: str, calls: int) -> None:
    profile = load_profile("simulated-home")
    unit = replay.Unit(profile, "wearable", profile.wearables["wearable"], budget=True, load=lambda _: unsure())
    made = np.array(MOTIONS[move](100.0, 1))
    *triggers, summary = unit.play("made", made[:, 0], made[:, 1:])
    assert triggers[0]["verdict"] == "uncertain"
    assert summary["summary"]["calls"] == calls
    assert summary["summary"]["triggers"] == summary["summary"]["calls"] + summary["summary"]["suppressed"]
    later = [line for line in triggers if "second_look" in line]
    assert len(later) == calls
    for line in later:
        assert line["call"] is True
        assert line["verdict"] == "confirmed"
        assert line["t_s"] == triggers[0]["t_s"]
        assert line["score"] > line["threshold"]
        assert line["reasons"] == [*triggers[0]["reasons"], "lying still 15 s since the impact"]


def unsure() -> Any:
    """Return the shipped card, and a model that is never sure."""
    card = cards.load_card("fall-waist")
    return model_that_says((card.uncertain_above + card.threshold) / 2)
