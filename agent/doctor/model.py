"""Check `model`: the model is the one that was chosen, its file the one that its card names, and it answers.

Rules of this file: signature and hash are always examined. Where the running unit says that it uses this very model, it
has asked it a first question itself, and no second copy of the runtime is loaded: that alone takes seconds on a slow
board. Else the same is done here, in this process. A model that can't be asked stops no call: falls go out
`unverified`. But nothing false is held back any more, so it fails. One that is tried in the shadow decides nothing: a
warning at worst.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from agent.doctor.finding import Finding, Verdict
from agent.errors import ModelError
from agent.inference import cards
from agent.models.chosen import choose
from agent.models.trial import ask_once as ask
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from agent.doctor.case import Case
    from agent.models.folder import Candidate, ModelFolder
    from agent.profiles import Wt901

NAME = "model"

_NONE = Text("ingen faldsensor, så ingen model", "no fall sensor, so no model")
_ANSWERS = Text(
    "filen er den rigtige, og svarer på {ms:.2f} ms", "the file is the right one, and answers in {ms:.2f} ms"
)
_IN_USE = Text("filen er den rigtige, og enheden bruger den", "the file is the right one, and the unit uses it")
_SIGNED_IN_USE = Text(
    "er underskrevet af kommunen, og enheden bruger den", "is signed by the municipality, and the unit uses it"
)
_SIGNED = Text(
    "er underskrevet af kommunen, og svarer på {ms:.2f} ms",
    "is signed by the municipality, and answers in {ms:.2f} ms",
)
_REFUSED = Text("den valgte model afvises; en anden dømmer", "the chosen model is refused; another one judges")
_PROMOTE = Text(
    "Hent modellens tre filer igen, og: sudo nodkald model add FIL; eller vælg pakkens: "
    "sudo nodkald model promote shipped. Derefter: sudo systemctl restart nodkald-agent",
    "Take the model's three files again, and: sudo nodkald model add FILE; or choose the package's: "
    "sudo nodkald model promote shipped. Then: sudo systemctl restart nodkald-agent",
)
_NOT_YET = Text("er valgt, men enheden bruger endnu {name}", "is chosen, but the unit still uses {name}")
_RESTART = Text(
    "Genstart enheden, når intet kald er i gang: sudo systemctl restart nodkald-agent",
    "Restart the unit when no call is in progress: sudo systemctl restart nodkald-agent",
)
_SHADOW = Text("prøves i skyggen; er underskrevet", "is tried in the shadow; signed")
_SHADOW_FAILS = Text("kan ikke prøves i skyggen", "can't be tried in the shadow")
_BRING_SHADOW = Text(
    "Hent modellens tre filer igen, og: sudo nodkald model add FIL; eller stop prøven: sudo nodkald model shadow none",
    "Take the model's three files again, and: sudo nodkald model add FILE; or end it: sudo nodkald model shadow none",
)
_SLOW = Text(
    "svarer først efter {ms:.0f} ms; fristen er {deadline:.0f}",
    "answers only after {ms:.0f} ms; its deadline is {deadline:.0f}",
)
_BROKEN = Text("modellen kan ikke bruges", "the model can't be used")
_INSTALL = Text(
    "Installér pakken igen: sudo apt install --reinstall nodkald-agent",
    "Install the package again: sudo apt install --reinstall nodkald-agent",
)
_RELIEVE = Text(
    "Se linjerne om strøm og temperatur, og stop andre programmer",
    "See the lines on power and temperature, and stop other programs",
)


def examine(case: Case) -> list[Finding]:
    """Check what was chosen, and ask every model that judges, and the one in the shadow."""
    wearables = case.unit.profile.wearables
    return list(_examine(case, list(wearables.values()))) if wearables else [Finding(NAME, Verdict.SKIPPED, _NONE)]


def _examine(case: Case, wearables: list[Wt901]) -> Iterator[Finding]:
    from agent.inference.start import stand_in  # noqa: PLC0415 - loaded in this check's thread, while the others go on
    from agent.models.folder import folder_of  # noqa: PLC0415 - as above

    folder = folder_of(case.unit)
    chosen = choose(folder)
    judged = [(one, *stand_in(one, chosen)) for one in wearables]
    judging = {live.name if live else wearable.fall.model: (live, wearable) for wearable, live, _ in judged}
    for live, wearable in judging.values():
        yield _examine_live(live, wearable, case.model_in_use)
    for refused in sorted({why for _, _, why in judged if why}):
        yield Finding(NAME, Verdict.FAIL, _REFUSED, next_step=_PROMOTE, detail=refused)
    if chosen.shadow is not None:
        yield _examine_shadow(chosen.shadow, folder, case.shadow_in_use)


def _examine_live(live: Candidate | None, wearable: Wt901, in_use: Mapping[str, Any] | None) -> Finding:
    name, signed = (live.name, True) if live else (wearable.fall.model, False)
    try:
        card = live.card if live else cards.load_card(name)
        content = live.files.model if live else cards.load_file(card)
        if in_use is not None and in_use["name"] not in (None, card.label):
            return Finding(NAME, Verdict.WARN, both(_NOT_YET, name=str(in_use["name"])), card.label, _RESTART)
        if in_use is not None and in_use["sha256"] == _sha256(content) and not in_use["failing"]:
            return Finding(NAME, Verdict.OK, _SIGNED_IN_USE if signed else _IN_USE, card.label)
        return judge(card.label, ask(card, content), wearable.fall.deadline_s, signed=signed)
    except ModelError as error:
        return broken(name, str(error), signed=signed)


def _examine_shadow(name: str, folder: ModelFolder, in_use: Mapping[str, Any] | None) -> Finding:
    try:
        candidate = folder.load(name)
        label = candidate.card.label
        if in_use is None or in_use["model"] != label or in_use["failing"]:
            ask(candidate.card, candidate.files.model)
    except ModelError as error:
        return Finding(NAME, Verdict.WARN, _SHADOW_FAILS, name, _BRING_SHADOW, str(error))
    return Finding(NAME, Verdict.OK, _SHADOW, label)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def judge(label: str, seconds: float, deadline_s: float, *, signed: bool = False) -> Finding:
    """Return whether a model that answered does so in time."""
    if seconds > deadline_s:
        slow = both(_SLOW, ms=seconds * 1000, deadline=deadline_s * 1000)
        return Finding(NAME, Verdict.FAIL, slow, label, _RELIEVE)
    return Finding(NAME, Verdict.OK, both(_SIGNED if signed else _ANSWERS, ms=seconds * 1000), label)


def broken(name: str, detail: str, *, signed: bool = False) -> Finding:
    """Return the finding of a model that can't be used."""
    return Finding(NAME, Verdict.FAIL, _BROKEN, name, _PROMOTE if signed else _INSTALL, detail)
