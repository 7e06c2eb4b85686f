"""The search that proves that no motion leaves memory finds it in every form, and does not cry wolf."""

from __future__ import annotations

import base64
import json
import os
import zlib

import pytest

from tests.motion_traces import MARKER, needles, traces

NOISE = os.urandom(200_000)


@pytest.mark.parametrize("form", list(needles(MARKER)))
def test_each_binary_form_is_found(form: str) -> None:
    assert form in traces(NOISE + needles(MARKER)[form] + NOISE, MARKER)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(repr(MARKER), id="python"),
        pytest.param(json.dumps({"xyz": MARKER}), id="json"),
        pytest.param(",".join(f"{v:.4f}" for v in MARKER), id="csv-of-recordings"),
        pytest.param(" ".join(f"{v:.6f}" for v in MARKER), id="six-decimals"),
    ],
)
def test_text_is_found(text: str) -> None:
    assert "text" in traces(f"log line {text} and more".encode(), MARKER)


@pytest.mark.parametrize("before", range(4))
def test_base64_is_found_at_every_alignment(before: int) -> None:
    assert "doubles" in traces(base64.b64encode(b"x" * before + needles(MARKER)["doubles"] + b"yyy"), MARKER)


def test_a_packed_window_is_found() -> None:
    assert "zlib: doubles" in traces(b"header\n" + zlib.compress(NOISE + needles(MARKER)["doubles"]), MARKER)


def test_noise_and_other_numbers_are_no_trace() -> None:
    other = json.dumps([round(index / 977, 4) for index in range(3000) if round(index / 977, 3) != 0.624])
    assert traces(NOISE + other.encode() + zlib.compress(NOISE), MARKER) == []
