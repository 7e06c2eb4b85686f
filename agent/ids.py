"""Identifiers and jitter that are random to the world and reproducible to a replay.

Rules of this file: pure. Randomness comes from a seed that the shell takes from the operating system once a boot; each
draw hashes the seed with a counter, so the same readings give the same ids, and nobody can guess the next one.
UUIDv7: RFC 9562, 5.7.
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Entropy:
    """A seed of at least 16 random bytes and the number of draws so far."""

    seed: bytes
    draws: int = 0

    def draw(self) -> tuple[Entropy, bytes]:
        """Return the next state and 16 bytes."""
        digest = hashlib.blake2b(self.draws.to_bytes(8, "big"), key=self.seed[:64], digest_size=16).digest()
        return replace(self, draws=self.draws + 1), digest

    def uuid7(self, wall: float) -> tuple[Entropy, str]:
        """Return the next state and a UUIDv7 whose time is `wall` (seconds since 1970, cut to its 48-bit range)."""
        after, noise = self.draw()
        millis = min(max(int(wall * 1000), 0), (1 << 48) - 1)
        value = millis << 80 | 0x7 << 76 | (int.from_bytes(noise[:2], "big") & 0xFFF) << 64
        value |= 0b10 << 62 | int.from_bytes(noise[2:10], "big") & ((1 << 62) - 1)
        return after, str(uuid.UUID(int=value))

    def fraction(self) -> tuple[Entropy, float]:
        """Return the next state and a number in [0, 1)."""
        after, noise = self.draw()
        return after, int.from_bytes(noise[:7], "big") / (1 << 56)
