"""What the model was to reach, beside what it reaches.

Rules of this file: a target is met by the figure, not by its interval; where the interval holds the target, the row
says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agent.inference.cards import ModelCard
from training.evaluate.activities import HIP, SISFALL
from training.evaluate.counts import Material, Share, false_calls
from training.evaluate.intervals import Interval
from training.evaluate.judged import Judged
from training.evaluate.tables import rate_words, share_words, table
from training.evaluate.versus import versus

LARGEST_BYTES = 24 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """One line: what, the limit in words, what was reached in words, and whether that is enough."""

    what: str
    limit: str
    reached: str
    met: bool
    sure: bool

    @property
    def verdict(self) -> str:
        """Return the last cell of the row."""
        if not self.met:
            return "**missed**" if self.sure else "**missed**, within the interval"
        return "reached" if self.sure else "reached, though not beyond doubt"


def older(chosen: Sequence[Judged]) -> list[Judged]:
    """Return the recordings of people of 60 and over."""
    return [one for one in chosen if one.recording.age_group == "older"]


def targets(material: Material, card: ModelCard, reference_g: float) -> list[Target]:
    """Return the targets that these recordings can speak of."""
    sisfall, hip = material.from_source(SISFALL), material.from_source(HIP)
    rate, plain = false_calls(older(sisfall)), versus(material, sisfall, reference_g)
    lost, hourly = plain.lost, "SisFall, 60 and over: false calls an hour of this dense material"
    return [
        _at_least("SisFall: falls called", 0.995, material.falls_called(sisfall)),
        _at_least("SisFall: daily life without a call", 0.995, material.daily_life_quiet(sisfall)),
        _at_least("SisFall, 60 and over: daily life without a call", 0.997, material.daily_life_quiet(older(sisfall))),
        _at_most(hourly, "0.5", 0.5, rate.hourly, rate.interval, rate_words(rate)),
        _at_least("SmartFallMM, Meta sensor on the hip: falls called", 0.96, material.falls_called(hip)),
        _at_least(
            "SmartFallMM, Meta sensor on the hip: daily life without a call", 0.995, material.daily_life_quiet(hip)
        ),
        _at_least(f"SisFall: false triggers of a {reference_g:g} g sensor suppressed", 0.995, plain.suppressed),
        _at_most(
            f"SisFall: falls that a {reference_g:g} g sensor finds, lost",
            "0.3 %",
            0.003,
            lost.share,
            lost.interval,
            share_words(lost),
        ),
        Target(
            "size of the int8 file",
            f"at most {LARGEST_BYTES} bytes",
            f"{card.bytes} bytes",
            met=card.bytes <= LARGEST_BYTES,
            sure=True,
        ),
    ]


def _at_least(what: str, least: float, share: Share) -> Target:
    sure = share.interval.low >= least or share.interval.high < least
    return Target(what, f"at least {100 * least:g} %", share_words(share), met=share.share >= least, sure=sure)


def _at_most(what: str, words: str, most: float, value: float, interval: Interval, reached: str) -> Target:
    sure = interval.high <= most or interval.low > most
    return Target(what, f"at most {words}", reached, met=value <= most, sure=sure)


def target_table(found: Sequence[Target]) -> str:
    """Return the table."""
    return table(("what", "target", "reached", ""), ((t.what, t.limit, t.reached, t.verdict) for t in found))
