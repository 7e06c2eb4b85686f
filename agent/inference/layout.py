"""The layout of every window that a model is given: how fast, how long, and of which channels.

Rules of this file: numbers and names only. A card is held against them before a unit starts, when nothing heavy may be
imported yet; the pipeline and the training take them from here.
"""

from __future__ import annotations

from dataclasses import dataclass

RATE_HZ = 50.0
"""Of the regular time grid that all motion is put on."""

CHANNELS = ("shock", "vertical_shock", "horizontal_shock", "tilt", "speed_change")
"""In this order; what each is stands in `agent/inference/channels.py`."""

BEFORE = 75
"""Samples before the impact."""

AFTER = 125
"""Samples from the impact on."""

LENGTH = BEFORE + AFTER

QUIET_BEFORE = 50
"""Samples from the window's start that gravity is taken from: they end before free fall begins."""


@dataclass(frozen=True, slots=True)
class SoftTrigger:
    """A fainter impact, from `level_g` on, is a trigger where the posture changed by `turned_deg` or more with it.

    Somebody who slides from a chair, or breaks a fall by the hands, meets the floor with less than a quick step makes,
    but does not stay upright. So this level adds hardly a trigger while people walk. Where the window of a trigger
    proper shows the faint impact, there is none.
    """

    level_g: float
    turned_deg: float
