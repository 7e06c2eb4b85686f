"""What a check found, and what to do about it.

Rules of this file: data only. Whatever is not well says the next step, in one sentence; what is well or was skipped
says none. `detail` is the technical cause as logs and libraries word it, in English.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from agent.texts import Text


class Verdict(StrEnum):
    """How a check came out."""

    OK = "ok"
    SKIPPED = "skipped"
    """It could not be asked here, and that is no fault: no wearable, no Raspberry Pi."""
    WARN = "warn"
    """A call gets through today; it should be mended."""
    FAIL = "fail"
    """A duty of the unit is not kept, or nobody knows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report. `subject` is which of several: a sensor, a path, a file."""

    check: str
    verdict: Verdict
    found: Text
    subject: str = ""
    next_step: Text | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        """Hold every check to the promise of this file."""
        if (self.next_step is None) != (self.verdict in (Verdict.OK, Verdict.SKIPPED)):
            raise ValueError(f"{self.check}: {self.verdict} must have a next step exactly where it is not well")

    def as_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "check": self.check,
            "subject": self.subject,
            "verdict": self.verdict.value,
            "found": {"da": self.found.da, "en": self.found.en},
            "next_step": self.next_step and {"da": self.next_step.da, "en": self.next_step.en},
            "detail": self.detail,
        }


def worst(findings: list[Finding]) -> Verdict:
    """Return the gravest verdict; OK where there is none."""
    order = list(Verdict)
    gravest = max((order.index(finding.verdict) for finding in findings), default=0)
    return Verdict.OK if order[gravest] is Verdict.SKIPPED else order[gravest]
