"""What the unit said about one recording, and what counts as a call in it.

Rules of this file: the verdict is the unit's own, and the first one: what a second look added stands apart. Only
`would_call` compares a score with a threshold: it asks what another one would have done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.assessment import Advice, Verdict
from training.recordings import Recording

ON_TIME_S = 1.0
"""A trigger this near to a fall recording's largest |a| is the one of the fall itself."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One assessed trigger, `at_s` seconds into its recording. `score` None: the rules left no room for a model."""

    at_s: float
    peak_g: float
    verdict: Verdict
    advice: Advice
    score: float | None
    evidence: Mapping[str, float]
    reasons: tuple[str, ...]
    dropped: bool = False
    """Whether the unit told a sensor that fell alone, which is no call whatever its score."""

    def would_call(self, threshold: float) -> bool:
        """Whether it calls with this threshold; without a score it always does, and a dropped sensor never."""
        return not self.dropped and (self.score is None or self.score >= threshold)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One recording with all of its triggers, in order, and what second looks said, in the words of their phases."""

    recording: Recording
    triggers: tuple[Trigger, ...]
    raised: bool = False
    """Whether a second look made a call of an uncertain trigger."""
    looks: tuple[str, ...] = ()

    @property
    def called(self) -> bool:
        """Whether the unit called at all."""
        return any(trigger.verdict.is_call for trigger in self.triggers)

    @property
    def false_calls(self) -> tuple[Trigger, ...]:
        """Return the triggers that the model took for a fall, if this is daily life."""
        return () if self.recording.is_fall else self.confirmed

    @property
    def confirmed(self) -> tuple[Trigger, ...]:
        """Return the triggers that the model called for."""
        return tuple(trigger for trigger in self.triggers if trigger.verdict is Verdict.CONFIRMED)

    @property
    def called_by_rule(self) -> bool:
        """Whether it called, and no model had a say in it: the recording ends within 1 s of an impact, say."""
        return self.called and not self.confirmed

    @property
    def of_the_fall(self) -> Trigger | None:
        """Return the trigger of the fall itself, if this is a fall and it has one."""
        if not self.recording.is_fall or not self.triggers:
            return None
        nearest = min(self.triggers, key=lambda trigger: abs(trigger.at_s - self.recording.peak_s))
        return nearest if abs(nearest.at_s - self.recording.peak_s) <= ON_TIME_S else None

    def would_call(self, threshold: float) -> bool:
        """Whether the recording calls with this threshold."""
        return any(trigger.would_call(threshold) for trigger in self.triggers)
