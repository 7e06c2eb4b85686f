"""Fall detection of a running unit, put together: cards, detector and the model's worker.

Rules of this file: called from a thread of its own, after the cords are armed, because numpy and the runtime take long to
load. A card that can't be read is no reason to stop: its sensor's triggers are calls, `unverified`, until it can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from agent.clock import Now
from agent.effects import Effect
from agent.errors import ModelError
from agent.inference import detector, policy
from agent.inference.cards import ModelCard, load_card
from agent.inference.detector import FallDetector, Wearable
from agent.inference.worker import ModelWorker
from agent.profiles import Wt901
from agent.sensors.driver import Post

log = structlog.get_logger()


def load_fall_detection(
    wearables: Mapping[str, Wt901], notes: Mapping[str, str], now: Now, post: Post, *, id_prefix: str
) -> tuple[ModelWorker, FallDetector, Sequence[Effect]]:
    """Return the started model worker, the detector, and what the core has to carry out first."""
    judged = {name: Wearable(config.fall, _card(config.fall.model)) for name, config in wearables.items()}
    worker = ModelWorker({name: config.fall.model for name, config in wearables.items()}, post)
    worker.start()
    detection, effects = detector.start(judged, notes.get(policy.BUDGET_NOTE), now, id_prefix=id_prefix)
    # What `start` gives beside signals is only logs and notes: there is no trigger before the first motion.
    return worker, detection, [effect for effect in effects if isinstance(effect, Effect)]


def _card(name: str) -> ModelCard | None:
    try:
        return load_card(name)
    except ModelError as error:
        log.error("model_card_unusable", model=name, detail=str(error))
        return None
