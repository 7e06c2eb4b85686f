"""Which motion is taken, and that fall detection does not notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assessment import Assessed, Assessment, FallDetection, Signal, TriggerSeen, Verdict
from agent.clock import Now
from agent.effects import Effect, KeepWindow, Log
from agent.readings import Item, MotionBatch, Tick
from agent.windows import taking
from agent.windows.record import samples_of
from agent.windows.taking import AFTER_S, BEFORE_S, JOIN_S, LATE_S, MOST_BATCHES, Taking

RATE = 50.0
SENSOR = "wearable"


@dataclass(frozen=True)
class Told:
    """Fall detection that says at each moment what it is told to, as soon as the moment has come."""

    script: tuple[tuple[float, Signal], ...] = ()
    breaks: bool = False

    def step(self, item: Item, now: Now) -> tuple[FallDetection, Sequence[Signal | Effect]]:  # noqa: ARG002 - the script decides
        if self.breaks:
            raise ValueError("broken")
        said = [signal for at, signal in self.script if at <= now.mono]
        return Told(tuple(entry for entry in self.script if entry[0] > now.mono)), said

    def next_deadline(self) -> float | None:
        return 4711.0


def seen(impact_at: float, number: int = 1) -> TriggerSeen:
    return TriggerSeen(f"t{number}", SENSOR, impact_at, 2.5, over_reference=True, answer_by=impact_at + 6)


def assessed(impact_at: float, number: int = 1, verdict: Verdict = Verdict.CONFIRMED) -> Assessed:
    answer = Assessment(verdict, ("impact",), 0.9, 0.5, "fall-test/1", "0" * 64)
    return Assessed(
        f"t{number}", SENSOR, impact_at, 3.5, over_reference=True, assessment=answer, budget_left=None, audited=False
    )


@dataclass
class Worn:
    """Feeds motion, and keeps what was taken."""

    taking: FallDetection
    windows: list[KeepWindow] = field(default_factory=list)
    logs: list[Log] = field(default_factory=list)

    def feed(self, item: Item, mono: float) -> Sequence[Signal | Effect]:
        self.taking, out = self.taking.step(item, Now(mono, 0.0))
        self.windows += [o for o in out if isinstance(o, KeepWindow)]
        self.logs += [o for o in out if isinstance(o, Log)]
        return out

    def move(self, start: float, seconds: float, chunk: int = 5) -> None:
        times = start + np.arange(round(seconds * RATE)) / RATE
        for i in range(0, len(times), chunk):
            piece = times[i : i + chunk]
            self.feed(MotionBatch(SENSOR, tuple(piece), tuple((t, -t, 1.0) for t in piece)), float(piece[-1]))


def worn(*script: tuple[float, Signal]) -> Worn:
    return Worn(Taking(Told(script)))


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 60), st.floats(1010, 1050))
def test_every_sample_around_the_impact_is_taken_once_however_it_is_cut(chunk: int, impact_at: float) -> None:
    home = worn((impact_at + 1.4, seen(impact_at)), (impact_at + 3, assessed(impact_at)))
    home.move(1000, 80, chunk)
    (window,) = home.windows
    times = 1000 + np.arange(round(80 * RATE)) / RATE
    wanted = [t for t in times if impact_at - BEFORE_S <= t <= impact_at + AFTER_S]
    assert samples_of(window) == tuple((t, t, -t, 1.0) for t in wanted)
    around = [batch for batch in window.batches if batch.times[-1] >= wanted[0] and batch.times[0] <= wanted[-1]]
    assert list(window.batches) == around, "no more is handed over than is kept"
    (trigger,) = window.triggers
    assert (trigger.verdict, trigger.score, trigger.peak_g) == ("confirmed", 0.9, 3.5)


def test_impacts_of_one_fall_are_one_window_and_a_later_one_is_its_own() -> None:
    joined, later = 1020 + JOIN_S, 1020 + JOIN_S + 0.1
    home = worn((1021, seen(1020)), (joined + 1, seen(joined, 2)), (later + 1, seen(later, 3)))
    home.move(1000, 80)
    assert [[t.impact_at for t in window.triggers] for window in home.windows] == [[1020, joined], [later]]
    assert [t.verdict for window in home.windows for t in window.triggers] == [None, None, None]


def test_a_window_is_closed_by_the_clock_where_motion_ends() -> None:
    home = worn((1021, seen(1020)))
    home.move(1000, 23)
    home.feed(Tick(), 1020 + AFTER_S + LATE_S - 0.1)
    assert not home.windows
    home.feed(Tick(), 1020 + AFTER_S + LATE_S)
    assert samples_of(home.windows[0])[-1][0] == pytest.approx(1022.98)


def test_an_answer_that_comes_after_its_window_begins_none() -> None:
    home = worn((1021, seen(1020)), (1060, assessed(1020)))
    home.move(1000, 100)
    assert len(home.windows) == 1


def test_what_is_remembered_does_not_grow() -> None:
    home = worn()
    home.move(1000, 120, chunk=2)
    assert isinstance(home.taking, Taking)
    remembered = home.taking.tapes[SENSOR].batches
    assert 0 < sum(len(b.times) for b in remembered) <= (BEFORE_S + LATE_S + 0.1) * RATE
    home = worn(*((1000 + n / 10, seen(1000 + n / 10, n)) for n in range(1, 100)))  # jogging
    home.move(1000, 40, chunk=1)
    assert isinstance(home.taking, Taking)
    assert len(home.taking.tapes[SENSOR].windows) == 0


def test_a_sensor_that_never_stops_triggering_is_remembered_as_long_as_the_longest_window(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    longest = (BEFORE_S + AFTER_S + 2 * LATE_S) * 200  # at 200 Hz, one sample in each
    assert longest <= MOST_BATCHES < 1.5 * longest
    monkeypatch.setattr(taking, "MOST_BATCHES", 100)
    home = worn((1001, seen(1001)))
    home.move(1000, 10, chunk=1)
    assert isinstance(home.taking, Taking)
    assert [batch.times[0] for batch in home.taking.tapes[SENSOR].batches] == pytest.approx(
        np.arange(8, 10, 0.02) + 1000
    )


def test_fall_detection_says_and_asks_what_it_would_without() -> None:
    script = ((1021.0, seen(1020)), (1023.0, assessed(1020)))
    with_it, without = worn(*script), Worn(Told(script))
    for mono in (1000.0, 1021.0, 1023.0, 1030.0):
        assert list(with_it.feed(Tick(), mono)) == list(without.feed(Tick(), mono))
    assert with_it.taking.next_deadline() == 4711.0
    with pytest.raises(ValueError, match="broken"):
        Taking(Told(breaks=True)).step(Tick(), Now(1.0, 0.0))


def test_when_it_breaks_it_leaves_and_fall_detection_stays() -> None:
    home = worn((1000, seen(999)))
    broken = MotionBatch(SENSOR, (None,), ((0.0, 0.0, 1.0),))
    home.feed(broken, 1000)
    assert home.feed(broken, 1001)[-1] == home.logs[-1]
    assert home.logs[-1].event == "windows_not_taken"
    assert isinstance(home.taking, Told)
