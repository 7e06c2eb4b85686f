"""What a citizen reads from a blinking light: from the edges of its pin to what it says.

Rules of this file: pure. The patterns are those of `agent.indicators.LIGHT_PATTERNS`, told apart by how long the light
is on; *ready* and *line down* share a short flash and are told apart by the pause after it. A flash says nothing before
it is longer than both: that is when a citizen could know, too.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from agent.effects import Light

if TYPE_CHECKING:
    from collections.abc import Iterable

FLASH_S = 0.18
"""Longer on than this is no flash of *ready* or *line down* (0.1 s, and what the emulator adds)."""
PRE_ALARM_S = 0.38
SENDING_S = 0.9
RECEIVED_S = 1.75
PAUSE_OF_LINE_DOWN_S = 2.2


def read_light(edges: Iterable[tuple[float, bool]], until: float, *, steady: bool = False) -> list[tuple[float, Light]]:
    """Return (moment, light) for each change of what the light says; `edges` are (seconds, level) of its pin.

    With `steady` only what two pulses in a row say: one alone may have been stretched by a busy emulator.
    """
    said: list[tuple[float, Light]] = []
    for began, on_s, off_s in _pulses([edge for edge in edges if edge[0] < until], until):
        light = _meaning(on_s, off_s)
        if light is not None:
            said.append((began, light))
    if steady:
        said = [entry for entry, later in pairwise(said) if entry[1] is later[1]] + said[-1:]
    return [entry for index, entry in enumerate(said) if index == 0 or said[index - 1][1] is not entry[1]]


def promised(edges: Iterable[tuple[float, bool]], after: float, until: float) -> float | None:
    """Return when the light first said *sending* or more after `after`; None if it did not.

    A light that is on at `until`, when the power went, is taken at its word after `FLASH_S`, not after a whole pulse.
    """
    for began, on_s, _ in _pulses([edge for edge in edges if edge[0] < until], until):
        if began >= after and on_s > PRE_ALARM_S:
            return began
        if began >= after and on_s > FLASH_S and began + on_s >= until:
            return began
    return None


def _pulses(edges: list[tuple[float, bool]], until: float) -> list[tuple[float, float, float | None]]:
    """Return (began, seconds on, seconds off after it or None) for each time that the light was on."""
    pulses: list[tuple[float, float, float | None]] = []
    for index, (at, level) in enumerate(edges):
        if not level:
            continue
        off_at = next((when for when, later in edges[index + 1 :] if not later), None)
        if off_at is None:
            pulses.append((at, until - at, None))
            continue
        on_again = next((when for when, later in edges[index + 1 :] if later and when > off_at), None)
        pulses.append((at, off_at - at, None if on_again is None else on_again - off_at))
    return pulses


def _meaning(on_s: float, off_s: float | None) -> Light | None:
    if on_s <= FLASH_S:
        if off_s is None:
            return None
        return Light.LINE_DOWN if off_s < PAUSE_OF_LINE_DOWN_S else Light.READY
    if on_s <= PRE_ALARM_S:
        return Light.PRE_ALARM
    if on_s <= SENDING_S:
        return Light.SENDING
    return Light.RECEIVED if on_s <= RECEIVED_S else Light.COMING
