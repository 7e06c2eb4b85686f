"""The layout of every window that a model is given: how fast, how long, and of which channels.

Rules of this file: numbers and names only. A card is held against them before a unit starts, when nothing heavy may be
imported yet; the pipeline and the training take them from here.
"""

RATE_HZ = 50.0
"""Of the regular time grid that all motion is put on."""

CHANNELS = ("magnitude", "vertical", "horizontal", "tilt")
"""In this order; what each is stands in `agent/inference/channels.py`."""

BEFORE = 75
"""Samples before the impact."""

AFTER = 125
"""Samples from the impact on."""

LENGTH = BEFORE + AFTER

QUIET_BEFORE = 50
"""Samples from the window's start that gravity is taken from: they end before free fall begins."""
