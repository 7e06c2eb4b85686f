"""Puts fall detection together for a unit: cards, detector, and the thread that owns the models.

Rules of this file: a card that can't be used is no reason to stop; its sensor's triggers go out as calls, and the
worker reports the model as failing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from agent.clock import Now
from agent.errors import ModelError
from agent.inference import detector
from agent.inference.cards import load_card
from agent.inference.detector import FallDetector, Out, Wearable
from agent.inference.policy import BUDGET_NOTE
from agent.inference.worker import ModelWorker
from agent.profiles import Wt901
from agent.sensors.driver import Post

_LOG = structlog.get_logger()


def load_fall_detection(
    wearables: Mapping[str, Wt901], notes: Mapping[str, str], now: Now, post: Post, *, id_prefix: str
) -> tuple[ModelWorker, FallDetector, Sequence[Out]]:
    """Return the running model worker, the detector for the core, and effects to carry out first.

    `notes` are what the last boot left; `id_prefix` must differ from boot to boot.
    """
    judged = {name: judged_by(wearable) for name, wearable in wearables.items()}
    detection, effects = detector.start(judged, notes.get(BUDGET_NOTE), now, id_prefix=f"{id_prefix}.")
    return start_models(wearables, post), detection, effects


def start_models(wearables: Mapping[str, Wt901], post: Post) -> ModelWorker:
    """Return a running model worker: the first, or one that takes the place of one that hangs."""
    worker = ModelWorker({name: wearable.fall.model for name, wearable in wearables.items()}, post)
    worker.start()
    return worker


def judged_by(wearable: Wt901) -> Wearable:
    """Return how a sensor of the profile is judged: with its model's card, or without one if that can't be used."""
    try:
        card = load_card(wearable.fall.model)
    except ModelError as error:
        _LOG.error("model_card_unusable", model=wearable.fall.model, detail=str(error))
        return Wearable(wearable.fall, None)
    if wearable.body_position not in card.body_positions:
        _LOG.error("model_not_for_body_position", model=card.label, body_position=wearable.body_position)
        return Wearable(wearable.fall, None)
    return Wearable(wearable.fall, card)
