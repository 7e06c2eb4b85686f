"""The network, and one training of it from a seed.

Rules of this file: everything random comes from the seed; one thread, so that sums have one order and a second run
gives the same weights. What is shipped are `TOWERS` small networks side by side, each trained from a seed of its own,
and the mean of what they say: where one is wrong by chance, the other seldom is. As int8 they fit in 24 kB.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from agent.inference import layout
from training.epochs import Material, epoch

EPOCHS = 90
BATCH = 64
_PEAK_RATE, _LAST_RATE = 3e-3, 6e-4
_AVERAGED = 0.5
"""Of the epochs, the last share, over whose weights the mean is taken: one solution among many equal ones is luck."""

TOWERS = 2
_LAYERS = ((14, 7, 2, 2), (20, 5, 1, 2), (28, 5, 1, 1))
"""Filters, their width, stride, and over how many samples the largest is taken."""
_PARTS = 5

Weights = list[NDArray[np.float32]]


def single_thread(seed: int) -> None:
    """Make TensorFlow deterministic; before anything else is done with it."""
    keras.utils.set_random_seed(seed)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def network(towers: int = TOWERS) -> keras.Model:
    """Return the untrained network; its input is (200, 1, 5): 2-D convolutions convert without reshapes."""
    inputs = keras.Input((layout.LENGTH, 1, len(layout.CHANNELS)))
    seen = [_tower()(inputs) for _ in range(towers)]
    x = keras.layers.Concatenate()(seen) if towers > 1 else seen[0]
    x = keras.layers.Dropout(0.2)(x)
    return keras.Model(inputs, keras.layers.Activation("sigmoid")(keras.layers.Dense(1)(x)))


def _tower() -> keras.Model:
    """Return what finds features: their means over five parts of the window, so that their order counts."""
    layers = keras.layers
    x = inputs = keras.Input((layout.LENGTH, 1, len(layout.CHANNELS)))
    for filters, width, stride, pool in _LAYERS:
        x = layers.Conv2D(filters, (width, 1), strides=(stride, 1), padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        if pool > 1:
            x = layers.MaxPooling2D((pool, 1))(x)
    x = layers.AveragePooling2D((x.shape[1] // _PARTS, 1))(x)
    return keras.Model(inputs, layers.Flatten()(x))


def joined(learnt: list[Weights]) -> keras.Model:
    """Return one network that says the mean of what several with one tower say before their sigmoid."""
    model = network(len(learnt))
    towers = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    for tower, weights in zip(towers, learnt, strict=True):
        tower.set_weights(weights[:-2])
    kernel = np.concatenate([weights[-2] for weights in learnt]) / len(learnt)
    model.layers[-2].set_weights([kernel, np.mean([weights[-1] for weights in learnt], axis=0)])
    return model


def logits(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what stands before the sigmoid, of windows (n, 200, 5)."""
    before = keras.Model(model.inputs, model.layers[-2].output)
    out: NDArray[np.float64] = before.predict(x[:, :, None, :], batch_size=1024, verbose=0)[:, 0].astype(np.float64)
    return out


def scores(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the scores of windows (n, 200, 5), in double precision."""
    out: NDArray[np.float64] = 1 / (1 + np.exp(-logits(model, x)))
    return out


def train(material: Material, chosen: NDArray[np.bool_], seed: int, title: str, epochs: int = EPOCHS) -> Weights:
    """Train one tower on the chosen recordings; the same seed and material give the same weights."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = network(1)
    steps = epochs * -(-len(epoch(material, chosen, rng)[0]) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(_PEAK_RATE, round(steps * (1 - _AVERAGED)), _LAST_RATE / _PEAK_RATE)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3)
    # without XLA: it compiles for a minute, and saves nothing on a network this small
    model.compile(optimizer, keras.losses.BinaryCrossentropy(label_smoothing=0.02), jit_compile=False)
    late: list[Weights] = []
    for number in tqdm(range(epochs), desc=title, unit="epoch"):
        x, label, weight = epoch(material, chosen, rng)
        model.fit(x, label, sample_weight=weight, batch_size=BATCH, shuffle=False, verbose=0)
        if number >= epochs * (1 - _AVERAGED):
            late.append(model.get_weights())
    model.set_weights([np.mean(same, axis=0, dtype=np.float64).astype(np.float32) for same in zip(*late, strict=True)])
    _settle(model, epoch(material, chosen, rng)[0])
    weights: Weights = model.get_weights()
    return weights


def _settle(model: keras.Model, x: NDArray[np.float32]) -> None:
    """Let batch normalisation measure what the mean of the weights gives it."""
    for layer in model.layers[1].layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9
    for start in range(0, len(x) - BATCH + 1, BATCH):
        model(x[start : start + BATCH], training=True)
