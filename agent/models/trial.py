"""Whether a model answers on this machine, and how fast: asked before one is chosen, and by the doctor.

Rules of this file: the same loading as in the unit, in this process.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from agent.inference.cards import ModelCard


def ask_once(card: ModelCard, content: bytes) -> float:
    """Load a model and ask it once; return the seconds that its answer took. ModelError if it can't be asked."""
    import numpy as np  # noqa: PLC0415 - the doctor's checks run side by side: loaded in this one's thread

    from agent.inference.runner import Model  # noqa: PLC0415 - as above

    model = Model(card, content)
    began = time.perf_counter()
    model.score(np.zeros(card.input_shape, dtype=np.float32))
    return time.perf_counter() - began
