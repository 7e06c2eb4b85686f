"""The number of a boot that could not be counted, because the disk with the count can't be read or written.

Rules of this file: pure. A `sequence` begins with the number of the boot and must neither repeat nor go back, so such a
boot takes a number that counting does not reach, from the wall clock; a clock that can't be right gives a random one
below those. Once the disk can be written again the count goes on from the highest number in use.

         1 …    999,999   counted on disk, start after start (a start each minute, for two years, is a million)
 1,000,000 …  9,999,999   not counted, and no clock: random
10,000,000 … 99,999,999   not counted: 10,000,000 + half minutes since 2026, which lasts until 2111
"""

from __future__ import annotations

HIGHEST = 99_999_999
"""What eight digits hold."""

_RANDOM_FROM = 1_000_000
_CLOCK_FROM = 10_000_000
_YEAR_2026 = 1_767_225_600
_UNIT_S = 30


def uncounted(wall: float, chance: int) -> int:
    """Return a number for a boot at `wall` seconds since 1970; `chance` is any number, fresh for each boot."""
    by_clock = _CLOCK_FROM + int(wall - _YEAR_2026) // _UNIT_S
    if wall < _YEAR_2026 or by_clock > HIGHEST:
        return _RANDOM_FROM + chance % (_CLOCK_FROM - _RANDOM_FROM)
    return by_clock
