"""Markdown tables, and figures in words: every share with its count and interval, every rate with its hours.

Rules of this file: it formats, and counts nothing itself but groups of recordings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from training.evaluate.counts import Material, Rate, Share, daily_life, falls, false_calls, hours, people
from training.evaluate.judged import Judged

NOTHING = "-"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def percent(hits: int, count: int) -> str:
    """Return a share in percent with two decimals; never 100.00 of less than all, never 0.00 of more than none."""
    rounded = round(10_000 * hits / count)
    shown = min(max(rounded, min(hits, 1)), 10_000 - (hits < count))
    return f"{shown / 100:.2f} %"


def share_words(share: Share) -> str:
    """Return hits, count, percent and interval."""
    if not share.count:
        return "none recorded"
    low, high = 100 * share.interval.low, 100 * share.interval.high
    return f"{share.hits} of {share.count} = {percent(share.hits, share.count)} ({low:.1f} to {high:.1f})"


def rate_words(rate: Rate) -> str:
    """Return events, hours, events an hour and interval."""
    if not rate.hours:
        return "none recorded"
    low, high = rate.interval.low, rate.interval.high
    return f"{rate.events} in {rate.hours:.2f} h = {rate.hourly:.2f} ({low:.2f} to {high:.2f})"


def without_trigger(chosen: Iterable[Judged]) -> int:
    """Return how many falls made no trigger at all, proper or soft."""
    return sum(not one.triggers for one in falls(chosen))


def by_rule(chosen: Iterable[Judged]) -> int:
    """Return how many recordings of daily life the unit called in by rule alone."""
    return sum(one.called_by_rule for one in daily_life(chosen))


def falls_table(title: str, material: Material, rows: Iterable[tuple[str, list[Judged]]]) -> str:
    """Return falls called, a row for each group that has falls."""
    return table(
        (title, "people", "falls called", "of which without trigger"),
        (
            (name, str(people(falls(of))), share_words(material.falls_called(of)), str(without_trigger(of)))
            for name, of in rows
            if falls(of)
        ),
    )


def daily_table(title: str, material: Material, rows: Iterable[tuple[str, list[Judged]]]) -> str:
    """Return daily life without a call, a row for each group that has any."""
    return table(
        (title, "people", "without a call", "false calls an hour", "called by rule"),
        (
            (
                name,
                str(people(daily_life(of))),
                share_words(material.daily_life_quiet(of)),
                rate_words(false_calls(of)),
                str(by_rule(of)),
            )
            for name, of in rows
            if daily_life(of)
        ),
    )


def whole_table(title: str, material: Material, rows: Iterable[tuple[str, list[Judged]]]) -> str:
    """Return falls and daily life side by side, a row for each group."""
    return table(
        (
            title,
            "people",
            "hours",
            "falls called",
            "without trigger",
            "daily life without a call",
            "false calls an hour",
        ),
        (
            (
                name,
                str(people(of)),
                f"{hours(of):.2f}",
                share_words(material.falls_called(of)),
                str(without_trigger(of)) if falls(of) else NOTHING,
                share_words(material.daily_life_quiet(of)),
                rate_words(false_calls(of)),
            )
            for name, of in rows
        ),
    )
