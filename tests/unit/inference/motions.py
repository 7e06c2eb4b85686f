"""Made-up motion for tests: simple enough to reason about, sampled at any rate."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.inference import layout
from agent.inference.cards import Comparison, ModelCard, Quantisation, Share, TrainingData, load_card
from agent.inference.detector import Wearable
from agent.profiles import FallPolicy
from agent.readings import MotionBatch

Floats = NDArray[np.float64]
STANDING = np.array([0.0, 1.0, 0.0])
LYING = np.array([1.0, 0.0, 0.0])


def times(seconds: float, rate_hz: float = 50.0, start: float = 1000.0) -> Floats:
    return start + np.arange(round(seconds * rate_hz)) / rate_hz


def fall(t: Floats, impact_at: float, peak_g: float = 4.0) -> Floats:
    """Standing, 300 ms of free fall, a blow of 60 ms around `impact_at`, lying still."""
    xyz = np.where((t < impact_at)[:, None], STANDING, LYING).astype(np.float64)
    xyz[(t >= impact_at - 0.34) & (t < impact_at - 0.04)] *= 0.2
    blow = np.abs(t - impact_at) < 0.0301
    xyz[blow] = LYING * (peak_g - 20 * np.abs(t[blow] - impact_at))[:, None]
    return xyz


def jolts(t: Floats, every_s: float = 0.6, peak_g: float = 2.5) -> Floats:
    """Walking hard: a jolt along gravity every so often, always upright."""
    near = np.abs((t % every_s) - every_s / 2) < 0.031
    return STANDING * np.where(near, peak_g, 1.0)[:, None]


def batch(t: Floats, xyz: Floats, sensor: str = "wearable") -> MotionBatch:
    return MotionBatch(sensor, t, xyz)


def card(threshold: float = 0.6, **changes: object) -> ModelCard:
    share = Share(part=1, whole=1)
    fields: dict[str, object] = {
        "name": "fall-test",
        "version": "1.0.0",
        "sha256": "0" * 64,
        "bytes": 1,
        "body_positions": ("waist", "hip"),
        "rate_hz": layout.RATE_HZ,
        "before_s": layout.BEFORE / layout.RATE_HZ,
        "after_s": layout.AFTER / layout.RATE_HZ,
        "channels": layout.CHANNELS,
        "trigger_g": 1.6,
        "threshold": threshold,
        "uncertain_above": 0.5,
        "input": Quantisation(scale=0.03, zero_point=0),
        "output": Quantisation(scale=1 / 256, zero_point=-128),
        "seed": 1,
        "trained_on": TrainingData(datasets=("none",), recordings=0, falls=0, subjects=0, windows=0),
        "figures": (),
        "comparison": Comparison(threshold_g=2.13, false_triggers_suppressed=share, its_falls_lost=share),
        "limits": ("a card for tests",),
    }
    return ModelCard.model_validate(fields | changes)


def wearable(threshold: float = 0.6, **policy: object) -> Wearable:
    return Wearable(FallPolicy.model_validate(policy), card(threshold))


def model_that_says(score: float) -> Any:
    """Return the shipped card, and a model that gives every window this score."""
    return load_card("fall-waist"), SimpleNamespace(runtime="none", score=lambda _: score)
