"""Runs one TFLite model on whichever runtime the unit has: LiteRT (`ai_edge_litert`) or `tflite_runtime`.

Rules of this file: a shell. One thread, int8 in and out. Everything that can be wrong with a file is found when it is
loaded, by a `Broken` with the code that the event will carry. Nothing heavy is imported before a model is loaded.
"""

from __future__ import annotations

import hashlib
import importlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.errors import ModelError
from agent.inference.cards import ModelCard, Quantisation
from agent.inference.policy import Unasked

RUNTIMES = ("ai_edge_litert.interpreter", "tflite_runtime.interpreter")


class Broken(ModelError):  # noqa: N818 - reads as what it says at every raise
    """The model can't be used; `code` says in which way."""

    def __init__(self, code: Unasked, message: str) -> None:
        super().__init__(message)
        self.code = code


class Model:
    """A loaded model. `score` may be called from one thread at a time."""

    def __init__(self, card: ModelCard, content: bytes, runtimes: tuple[str, ...] = RUNTIMES) -> None:
        _check_hash(card, content)
        self._card = card
        self._interpreter, self.runtime = _interpreter(card, content, runtimes)
        self._input = _check_port(card, "input", self._interpreter.get_input_details(), card.input)
        self._output = _check_port(card, "output", self._interpreter.get_output_details(), card.output)
        self._shape = tuple(int(n) for n in self._input["shape"])
        if math.prod(self._shape) != math.prod(card.input_shape) or self._shape[-1] != card.input_shape[1]:
            raise Broken(Unasked.WRONG_SHAPE, f"{card.label} takes {self._shape}, its card says {card.input_shape}")
        if math.prod(int(n) for n in self._output["shape"]) != 1:
            raise Broken(Unasked.WRONG_SHAPE, f"{card.label} gives {self._output['shape']}, we expect one score")
        self.score(np.zeros(card.input_shape, dtype=np.float32))  # tflite-runtime with NumPy 2 fails only when asked

    def score(self, window: NDArray[np.float32]) -> float:
        """Return the model's answer, 0..1, on one window (samples, channels); Broken if it can't be had."""
        if window.shape != self._card.input_shape:
            raise Broken(
                Unasked.WRONG_SHAPE, f"window of {window.shape}, {self._card.label} takes {self._card.input_shape}"
            )
        if not np.isfinite(window).all():
            raise Broken(Unasked.NOT_A_NUMBER, "the window holds values that are no numbers")
        try:
            self._interpreter.set_tensor(self._input["index"], quantised(window, self._card.input).reshape(self._shape))
            self._interpreter.invoke()
            raw = int(self._interpreter.get_tensor(self._output["index"]).reshape(-1)[0])
        except (RuntimeError, ValueError, TypeError) as error:
            raise Broken(Unasked.EXCEPTION, f"{self._card.label} failed on {self.runtime}: {error}") from error
        return (raw - self._card.output.zero_point) * self._card.output.scale


def quantised(window: NDArray[np.float32], port: Quantisation) -> NDArray[np.int8]:
    """Return the window as the int8 model takes it."""
    steps: NDArray[np.float32] = np.rint(window / np.float32(port.scale)) + np.float32(port.zero_point)
    return np.clip(steps, -128, 127).astype(np.int8)


def make_interpreter(runtime: Any, content: bytes) -> Any:
    """Return an interpreter of a runtime's module, ready to be asked: one thread, and no XNNPACK delegate.

    The delegate costs a megabyte, writes to standard error, and makes runtimes differ in the last digit.
    """
    plain = runtime.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    made = runtime.Interpreter(model_content=content, num_threads=1, experimental_op_resolver_type=plain)
    made.allocate_tensors()
    return made


def _check_hash(card: ModelCard, content: bytes) -> None:
    found = hashlib.sha256(content).hexdigest()
    if found != card.sha256:
        both = f"has sha256 {found[:12]}…, its card says {card.sha256[:12]}…"
        raise Broken(Unasked.WRONG_HASH, f"{card.name}.tflite {both}; install the package again")


def _interpreter(card: ModelCard, content: bytes, runtimes: tuple[str, ...]) -> tuple[Any, str]:
    faults: list[str] = []
    for name in runtimes:
        try:
            made = make_interpreter(importlib.import_module(name), content)
        except Exception as error:  # noqa: BLE001 - a runtime's import and constructor fail in every way there is
            faults.append(f"{name.partition('.')[0]}: {type(error).__name__}: {error}")
        else:
            return made, name.partition(".")[0]
    raise Broken(Unasked.EXCEPTION, f"no runtime can load {card.label} ({'; '.join(faults)})")


def _check_port(card: ModelCard, side: str, details: list[dict[str, Any]], expected: Quantisation) -> dict[str, Any]:
    if len(details) != 1 or details[0]["dtype"] is not np.int8:
        raise Broken(Unasked.WRONG_SHAPE, f"{card.label} must have one int8 {side}; it has {details}")
    scale, zero_point = details[0]["quantization"]
    if not math.isclose(scale, expected.scale, rel_tol=1e-5) or zero_point != expected.zero_point:
        raise Broken(Unasked.WRONG_SHAPE, f"{card.label}: quantisation of its {side} is not what its card says")
    return details[0]
