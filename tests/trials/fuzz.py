"""Fuzz from both ends: bytes that no sensor sent, and messages that no centre should have sent.

Rules of this file: the two trials of the registry, and nothing else; each has a file of its own.
"""

from __future__ import annotations

from tests.trials.fuzz_downlink import downlink
from tests.trials.fuzz_framers import framers

__all__ = ["downlink", "framers"]
