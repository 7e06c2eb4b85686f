"""Check `model`: the model file is the one that its card names, and answers.

Rules of this file: the same loading as in the unit (hash, shape, a first question), in this process. A model that can't
be asked stops no call: falls go out `unverified`. But nothing false is held back any more, so it fails.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from agent.doctor.finding import Finding, Verdict
from agent.errors import ModelError
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.profiles import Wt901

NAME = "model"

_NONE = Text("ingen faldsensor, så ingen model", "no fall sensor, so no model")
_ANSWERS = Text(
    "filen er den rigtige, og svarer på {ms:.2f} ms", "the file is the right one, and answers in {ms:.2f} ms"
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


def examine(wearables: Mapping[str, Wt901]) -> list[Finding]:
    """Load and ask every model of the profile."""
    if not wearables:
        return [Finding(NAME, Verdict.SKIPPED, _NONE)]
    deadline_s = {wearable.fall.model: wearable.fall.deadline_s for wearable in wearables.values()}
    found: list[Finding] = []
    for name in sorted(deadline_s):
        try:
            label, seconds = ask(name)
        except ModelError as error:
            found.append(broken(name, str(error)))
        else:
            found.append(judge(label, seconds, deadline_s[name]))
    return found


def ask(name: str) -> tuple[str, float]:
    """Load the model `name` and ask it once; return its label and the seconds it took. Raises ModelError."""
    import numpy as np  # noqa: PLC0415 - loaded in this check's thread, while the others go on

    from agent.inference.cards import load_card, load_file  # noqa: PLC0415 - as above
    from agent.inference.runner import Model  # noqa: PLC0415 - as above

    card = load_card(name)
    model = Model(card, load_file(card))
    began = time.perf_counter()
    model.score(np.zeros(card.input_shape, dtype=np.float32))
    return card.label, time.perf_counter() - began


def judge(label: str, seconds: float, deadline_s: float) -> Finding:
    """Return whether a model that answered does so in time."""
    if seconds > deadline_s:
        slow = both(_SLOW, ms=seconds * 1000, deadline=deadline_s * 1000)
        return Finding(NAME, Verdict.FAIL, slow, label, _RELIEVE)
    return Finding(NAME, Verdict.OK, both(_ANSWERS, ms=seconds * 1000), label)


def broken(name: str, detail: str) -> Finding:
    """Return the finding of a model that can't be used."""
    return Finding(NAME, Verdict.FAIL, _BROKEN, name, _INSTALL, detail)
