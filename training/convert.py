"""From a trained network to an int8 TFLite file, and the gate that both say the same.

Rules of this file: a file that does not agree with its float network is never written. (Seen: a converter whose
default int8 quantisation silently capped the output at 0.5.)
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert import interpreter as litert
from numpy.typing import NDArray

from agent.inference import channels
from agent.inference.cards import Quantisation
from agent.inference.runner import make_interpreter, quantised

LARGEST_BYTES = 24 * 1024
_MEAN_APART = 0.02
_FAR = 0.15
_FAR_SHARE = 0.01


class Disagreement(Exception):  # noqa: N818 - what it is
    """The int8 file does not say what the float network says; the build must stop."""


@dataclass(frozen=True, slots=True)
class Converted:
    """An int8 model with the quantisation of its input and output."""

    content: bytes
    input: Quantisation
    output: Quantisation

    @property
    def sha256(self) -> str:
        """Return the file's hash."""
        return hashlib.sha256(self.content).hexdigest()

    def scores(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the score of each window (n, 200, 5), by the runtime that the unit uses."""
        interpreter = make_interpreter(litert, self.content)
        into, out = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        raw = np.empty(len(x))
        for i, window in enumerate(quantised(x, self.input)):
            interpreter.set_tensor(into["index"], window.reshape(into["shape"]))
            interpreter.invoke()
            raw[i] = int(interpreter.get_tensor(out["index"]).reshape(-1)[0])
        return (raw - self.output.zero_point) * self.output.scale


def convert(model: keras.Model, sample: NDArray[np.float32]) -> Converted:
    """Quantise the network; `sample` (n, 200, 5) are windows that show the range of every layer.

    Two windows at the ends of the channels' range are added, so that no input is ever cut off.
    """
    ends = np.stack((np.full_like(sample[0], -channels.LIMIT), np.full_like(sample[0], channels.LIMIT)))
    sample = np.concatenate((sample, ends))
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([window[None, :, None, :]] for window in sample)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    content = converter.convert()
    interpreter = make_interpreter(litert, content)
    ports = [interpreter.get_input_details()[0], interpreter.get_output_details()[0]]
    scales = [Quantisation(scale=float(p["quantization"][0]), zero_point=int(p["quantization"][1])) for p in ports]
    return Converted(content, *scales)


def gate(floats: NDArray[np.float64], ints: NDArray[np.float64]) -> None:
    """Raise Disagreement unless the int8 scores follow the float ones over their whole range."""
    apart = np.abs(floats - ints)
    far = float((apart > _FAR).mean())
    if apart.mean() > _MEAN_APART or far > _FAR_SHARE or abs(floats.max() - ints.max()) > _FAR:
        raise Disagreement(
            f"float and int8 differ by {apart.mean():.3f} on average (at most {_MEAN_APART}), {far:.2%} by over {_FAR} "
            f"(at most {_FAR_SHARE:.0%}); highest scores {floats.max():.3f} and {ints.max():.3f}. Do not ship this."
        )
