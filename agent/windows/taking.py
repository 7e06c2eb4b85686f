"""Takes the motion around triggers while fall detection works: what the citizen's consent lets the unit keep.

Rules of this file: pure, and made only with a consent: without it no unit remembers more motion than fall detection
itself. It stands around `FallDetection` and changes nothing of what that says. When it breaks, it leaves, and fall
detection goes on without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agent.assessment import Assessed, FallDetection, Signal, TriggerSeen
from agent.clock import Now
from agent.effects import Effect, KeepWindow, Log, WindowTrigger
from agent.readings import Item, MotionBatch

BEFORE_S = 5.0
"""Before the impact: what somebody did who then fell."""
AFTER_S = 20.0
"""After it: whether they lay still, or got up and went on."""
JOIN_S = 10.0
"""A trigger this soon after the first of a window belongs to it: a fall has several impacts."""
LATE_S = 3.0
"""How much later than its motion a trigger may be told, and a sample may come."""
MOST_BATCHES = 8_000
"""Remembered for one sensor: one sample in each, at 200 Hz, for as long as the longest window takes."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A window that is not over yet: its triggers by id, the first one first."""

    triggers: Mapping[str, WindowTrigger]

    @property
    def impact_at(self) -> float:
        return next(iter(self.triggers.values())).impact_at

    def with_trigger(self, trigger_id: str, trigger: WindowTrigger) -> _Window:
        return _Window({**self.triggers, trigger_id: trigger})


@dataclass(frozen=True, slots=True)
class _Tape:
    """One sensor's newest motion, and the windows that wait for more of it."""

    batches: tuple[MotionBatch, ...] = ()
    windows: tuple[_Window, ...] = ()

    def with_batch(self, batch: MotionBatch, now: float) -> _Tape:
        needed_from = min([now - LATE_S, *(w.impact_at for w in self.windows)]) - BEFORE_S
        old = next((n for n, b in enumerate(self.batches) if b.times[-1] >= needed_from), len(self.batches))
        return replace(self, batches=(*self.batches[old:], batch)[-MOST_BATCHES:])

    def with_trigger(self, trigger_id: str, trigger: WindowTrigger, *, begins: bool) -> _Tape:
        for n, window in enumerate(self.windows):
            if trigger_id in window.triggers or (begins and trigger.impact_at <= window.impact_at + JOIN_S):
                grown = window.with_trigger(trigger_id, trigger)
                return replace(self, windows=(*self.windows[:n], grown, *self.windows[n + 1 :]))
        return replace(self, windows=(*self.windows, _Window({trigger_id: trigger}))) if begins else self

    def closed(self, sensor: str, now: float) -> tuple[_Tape, list[KeepWindow]]:
        over = [w for w in self.windows if now >= w.impact_at + AFTER_S + LATE_S]
        if not over:
            return self, []
        open_still = tuple(w for w in self.windows if w not in over)
        return replace(self, windows=open_still), [self._kept(sensor, window) for window in over]

    def _kept(self, sensor: str, window: _Window) -> KeepWindow:
        begin, end = window.impact_at - BEFORE_S, window.impact_at + AFTER_S
        inside = tuple(b for b in self.batches if b.times[-1] >= begin and b.times[0] <= end)
        return KeepWindow(sensor, begin, end, inside, tuple(window.triggers.values()))


@dataclass(frozen=True, slots=True)
class Taking:
    """Fall detection with somebody who takes windows."""

    detection: FallDetection
    tapes: Mapping[str, _Tape] = field(default_factory=dict)

    def step(self, item: Item, now: Now) -> tuple[FallDetection, Sequence[Signal | Effect]]:
        """Let fall detection step, and add a `KeepWindow` for each window that is over."""
        detection, said = self.detection.step(item, now)
        try:
            tapes, kept = _take(self.tapes, item, said, now.mono)
        except Exception as error:  # noqa: BLE001 - whatever it is, fall detection must not end with it
            return detection, (*said, Log("error", "windows_not_taken", {"detail": f"{type(error).__name__}: {error}"}))
        return Taking(detection, tapes), (*said, *kept)

    def next_deadline(self) -> float | None:
        """Return fall detection's own: a window is closed by whatever comes next."""
        return self.detection.next_deadline()


def _take(
    tapes: Mapping[str, _Tape], item: Item, said: Sequence[Signal | Effect], now: float
) -> tuple[Mapping[str, _Tape], list[KeepWindow]]:
    changed = dict(tapes)
    if isinstance(item, MotionBatch) and len(item.times):
        changed[item.sensor] = changed.get(item.sensor, _Tape()).with_batch(item, now)
    for signal in said:
        if isinstance(signal, TriggerSeen | Assessed):
            tape = changed.get(signal.sensor, _Tape())
            begins = isinstance(signal, TriggerSeen)  # an assessment that comes after its window is over begins none
            changed[signal.sensor] = tape.with_trigger(signal.trigger_id, _trigger(signal), begins=begins)
    kept: list[KeepWindow] = []
    for sensor, tape in changed.items():
        changed[sensor], over = tape.closed(sensor, now)
        kept += over
    return changed, kept


def _trigger(signal: TriggerSeen | Assessed) -> WindowTrigger:
    seen = WindowTrigger(signal.impact_at, signal.peak_g, signal.over_reference)
    if isinstance(signal, TriggerSeen):
        return seen
    answer = signal.assessment
    return replace(
        seen,
        verdict=answer.verdict.value,
        score=answer.score,
        threshold=answer.threshold,
        model=answer.model,
        model_sha256=answer.model_sha256,
    )
