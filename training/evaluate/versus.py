"""The model beside a plain threshold sensor that calls at every peak over `reference_g`, on the same recordings.

Rules of this file: the sensor is given the same 50 Hz samples, so its level is the one that finds 99 % of SisFall's
falls there. What is called by rule, near the end of a recording, counts for neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.evaluate.counts import Material, Share, by_person, called, daily_life, falls, person_of, share_of
from training.evaluate.curve import Point, at, over
from training.evaluate.judged import Judged


@dataclass(frozen=True, slots=True)
class Versus:
    """What the model makes of the plain sensor's calls; `lost` are falls that it finds and the model does not."""

    plain: Point
    suppressed: Share
    lost: Share


def versus(material: Material, chosen: Sequence[Judged], reference_g: float) -> Versus:
    """Compare on these recordings, of one source."""
    finds = [one for one in falls(chosen) if any(t.peak_g > reference_g and t.score is not None for t in one.triggers)]
    return Versus(
        plain=at(material, chosen, reference_g, over(reference_g)),
        suppressed=_suppressed(daily_life(chosen), reference_g),
        lost=material.share(finds, lambda one: not called(one)),
    )


def _suppressed(chosen: Sequence[Judged], reference_g: float) -> Share:
    triggers = [(person_of(one), t) for one in chosen for t in one.triggers]
    fired = [(whose, t) for whose, t in triggers if t.peak_g > reference_g and t.score is not None]
    return share_of(by_person((whose, not t.verdict.is_call, 1) for whose, t in fired))
