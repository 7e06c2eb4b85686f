"""Recordings from a user's own download of the originals, instead of `../shared/data`. See docs/model/data.md.

Rules of this file: what both datasets share. A person is in one fold, whatever devices were worn; what is left out is
counted with its reason, never dropped in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from training import sisfall, smartfallmm
from training.recordings import Recording, Unreadable

FOLDS = 5


def load(sisfall_folder: Path | None, smartfallmm_folder: Path | None) -> list[Recording]:
    """Read the folders that are given; Unreadable, with the path, where one holds no recording that can be used."""
    found: list[Recording] = []
    for folder, files, read in (
        (sisfall_folder, sisfall.files, sisfall.read),
        (smartfallmm_folder, smartfallmm.files, smartfallmm.read),
    ):
        if folder is None:
            continue
        whole, left_out = list[Recording](), Counter[str]()
        for path in tqdm(files(folder), desc=f"reading {folder.name}", unit="file"):
            one = read(path)
            if isinstance(one, str):
                left_out[one] += 1
            else:
                whole.append(one)
        single = list(_single(whole))
        left_out["the same samples under another name"] = len(whole) - len(single)
        for reason, count in sorted(left_out.items()):
            if count:
                tqdm.write(f"{folder}: {count} files left out: {reason}")
        if not single:
            raise Unreadable(f"{folder} holds no recording that can be used; docs/model/data.md says how it must look")
        found += single
    return with_folds(found)


def _single(recordings: list[Recording]) -> Iterator[Recording]:
    """Leave out recordings whose samples stand under two names: one of the labels is wrong, and which is unknown."""
    often = Counter(recording.xyz_g.tobytes() for recording in recordings)
    return (recording for recording in recordings if often[recording.xyz_g.tobytes()] == 1)


def with_folds(recordings: list[Recording]) -> list[Recording]:
    """Deal the people out to five folds in the order of their names: those who fall, and those who don't."""
    falling = {(r.dataset, r.subject) for r in recordings if r.is_fall}
    fold: dict[tuple[str, str], int] = {}
    for dataset in sorted({r.dataset for r in recordings}):
        for falls in (True, False):
            people = sorted({(dataset, r.subject) for r in recordings if r.dataset == dataset})
            chosen = [one for one in people if (one in falling) is falls]
            fold |= {one: number % FOLDS for number, one in enumerate(chosen)}
    return [replace(recording, fold=fold[recording.dataset, recording.subject]) for recording in recordings]
