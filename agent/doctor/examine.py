"""Runs checks side by side, each with its deadline; one that hangs or breaks is a finding, and is left behind.

Rules of this file: threads are daemons, because a disk or a resolver that never returns would hold the command up for
ever. Findings come in the order of the checks, each as soon as it and those before it are there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agent.doctor.finding import Finding, Verdict
from agent.status.words import both
from agent.texts import Text

DEADLINE_S = 7.0
"""For each check, from the moment at which all begin: the whole examination ends within ten seconds."""

_TOO_LONG = Text("tog for lang tid: intet svar efter {seconds:g} s", "took too long: no answer after {seconds:g} s")
_LOOK_AT_IT = Text(
    "Prøv igen; hænger den stadig, så genstart enheden og se efter fejl i: journalctl -k",
    "Try again; if it still hangs, restart the unit and look for errors in: journalctl -k",
)
_BROKE = Text("undersøgelsen selv gik i stykker", "the check itself broke")
_REPORT = Text(
    "Send linjen til leverandøren; resten af undersøgelsen gælder",
    "Send this line to the supplier; the rest of the examination holds",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its name, which of several, and what does it (in a thread of its own)."""

    name: str
    run: Callable[[], Sequence[Finding]]
    subject: str = ""


@dataclass(slots=True)
class _Running:
    check: Check
    done: threading.Event = field(default_factory=threading.Event)
    findings: Sequence[Finding] = ()

    def work(self) -> None:
        check = self.check
        try:
            self.findings = check.run()
        except Exception as error:  # noqa: BLE001 - a check that breaks must not take the others with it; it is told
            detail = f"{type(error).__name__}: {error}"
            self.findings = (Finding(check.name, Verdict.FAIL, _BROKE, check.subject, _REPORT, detail),)
        self.done.set()


def examine(checks: Iterable[Check], deadline_s: float = DEADLINE_S) -> Iterator[Finding]:
    """Run all checks at once and give what they find, in their order."""
    end = time.monotonic() + deadline_s
    all_running = [_Running(check) for check in checks]
    for running in all_running:
        threading.Thread(target=running.work, name=f"check-{running.check.name}", daemon=True).start()
    for running in all_running:
        if running.done.wait(max(0.0, end - time.monotonic())):
            yield from running.findings
        else:
            check = running.check
            too_long = both(_TOO_LONG, seconds=deadline_s)
            yield Finding(check.name, Verdict.FAIL, too_long, check.subject, _LOOK_AT_IT)
