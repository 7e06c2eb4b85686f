"""The network, and one training of it from a seed.

Rules of this file: everything random comes from the seed; one thread, so that sums have one order and a second run
gives the same weights. 6,500 parameters: as int8 it fits in 24 kB with room to spare.
"""

from __future__ import annotations

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # one summation order, whatever the processor

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from agent.inference import channels, layout
from training.augment import augment
from training.dataset import Windows

EPOCHS = 45
BATCH = 128
_PEAK_RATE = 3e-3
_FALL_WEIGHT = 2.0


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
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


def weights_of(windows: Windows) -> NDArray[np.float32]:
    """Return how much each window counts: a recording with many triggers counts as the square root of them."""
    daily = windows.label == 0
    per_recording = np.bincount(windows.recording[daily], minlength=int(windows.recording.max()) + 1)
    weight = 1.0 / np.sqrt(np.maximum(per_recording[windows.recording], 1))
    return np.where(windows.label == 1, _FALL_WEIGHT, weight).astype(np.float32)


def train(windows: Windows, chosen: NDArray[np.bool_], seed: int, title: str, epochs: int = EPOCHS) -> keras.Model:
    """Train on the chosen windows; the same seed and windows give the same model."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    model = network()
    picked = np.flatnonzero(chosen & (windows.label >= 0))
    label, weight = windows.label[picked].astype(np.float32), weights_of(windows)[picked]
    steps = epochs * -(-len(picked) // BATCH)
    optimizer = keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(_PEAK_RATE, steps), weight_decay=1e-3)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(label_smoothing=0.02))
    for _ in tqdm(range(epochs), desc=title, unit="epoch"):
        order = rng.permutation(len(picked))
        x = channels.channels(augment(windows.wide[picked[order]], rng))[:, :, None, :]
        model.fit(x, label[order], sample_weight=weight[order], batch_size=BATCH, shuffle=False, verbose=0)
    return model
