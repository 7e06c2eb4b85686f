"""Training, `nodkald replay` and the running unit ask the model about the same windows, to the last bit.

Rules of this file: each way is the product's own, as far as the model's door: training's windows from a recording held
in memory; replay's command over CSV files, one after another on its virtual clock; and the unit's core with the model's
thread, two weeks after the start of its clock, in batches of any length. The same samples go in; what reaches the model
is compared byte by byte, and what replay prints with what the unit decides.
"""

from __future__ import annotations

import argparse
import json
import queue
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent import core, replay
from agent import recordings as csv_recordings
from agent.assessment import Assessed
from agent.effects import Score
from agent.inference import detector
from agent.inference.cards import ModelCard
from agent.inference.channels import channels
from agent.inference.layout import CHANNELS
from agent.inference.start import judged_by
from agent.inference.worker import ModelWorker, load_shipped
from agent.readings import Item, ModelState, MotionBatch
from agent.replay import _Listened
from agent.second_look import Phase, Seen, reason
from agent.simulator.motions import MOTIONS
from tests.home_bench import HomeBench

pytest.importorskip("tqdm", reason="needs tqdm, as training does")

from training import dataset
from training.recordings import Recording, load

DATA = Path(__file__).parents[4] / "shared" / "data"
UPTIME_S = 1_234_567.891234
RATES_HZ = (25.0, 50.0, 64.0, 100.0, 200.0)
MOVES = ("walking", "jogging", "sitting-down-hard", "fall-forward", "fall-and-get-up")

Windows = list[bytes]
Decided = list[tuple[str, float | None, float, tuple[str, ...]]]
"""Of each trigger: verdict, score, peak in g, reasons. Then what each second look told, in the same form."""


@dataclass
class Overheard:
    """The shipped model, with somebody noting what it is asked."""

    model: Any
    asked: Windows = field(default_factory=list)
    runtime: str = "overheard"

    def score(self, window: Any) -> float:
        assert window.shape == (200, len(CHANNELS))
        assert window.dtype == np.float32
        self.asked.append(window.tobytes())
        return float(self.model.score(window))


def overheard(name: str) -> tuple[ModelCard, Overheard]:
    card, model = load_shipped(name)
    return card, Overheard(model)


def as_trained(chosen: list[Recording]) -> Windows:
    windows = dataset.build(chosen)
    return [window.tobytes() for window in channels(windows.exact[~windows.damaged])]


def as_replayed(
    chosen: list[Recording], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> tuple[Windows, Decided]:
    made = overheard("fall-waist")
    monkeypatch.setattr(replay, "load_shipped", lambda _: made)
    files = []
    for number, recording in enumerate(chosen):
        files.append(folder / f"{number}.csv")
        rows = np.column_stack((recording.times, recording.xyz_g)).tolist()
        csv_recordings.write_recording(files[-1], map(tuple, rows))
    parser = argparse.ArgumentParser()
    replay.configure(parser)
    capsys.readouterr()
    assert replay.run(parser.parse_args(["--profile", "simulated-home", "--sensor", "wearable", *map(str, files)])) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    triggers = [line for line in lines if "verdict" in line and "second_look" not in line]
    decided = [(t["verdict"], t["score"], t["peak_g"], tuple(t["reasons"])) for t in triggers]
    raised = [line["reasons"][-1] for line in lines if "verdict" in line and "second_look" in line]
    added = [look["reason"] for line in lines if "summary" in line for look in line.get("second_look", ())]
    return made[1].asked, [*decided, *_looks(raised + added)]


def _looks(reasons: list[str]) -> Decided:
    return [("second look", None, 0.0, (reason,)) for reason in sorted(reasons)]


def as_lived(chosen: list[Recording]) -> tuple[Windows, Decided]:
    home = HomeBench()
    home.clock.advance(UPTIME_S)
    mailbox: queue.Queue[Item] = queue.Queue()
    made = overheard("fall-waist")
    worker = ModelWorker({"wearable": "fall-waist"}, mailbox.put, lambda _: made)  # type: ignore[arg-type, return-value]  # because Overheard stands in for Model
    worker.start()
    heard: list[Assessed] = []
    judged = {"wearable": judged_by(home.profile.wearables["wearable"])}
    detection, _ = detector.start(judged, None, home.clock.now(), id_prefix="b1.")
    home.state = core.with_falls(home.state, _Listened(detection, heard))
    loaded = mailbox.get(timeout=10)
    assert isinstance(loaded, ModelState)
    home.step(loaded)
    rng = np.random.default_rng(4)
    for recording in chosen:
        times = recording.times + home.clock.now().mono
        start = 0
        while start < len(times):
            stop = min(len(times), start + int(rng.integers(1, 60)))
            home.clock.advance(max(0.0, float(times[stop - 1]) - home.clock.now().mono))
            home.step(MotionBatch("wearable", times[start:stop], recording.xyz_g[start:stop]))
            _ask(home, worker, mailbox)
            start = stop
        home.advance(3.0)  # the gap is noticed by the clock, and ends a second look
        _ask(home, worker, mailbox)
    worker.stop()
    decided = [
        (h.assessment.verdict.value, h.assessment.score, h.peak_g, tuple(r.en for r in h.assessment.reasons))
        for h in heard
    ]
    told = [log.fields for log in home.logs if log.event == "second_look"]
    seen = [Seen(Phase(look["phase"]), look["seconds"], look["posture_deg"]) for look in told]
    return made[1].asked, [*decided, *_looks([reason(look).en for look in seen])]


def _ask(home: HomeBench, worker: ModelWorker, mailbox: queue.Queue[Item]) -> None:
    for effect in home.other:
        if isinstance(effect, Score):
            worker.submit(effect)
            home.step(mailbox.get(timeout=10))
    home.other.clear()


def agree(
    chosen: list[Recording], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> int:
    """Assert that the three ways agree; return how many windows there were."""
    trained = as_trained(chosen)
    replayed, printed = as_replayed(chosen, folder, monkeypatch, capsys)
    lived, decided = as_lived(chosen)
    assert replayed == trained
    assert lived == trained
    assert decided == printed
    return len(trained)


def simulated(move: str, rate_hz: float, seed: int) -> Recording:
    samples = np.round(np.array(MOTIONS[move](rate_hz, seed)), 4)
    return recording_of(samples[:, 1:], rate_hz)


def recording_of(xyz_g: Any, rate_hz: float) -> Recording:
    return Recording("made", "made", "S", "young", "waist", "made", False, 0, rate_hz, 0.0, 0.0, xyz_g)  # noqa: FBT003 - a dataclass's own order


def test_the_three_agree_on_simulated_motion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [simulated(move, rate, seed) for seed, rate in enumerate(RATES_HZ) for move in MOVES]
    assert agree(chosen, tmp_path, monkeypatch, capsys) > 50
    assert {decided[3][0] for decided in as_lived(chosen[3:5])[1] if decided[0] == "second look"} == {
        "lying still 15 s since the impact",
        "up and walking 3 s",
    }


def test_the_three_agree_where_data_end_early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = simulated("fall-forward", 100.0, 1)
    peak = int(np.argmax((whole.xyz_g**2).sum(axis=1)))
    chosen = [recording_of(whole.xyz_g[: peak + extra], 100.0) for extra in (30, 130, 200)]
    chosen.append(recording_of(whole.xyz_g[peak - 40 :], 100.0))
    assert agree(chosen, tmp_path, monkeypatch, capsys) == 3


def test_the_three_agree_across_gaps_and_where_the_first_sample_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = simulated("fall-forward", 64.0, 2), simulated("sitting-down-hard", 64.0, 3)
    xyz = np.concatenate((first.xyz_g, second.xyz_g))
    xyz[:3] = np.nan
    xyz[len(first.xyz_g) :][:50] = np.nan
    assert agree([recording_of(xyz, 64.0)], tmp_path, monkeypatch, capsys) >= 2


@pytest.mark.data
def test_the_three_agree_on_recordings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not (DATA / "manifest.csv").exists():
        pytest.skip(f"no recordings in {DATA}")
    assert agree(load(DATA)[::160], tmp_path, monkeypatch, capsys) > 50
