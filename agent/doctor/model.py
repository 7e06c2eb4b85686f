"""Check `model`: the model file is the one that its card names, and answers.

Rules of this file: the file's hash is always examined. Where the running unit says that it uses this very file, it has
asked it a first question itself, and no second copy of the runtime is loaded: that alone takes seconds on a slow board.
Else the same is done here, in this process. A model that can't be asked stops no call: falls go out `unverified`. But
nothing false is held back any more, so it fails.
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Any

from agent.doctor.finding import Finding, Verdict
from agent.errors import ModelError
from agent.inference import cards
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.inference.cards import ModelCard
    from agent.profiles import Wt901

NAME = "model"

_NONE = Text("ingen faldsensor, så ingen model", "no fall sensor, so no model")
_ANSWERS = Text(
    "filen er den rigtige, og svarer på {ms:.2f} ms", "the file is the right one, and answers in {ms:.2f} ms"
)
_IN_USE = Text("filen er den rigtige, og enheden bruger den", "the file is the right one, and the unit uses it")
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


def examine(wearables: Mapping[str, Wt901], in_use: Mapping[str, Any] | None = None) -> list[Finding]:
    """Examine every model of the profile; `in_use` is what the running unit says about its own, or None."""
    if not wearables:
        return [Finding(NAME, Verdict.SKIPPED, _NONE)]
    deadline_s = {wearable.fall.model: wearable.fall.deadline_s for wearable in wearables.values()}
    found: list[Finding] = []
    for name in sorted(deadline_s):
        try:
            card = cards.load_card(name)
            content = cards.load_file(card)
            if in_use is not None and in_use["sha256"] == hashlib.sha256(content).hexdigest() and not in_use["failing"]:
                found.append(Finding(NAME, Verdict.OK, _IN_USE, card.label))
            else:
                found.append(judge(card.label, ask(card, content), deadline_s[name]))
        except ModelError as error:
            found.append(broken(name, str(error)))
    return found


def ask(card: ModelCard, content: bytes) -> float:
    """Load the model and ask it once; return the seconds that the answer took. Raises ModelError."""
    import numpy as np  # noqa: PLC0415 - loaded in this check's thread, while the others go on

    from agent.inference.runner import Model  # noqa: PLC0415 - as above

    model = Model(card, content)
    began = time.perf_counter()
    model.score(np.zeros(card.input_shape, dtype=np.float32))
    return time.perf_counter() - began


def judge(label: str, seconds: float, deadline_s: float) -> Finding:
    """Return whether a model that answered does so in time."""
    if seconds > deadline_s:
        slow = both(_SLOW, ms=seconds * 1000, deadline=deadline_s * 1000)
        return Finding(NAME, Verdict.FAIL, slow, label, _RELIEVE)
    return Finding(NAME, Verdict.OK, both(_ANSWERS, ms=seconds * 1000), label)


def broken(name: str, detail: str) -> Finding:
    """Return the finding of a model that can't be used."""
    return Finding(NAME, Verdict.FAIL, _BROKEN, name, _INSTALL, detail)
