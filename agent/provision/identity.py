"""The unit's random id: said over a telephone and read off a label without a mistake.

Rules of this file: the id says nothing about anybody, comes from the operating system's randomness, and never looks
like a CPR number.
"""

from __future__ import annotations

import secrets

from agent.config_faults import CPR_LIKE

ALPHABET = "abcdefghjkmnpqrtuvwxy234567"
"""a-z and 2-7 without i, l and o, which are read as 1 and 0, and s and z, which are read as 5 and 2."""

LENGTH = 10
"""27^10 ids: with 100,000 units the odds that any two are alike are 1 in 40,000."""


def new_unit_id() -> str:
    """Return a fresh unit id, such as u-k7qm3xw2ar."""
    while True:
        unit_id = "u-" + "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if not CPR_LIKE.search(unit_id):
            return unit_id
