"""The network, and one training of it from a seed.

Rules of this file: everything random comes from the seed; one thread, so that sums have one order and a second run
gives the same weights. 6,500 parameters: as int8 it fits in 24 kB with room to spare.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from agent.inference import channels, layout
from training.augment import augment
from training.dataset import Windows, pick

EPOCHS = 90
BATCH = 64
_PEAK_RATE, _LAST_RATE = 3e-3, 6e-4
_AVERAGED = 0.5
"""Of the epochs, the last share, over whose weights the mean is taken: one solution among many equal ones is luck."""

Weights = list[NDArray[np.float32]]


def single_thread(seed: int) -> None:
    """Make TensorFlow deterministic; before anything else is done with it."""
    keras.utils.set_random_seed(seed)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()


def network() -> keras.Model:
    """Return the untrained network; its input is (200, 1, 4): 2-D convolutions convert without reshapes."""
    layers = keras.layers
    x = inputs = keras.Input((layout.LENGTH, 1, len(layout.CHANNELS)))
    for filters, width, stride, pool in ((16, 7, 2, 2), (24, 5, 1, 2), (32, 5, 1, 1)):
        x = layers.Conv2D(filters, (width, 1), strides=(stride, 1), padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        if pool > 1:
            x = layers.MaxPooling2D((pool, 1))(x)
    x = layers.AveragePooling2D((x.shape[1], 1))(x)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Activation("sigmoid")(layers.Dense(1)(x)))


def logits(model: keras.Model, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return what stands before the sigmoid, of windows (n, 200, 4)."""
    before = keras.Model(model.inputs, model.layers[-2].output)
    out: NDArray[np.float64] = before.predict(x[:, :, None, :], batch_size=1024, verbose=0)[:, 0].astype(np.float64)
    return out


def train(windows: Windows, chosen: NDArray[np.bool_], seed: int, title: str, epochs: int = EPOCHS) -> keras.Model:
    """Train on the chosen windows; the same seed and windows give the same model."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = network()
    steps = epochs * -(-len(pick(windows, chosen, rng)[0]) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(_PEAK_RATE, round(steps * (1 - _AVERAGED)), _LAST_RATE / _PEAK_RATE)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3)
    # without XLA: it compiles for a minute, and saves nothing on a network this small
    model.compile(optimizer, keras.losses.BinaryCrossentropy(label_smoothing=0.02), jit_compile=False)
    late: list[Weights] = []
    for epoch in tqdm(range(epochs), desc=title, unit="epoch"):
        x, label, weight = _epoch(windows, chosen, rng)
        model.fit(x, label, sample_weight=weight, batch_size=BATCH, shuffle=False, verbose=0)
        if epoch >= epochs * (1 - _AVERAGED):
            late.append(model.get_weights())
    model.set_weights([np.mean(same, axis=0, dtype=np.float64).astype(np.float32) for same in zip(*late, strict=True)])
    _settle(model, _epoch(windows, chosen, rng)[0])
    return model


def _epoch(
    windows: Windows, chosen: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    picked, weight = pick(windows, chosen, rng)
    x = channels.channels(augment(windows.wide[picked], rng))[:, :, None, :]
    return x, windows.label[picked].astype(np.float32), weight


def _settle(model: keras.Model, x: NDArray[np.float32]) -> None:
    """Let batch normalisation measure what the mean of the weights gives it."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.9
    for start in range(0, len(x) - BATCH + 1, BATCH):
        model(x[start : start + BATCH], training=True)
