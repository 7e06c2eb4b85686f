"""Loads what judges falls and sees whether a wearable is worn: slow, so no cord waits for it.

Rules of this file: called once, in a thread of its own, after the cords are armed; what takes long is imported there.
Whatever it raises, whoever called it says so to the core, which keeps the plain threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.assessment import FallDetection
    from agent.clock import Clock
    from agent.config_files import Unit
    from agent.effects import Effect
    from agent.inference.worker import ModelWorker
    from agent.sensors.driver import Post
    from agent.wearing import StillnessWatch


@dataclass(frozen=True, slots=True)
class FallsLoaded:
    """Fall detection is there; or `detection` is None, and `reason` says why. `effects` are to be carried out first."""

    detection: FallDetection | None
    models: ModelWorker | None = None
    stillness: StillnessWatch | None = None
    effects: tuple[Effect, ...] = ()
    reason: str = ""


def load_falls(
    unit: Unit,
    notes: Mapping[str, str],
    clock: Clock,
    post: Post,
    *,
    boot_id: str,
    around: Callable[[FallDetection], FallDetection],
) -> FallsLoaded:
    """Return what was loaded. `notes` are what the last boot left; `around` is who keeps windows."""
    from agent.inference.start import load_fall_detection  # noqa: PLC0415 - numpy and the runtime take long
    from agent.inference.stillness import Stillness  # noqa: PLC0415 - the same
    from agent.models.chosen import choose  # noqa: PLC0415 - with them
    from agent.models.folder import folder_of  # noqa: PLC0415 - with them

    folder = folder_of(unit)
    models, detection, effects = load_fall_detection(
        unit.profile.wearables, notes, clock.now(), post, id_prefix=boot_id, chosen=choose(folder), folder=folder
    )
    return FallsLoaded(around(detection), models, Stillness(), tuple(effects))
