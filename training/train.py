"""`python -m training.train --data ../shared/data --out agent/inference/models`: from recordings to model and card.

Rules of this file: the order of the build, nothing else. Folds are by subject; threshold and figures come from scores
of int8 files on subjects they have not learnt from. The shipped file then learns from all subjects.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent.inference import channels, layout
from agent.inference.cards import ModelCard, TrainingData
from agent.inference.trigger import TRIGGER_G
from training import convert, figures, folds, network, originals
from training.dataset import Windows, build
from training.originals import FOLDS
from training.recordings import Recording, load
from training.words import share_in_words

NAME, VERSION = "fall-waist", "1.0.0"
SAMPLE = 500
FALLS, QUIET = 0.995, 0.99
UNCERTAIN_ABOVE = 0.5
LIMITS = (
    "All falls in the data are simulated on mats, nearly all by people of 19 to 30 years; no real fall is in them.",
    "The older people in them only did daily life; soft falls of older people are the weak point.",
    "Daily life in the data is scripted and dense: calls per hour of it are not calls per hour of life.",
    "A fall in which |a| stays under the trigger is not seen at all.",
    "Sensors that were dropped, bumped, taken off or left on a table are not in the data.",
    "Not for the wrist: there it does not work.",
)


def out_of_fold(
    recordings: list[Recording], windows: Windows, seed: int, epochs: int
) -> tuple[NDArray[np.float64], list[convert.Converted]]:
    """Return the int8 score of every window, from a model that has not seen its subject; and these models, by fold."""
    fold = np.array([r.fold for r in recordings])[windows.recording]
    x = channels.channels(windows.exact)
    scores, files = np.empty(len(x)), list[convert.Converted]()
    for number in range(FOLDS):
        model, int8 = learn(windows, fold != number, seed + 1 + number, f"fold {number + 1} of {FOLDS}", epochs)
        scores[fold == number] = int8.scores(x[fold == number])
        check(model, int8, x[fold == number])
        files.append(int8)
    return scores, files


def learn(
    windows: Windows, chosen: NDArray[np.bool_], seed: int, title: str, epochs: int
) -> tuple[network.keras.Model, convert.Converted]:
    """Train on the chosen windows and convert."""
    model = network.train(windows, chosen, seed, title, epochs)
    usable = np.flatnonzero(chosen & (windows.label >= 0))
    sample = np.random.default_rng(seed).choice(usable, min(SAMPLE, len(usable)), replace=False)
    return model, convert.convert(model, channels.channels(windows.exact[np.sort(sample)]))


def check(model: network.keras.Model, int8: convert.Converted, x: NDArray[np.float32]) -> None:
    """Stop the build where the int8 file and the float network differ, or the file is too large."""
    floats = model.predict(x[:, :, None, :], batch_size=1024, verbose=0)[:, 0].astype(np.float64)
    convert.gate(floats, int8.scores(x))
    if len(int8.content) > convert.LARGEST_BYTES:
        raise convert.Disagreement(f"the file has {len(int8.content)} bytes, more than {convert.LARGEST_BYTES}")


def make_card(
    recordings: list[Recording],
    windows: Windows,
    scores: NDArray[np.float64],
    int8: convert.Converted,
    seed: int,
) -> ModelCard:
    """Freeze the threshold on out-of-fold scores, and write down what they show."""
    best = figures.recording_scores(recordings, windows, scores)
    sisfall = np.array([r.dataset == "SisFall" for r in recordings])
    is_fall = np.array([r.is_fall for r in recordings])
    threshold = figures.freeze_threshold(best[sisfall & is_fall], best[sisfall & ~is_fall], FALLS, QUIET)
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
        threshold=threshold,
        uncertain_above=UNCERTAIN_ABOVE,
        input=int8.input,
        output=int8.output,
        seed=seed,
        trained_on=TrainingData(
            datasets=tuple(sorted({r.dataset for r in recordings})),
            recordings=len(recordings),
            falls=int(is_fall.sum()),
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
    network.single_thread(args.seed)
    recordings = load(args.data) if args.data else originals.load(args.sisfall, args.smartfallmm)
    windows = build(recordings)
    scores, files = out_of_fold(recordings, windows, args.seed, args.epochs)
    everyone = np.ones(len(windows.label), dtype=np.bool_)
    model, int8 = learn(windows, everyone, args.seed, "all subjects", args.epochs)
    check(model, int8, channels.channels(windows.exact))
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
