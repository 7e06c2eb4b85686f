"""Puts fall detection together for a unit: cards, detector, and the thread that owns the models.

Rules of this file: a card that can't be used is no reason to stop; its sensor's triggers go out as calls, and the
worker reports the model as failing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import structlog

from agent.clock import Now
from agent.effects import Effect
from agent.errors import ModelError
from agent.inference import detector
from agent.inference.cards import ModelCard, load_card
from agent.inference.detector import FallDetector, Wearable
from agent.inference.policy import BUDGET_NOTE
from agent.inference.runner import Model
from agent.inference.shadow import ShadowWorker, load_candidate
from agent.inference.worker import ModelWorker, load_shipped
from agent.models.chosen import SHIPPED, Chosen
from agent.models.folder import Candidate, ModelFolder
from agent.profiles import Wt901
from agent.sensors.driver import Post

_LOG = structlog.get_logger()


def load_fall_detection(
    wearables: Mapping[str, Wt901],
    notes: Mapping[str, str],
    now: Now,
    post: Post,
    *,
    id_prefix: str,
    chosen: Chosen = SHIPPED,
    folder: ModelFolder | None = None,
) -> tuple[ModelWorker, FallDetector, Sequence[Effect]]:
    """Return the running model worker, the detector for the core, and effects to carry out first.

    `notes` are what the last boot left; `id_prefix` must differ from boot to boot; `folder` is where `chosen` is from.
    """
    judged = {name: judged_by(wearable, chosen) for name, wearable in wearables.items()}
    detection, effects = detector.start(judged, notes.get(BUDGET_NOTE), now, id_prefix=f"{id_prefix}.")
    shadow = None
    if chosen.shadow is not None and folder is not None:
        shadow = ShadowWorker(chosen.shadow, partial(folder.load, chosen.shadow), post)
    return _start_models(wearables, post, chosen, shadow), detection, effects


def _start_models(
    wearables: Mapping[str, Wt901], post: Post, chosen: Chosen, shadow: ShadowWorker | None
) -> ModelWorker:
    promoted = {name: stand_in(wearable, chosen) for name, wearable in wearables.items()}
    names = {name: live.name if live else wearables[name].fall.model for name, (live, _) in promoted.items()}
    refused = {name: why for name, (_, why) in promoted.items()}

    def load(name: str) -> tuple[ModelCard, Model]:
        if chosen.live is None or name != chosen.live.name:
            return load_shipped(name)
        return chosen.live.card, load_candidate(chosen.live)

    worker = ModelWorker(names, post, load, refused, shadow)
    worker.start()
    return worker


def stand_in(wearable: Wt901, chosen: Chosen) -> tuple[Candidate | None, str]:
    """Return the promoted model that judges a sensor (None: the shipped one does), and why it is not the wanted one."""
    live = chosen.live
    if live is not None and wearable.body_position not in live.card.body_positions:
        made_for = " or ".join(live.card.body_positions)
        return None, f"{live.name} is refused: it is made for {made_for}, not for the {wearable.body_position}"
    return live, chosen.refused


def judged_by(wearable: Wt901, chosen: Chosen = SHIPPED) -> Wearable:
    """Return how a sensor of the profile is judged: with its model's card, or without one if that can't be used."""
    live, _ = stand_in(wearable, chosen)
    if live is not None:
        return Wearable(wearable.fall, live.card)
    try:
        card = load_card(wearable.fall.model)
    except ModelError as error:
        _LOG.error("model_card_unusable", model=wearable.fall.model, detail=str(error))
        return Wearable(wearable.fall, None)
    if wearable.body_position not in card.body_positions:
        _LOG.error("model_not_for_body_position", model=card.label, body_position=wearable.body_position)
        return Wearable(wearable.fall, None)
    return Wearable(wearable.fall, card)
