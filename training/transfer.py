"""`python -m training.transfer --data ../shared/data`: learn from one dataset, be judged on the other.

Rules of this file: it measures, and ships nothing. What a network says of a sensor, rate and range that it has never
seen is the nearest thing to the home it will hang in: what helps here was chosen, not what gains a tenth in the folds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from agent.inference import channels
from agent.inference.cards import Share
from training import figures, network
from training.epochs import gather
from training.recordings import Recording, load
from training.train import Job, learn_each
from training.words import share_in_words

LEARNT_FROM: tuple[tuple[str, Callable[[Recording], bool]], ...] = (
    ("SisFall", lambda r: r.dataset == "SisFall"),
    ("SmartFallMM", lambda r: r.dataset == "SmartFallMM"),
)
QUIET = (0.99, 0.995)


def judged(fall: NDArray[np.float64], daily: NDArray[np.float64], threshold: float) -> str:
    """Return the shares at a threshold, and what could be found at given shares of quiet daily life."""
    called = Share(part=int((fall >= threshold).sum()), whole=len(fall))
    quiet = Share(part=int((daily < threshold).sum()), whole=len(daily))
    ranked = np.sort(daily)
    at = [float((fall > ranked[int(np.ceil(share * len(ranked))) - 1]).mean()) for share in QUIET]
    could = ", ".join(f"{found:.2%} at {share:.1%} quiet" for found, share in zip(at, QUIET, strict=True))
    return f"falls called {share_in_words(called)}; daily life without a call {share_in_words(quiet)}; best: {could}"


def main() -> None:
    """Train on each dataset alone, and print what it says of the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--epochs", type=int, default=network.EPOCHS)
    parser.add_argument("--threshold", type=float, default=0.5, help="on the network's own scores, not calibrated")
    args = parser.parse_args()
    recordings = load(args.data)
    material = gather(recordings)
    windows = material.windows
    x = channels.channels(windows.exact)
    is_fall = np.array([r.is_fall for r in recordings])
    own = [np.array([chosen(r) for r in recordings]) for _, chosen in LEARNT_FROM]
    jobs = [Job(name, material, mine, args.seed, args.epochs) for (name, _), mine in zip(LEARNT_FROM, own, strict=True)]
    for job, mine, model in zip(jobs, own, learn_each(jobs), strict=True):
        best = figures.recording_scores(recordings, windows, network.scores(model, x))
        for title, chosen in figures.GROUPS:
            within = np.array([chosen(r) for r in recordings]) & ~mine
            if (within & is_fall).any():
                found = judged(best[within & is_fall], best[within & ~is_fall], args.threshold)
                tqdm.write(f"{job.title} -> {title}: {found}")


if __name__ == "__main__":
    main()
