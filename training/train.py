"""`python -m training.train --data ../shared/data --out agent/inference/models`: from recordings to model and card.

Rules of this file: the order of the build, nothing else. Folds are by subject; threshold and figures come from scores
of int8 files on subjects they have not learnt from. The shipped file then learns from all subjects.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent.inference import channels, layout
from agent.inference.cards import ModelCard, TrainingData
from agent.inference.trigger import SOFT, TRIGGER_G
from training import convert, figures, folds, network, originals
from training.calibrate import platt, put_into
from training.dataset import Windows
from training.epochs import Material, gather
from training.originals import FOLDS
from training.recordings import Recording, load
from training.words import share_in_words

if TYPE_CHECKING:
    import keras

NAME, VERSION = "fall-waist", "2.1.0"
AT_ONCE = 2
SAMPLE = 500
UNCERTAIN_ABOVE = 0.3
_SEEDS_APART = 1000
LIMITS = (
    "All falls in the data are simulated on mats, nearly all by people of 19 to 30 years; no real fall is in them.",
    "The older people in them only did daily life; soft falls of older people are the weak point.",
    "Daily life in the data is scripted and dense: calls per hour of it are not calls per hour of life.",
    "A fall in which |a| stays under the trigger is not seen at all.",
    "Sensors that were dropped, bumped, taken off or left on a table are not in the data.",
    "Not for the wrist: there it does not work.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One training. It takes a process of its own: two run side by side, and each is the same as alone."""

    title: str
    material: Material
    chosen: NDArray[np.bool_]  # of the recordings
    seed: int
    epochs: int


def learn(job: Job) -> network.Weights:
    """Train one tower, and return its weights."""
    network.single_thread(job.seed)
    return network.train(job.material, job.chosen, job.seed, job.title, job.epochs)


def learn_each(jobs: list[Job]) -> list[keras.Model]:
    """Return a network for each job: its towers' seeds lie `_SEEDS_APART`, two are trained at a time."""
    towers = [
        replace(job, title=f"{job.title}, {tower + 1}", seed=job.seed + tower * _SEEDS_APART)
        for job in jobs
        for tower in range(network.TOWERS)
    ]
    with ProcessPoolExecutor(AT_ONCE, mp_context=multiprocessing.get_context("spawn")) as pool:
        learnt = list(pool.map(learn, towers))
    return [network.joined(learnt[first : first + network.TOWERS]) for first in range(0, len(learnt), network.TOWERS)]


def jobs_of(material: Material, fold: NDArray[np.int64], seed: int, epochs: int) -> list[Job]:
    """Return one job for each fold, which is not shown its people, and one that is shown everybody."""
    folds = [
        Job(f"fold {number + 1} of {FOLDS}", material, fold != number, seed + 1 + number, epochs)
        for number in range(FOLDS)
    ]
    return [*folds, Job("all subjects", material, np.ones(len(fold), dtype=np.bool_), seed, epochs)]


def calibrate(models: list[keras.Model], windows: Windows, x: NDArray[np.float32], fold: NDArray[np.int64]) -> None:
    """Make every model's score mean the same, by what the folds' models say of people whom they have not seen."""
    logit = np.empty(len(x))
    for number in range(FOLDS):
        logit[fold == number] = network.logits(models[number], x[fold == number])
    used = (windows.label >= 0) & np.isfinite(logit)
    slope, shift = platt(logit[used], windows.label[used])
    tqdm.write(f"calibration: score = sigmoid({slope:.3f} * logit + {shift:.3f})")
    for model in models:
        put_into(model, slope, shift)


def to_int8(
    model: keras.Model, windows: Windows, x: NDArray[np.float32], chosen: NDArray[np.bool_], seed: int
) -> convert.Converted:
    """Convert, with some of the chosen windows to find the ranges of the layers."""
    usable = np.flatnonzero(chosen & (windows.label >= 0))
    sample = np.random.default_rng(seed).choice(usable, min(SAMPLE, len(usable)), replace=False)
    return convert.convert(model, x[np.sort(sample)])


def check(model: keras.Model, int8: convert.Converted, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the file's scores; stop the build where they are not the network's, or the file is too large."""
    scores = int8.scores(x)
    convert.gate(network.scores(model, x), scores)
    if len(int8.content) > convert.LARGEST_BYTES:
        raise convert.Disagreement(f"the file has {len(int8.content)} bytes, more than {convert.LARGEST_BYTES}")
    return scores


def make_card(
    recordings: list[Recording],
    windows: Windows,
    scores: NDArray[np.float64],
    int8: convert.Converted,
    seed: int,
) -> ModelCard:
    """Freeze the threshold on out-of-fold scores, and write down what they show."""
    threshold = figures.freeze_threshold(recordings, windows, scores)
    return ModelCard(
        name=NAME,
        version=VERSION,
        sha256=int8.sha256,
        bytes=len(int8.content),
        body_positions=("waist", "hip"),
        rate_hz=layout.RATE_HZ,
        before_s=layout.BEFORE / layout.RATE_HZ,
        after_s=layout.AFTER / layout.RATE_HZ,
        channels=layout.CHANNELS,
        trigger_g=TRIGGER_G,
        soft_trigger=SOFT,
        threshold=threshold,
        uncertain_above=UNCERTAIN_ABOVE,
        input=int8.input,
        output=int8.output,
        seed=seed,
        trained_on=TrainingData(
            datasets=tuple(sorted({r.dataset for r in recordings})),
            recordings=len(recordings),
            falls=sum(r.is_fall for r in recordings),
            subjects=len({(r.dataset, r.subject) for r in recordings}),
            windows=int((windows.label >= 0).sum()),
        ),
        figures=figures.figures(recordings, windows, scores, threshold),
        comparison=figures.comparison(recordings, windows, scores, threshold),
        limits=LIMITS,
    )


def main() -> None:
    """Build the model and its card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder with manifest.csv and the *.npz files")
    parser.add_argument("--sisfall", type=Path, help="or your own download of SisFall (docs/model/data.md)")
    parser.add_argument("--smartfallmm", type=Path, help="and of SmartFallMM")
    parser.add_argument("--out", type=Path, required=True, help="where the .tflite file and its card go")
    parser.add_argument("--folds", type=Path, help="also keep the five fold files here, for `make evaluate`")
    parser.add_argument("--scores", type=Path, help="also keep the out-of-fold scores here (.npz), for a closer look")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--epochs", type=int, default=network.EPOCHS)
    args = parser.parse_args()
    if not (args.data or args.sisfall or args.smartfallmm):
        parser.error("say where the recordings are: --data, or --sisfall and --smartfallmm")
    if args.data and (args.sisfall or args.smartfallmm):
        parser.error("say either --data, or --sisfall and --smartfallmm: the same recordings would count twice")
    network.single_thread(args.seed)
    recordings = load(args.data) if args.data else originals.load(args.sisfall, args.smartfallmm)
    material, of_recording = gather(recordings), np.array([r.fold for r in recordings])
    windows = material.windows
    fold = of_recording[windows.recording]
    x = channels.channels(windows.exact)
    models = learn_each(jobs_of(material, of_recording, args.seed, args.epochs))
    calibrate(models, windows, x, fold)
    scores, files = np.empty(len(x)), list[convert.Converted]()
    for number, model in enumerate(tqdm(models[:FOLDS], desc="int8 files", unit="file")):
        files.append(to_int8(model, windows, x, fold != number, args.seed + 1 + number))
        scores[fold == number] = check(model, files[-1], x[fold == number])
    int8 = to_int8(models[-1], windows, x, np.ones(len(fold), dtype=np.bool_), args.seed)
    check(models[-1], int8, x)
    card = make_card(recordings, windows, scores, int8, args.seed)
    if args.folds:
        folds.keep(args.folds, files, card, recordings)
    if args.scores:
        np.savez(args.scores, scores=scores, recording=windows.recording, impact_s=windows.impact_s)
    (args.out / f"{NAME}.tflite").write_bytes(int8.content)
    (args.out / f"{NAME}.json").write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    for group in card.figures:
        falls, quiet = share_in_words(group.falls_called), share_in_words(group.daily_life_without_call)
        cut = group.daily_life_cut_at_end
        tqdm.write(f"{group.title}: falls called {falls}; daily life without a call {quiet}, and cut at the end: {cut}")
    tqdm.write(f"threshold {card.threshold}, {card.bytes} bytes, sha256 {hashlib.sha256(int8.content).hexdigest()}")


if __name__ == "__main__":
    main()
