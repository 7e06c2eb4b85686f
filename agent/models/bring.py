"""What a technician changes in the folder of models: a model is added, tried in the shadow, promoted.

Rules of this file: a model is checked, and asked once on this machine, before anything is written. Every file is
there whole or not at all, and the card, which makes a model exist, comes last. The running unit reads all of it when
it starts, and only then.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from agent.errors import ModelError
from agent.models import choice
from agent.models.choice import Choice
from agent.models.folder import CARD, NO_KEY, Candidate, ModelFolder, checked, read_files
from agent.models.trial import ask_once
from agent.provision.files import replace_file, sync_directory
from agent.provision.install import service_owner
from agent.provision.refusal import Refused, refused_by_system

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from agent.profiles import Wt901


def add(folder: ModelFolder, source: Path) -> Candidate:
    """Take over the model that `source` is the card, file or signature of. Raises Refused; then nothing is changed."""
    card = source.with_suffix(CARD)
    _refuse_without_key(folder)
    try:
        candidate = checked(read_files(card), folder.key)
    except ModelError as error:
        raise refused(str(card), error) from error
    _refuse_another(folder, candidate)
    try:
        _write(folder, candidate)
    except OSError as error:
        raise refused_by_system(error, folder.path) from error
    return candidate


def fitting(folder: ModelFolder, name: str, wearables: Mapping[str, Wt901]) -> Candidate:
    """Return the model `name`, checked, made for a sensor of this unit, and quick enough on it. Raises Refused."""
    _refuse_without_key(folder)
    _refuse_unknown(folder, name)
    try:
        candidate = folder.load(name)
        seconds = ask_once(candidate.card, candidate.files.model)
    except ModelError as error:
        raise refused(name, error) from error
    worn = [one for one in wearables.values() if one.body_position in candidate.card.body_positions]
    if not worn:
        made_for = ", ".join(candidate.card.body_positions)
        raise Refused(
            f"{name} er lavet til {made_for}, men ingen sensor i denne profil bæres der. Vælg en anden model.",
            f"{name} is made for {made_for}, and this profile wears no sensor there. Choose another model.",
        )
    deadline = min(one.fall.deadline_s for one in worn)
    if seconds > deadline:
        raise Refused(
            f"{name} svarer først efter {seconds:.2f} s; fristen er {deadline:g} s. Vælg en mindre model.",
            f"{name} answers only after {seconds:.2f} s; the deadline is {deadline:g} s. Choose a smaller model.",
        )
    return candidate


def last_choice(folder: ModelFolder) -> Choice:
    """Return what was chosen before; nothing where that can't be read, because it is about to be chosen anew."""
    try:
        return choice.read(folder.path)
    except ModelError:
        return Choice()


def write_choice(folder: ModelFolder, chosen: Choice) -> None:
    """Keep a choice. Raises Refused."""
    try:
        _make(folder.path)
        replace_file(folder.path / choice.FILE, chosen.model_dump_json().encode(), 0o640, _gid())
    except OSError as error:
        raise refused_by_system(error, folder.path) from error


def refused(what: str, error: ModelError) -> Refused:
    """Return what a model that can't be used means to a technician."""
    return Refused(
        f"{what} afvises, og intet er ændret ({error}). Hent modellens tre filer fra kommunen igen.",
        f"{what} is refused, and nothing was changed ({error}). Take its three files from the municipality again.",
    )


def _refuse_without_key(folder: ModelFolder) -> None:
    if folder.key is None:
        raise Refused(
            "Unit-filen har ingen signing_key under [model], så kun pakkens model kan bruges. Skriv kommunens ind.",
            f"{NO_KEY}, so only the model of the package can be used. Write the municipality's in.",
        )


def _refuse_unknown(folder: ModelFolder, name: str) -> None:
    try:
        known = folder.names()
    except OSError as error:
        raise refused_by_system(error, folder.path) from error
    if name not in known:
        here = ", ".join(known)
        raise Refused(
            f"{name} er ikke lagt ind her. Her ligger: {here or 'ingen'}. Læg den ind med: sudo nodkald model add FIL",
            f"{name} was not added here. Here are: {here or 'none'}. Add it with: sudo nodkald model add FILE",
        )


def _refuse_another(folder: ModelFolder, candidate: Candidate) -> None:
    """Refuse other content under a version that is there; a damaged copy, or another signature, may be replaced."""
    try:
        known = folder.load(candidate.name).files
    except ModelError:
        return
    if (known.card, known.model) != (candidate.files.card, candidate.files.model):
        raise Refused(
            f"{candidate.name} findes allerede med et andet indhold. En ny model skal have et nyt versionsnummer.",
            f"{candidate.name} is there already with another content. A new model needs a new version number.",
        )


def _write(folder: ModelFolder, candidate: Candidate) -> None:
    _make(folder.path)
    for end, content in candidate.files.parts().items():
        replace_file(folder.path / f"{candidate.name}{end}", content, 0o640, _gid())


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o750, exist_ok=True)
    if os.geteuid() == 0:
        os.chown(folder, 0, service_owner().gid)
    sync_directory(folder.parent)


def _gid() -> int:
    return service_owner().gid if os.geteuid() == 0 else -1
