"""So that a score means something: of the triggers that score s, the share s are falls, were one in four a fall.

Rules of this file: Platt's two numbers, fitted on scores of people who were not learnt from, and put into the network's
last layer, so that the file itself answers calibrated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import keras

FALL_SHARE = 0.25
_STEPS = 50
_RIDGE = 1e-3  # keeps the two finite where a threshold parts all falls from all else


def platt(logit: NDArray[np.float64], label: NDArray[np.int8]) -> tuple[float, float]:
    """Return (slope, shift): sigmoid(slope * logit + shift) is the share of falls, were they `FALL_SHARE` of all."""
    fall = label == 1
    weight = np.where(fall, FALL_SHARE / fall.sum(), (1 - FALL_SHARE) / (~fall).sum())
    x = np.stack((logit, np.ones_like(logit)), axis=1)
    beta = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -50, 50)))
        slope = x.T @ (weight * (fall - p)) - _RIDGE * (beta - [1.0, 0.0])
        bend = (x * (weight * p * (1 - p))[:, None]).T @ x + _RIDGE * np.eye(2)
        beta = beta + np.linalg.solve(bend, slope)
    return float(beta[0]), float(beta[1])


def put_into(model: keras.Model, slope: float, shift: float) -> None:
    """Scale and shift what the last layer gives to the sigmoid."""
    dense = model.layers[-2]
    kernel, bias = dense.get_weights()
    dense.set_weights([kernel * np.float32(slope), bias * np.float32(slope) + np.float32(shift)])
