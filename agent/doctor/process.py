"""Check `agent`: the unit runs, answers, and has no open fault.

Rules of this file: an open fault is a warning here; the check of its own cause says how bad it is. The lock is only
looked up in /proc/locks: taking it, even for a moment, could stop a unit that is just starting.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agent.doctor.finding import Finding, Verdict
from agent.status import view
from agent.status.client import WHY, Closed, Seen
from agent.status.words import both, fault
from agent.texts import Text

if TYPE_CHECKING:
    from agent.doctor.case import Case

NAME = "agent"

_RUNS = Text("enheden kører, i {age}, uden åbne fejl", "the unit runs, for {age}, without open faults")
_FAULT = Text("åben fejl: {fault}", "open fault: {fault}")
_LOOK = Text(
    "Se årsagen i de andre linjer her og i: nodkald status",
    "See the cause in the other lines here and in: nodkald status",
)
_NOT_RUNNING = Text("enheden kører ikke", "the unit is not running")
_START = Text(
    "Start den: sudo systemctl start nodkald-agent; se ellers: journalctl -u nodkald-agent -n 30",
    "Start it: sudo systemctl start nodkald-agent; else see: journalctl -u nodkald-agent -n 30",
)
_START_SIMULATED = Text("Start den: nodkald run --unit-file {file}", "Start it: nodkald run --unit-file {file}")
_NO_WINDOW = Text("enheden kører, men dens vindue er lukket", "the unit runs, but its window is closed")
_RESTART = Text(
    "Genstart den, når intet kald er i gang: sudo systemctl restart nodkald-agent",
    "Restart it when no call is in progress: sudo systemctl restart nodkald-agent",
)
_UNSEEN = {
    Closed.FORBIDDEN: (Verdict.WARN, Text("enhedens tilstand kan ikke ses af dig", "you may not see the unit's state")),
    Closed.NO_ANSWER: (Verdict.FAIL, Text("enheden kører, men svarer ikke", "the unit runs but does not answer")),
    Closed.OTHER_VERSION: (Verdict.WARN, Text("enheden er en anden version", "the unit is another version")),
}


def examine(case: Case) -> list[Finding]:
    """Say whether the unit runs, and what it says is wrong."""
    return judge(case.seen, held=case.held, simulated_by=str(case.unit.unit_path) if case.simulated else None)


def judge(seen: Seen, *, held: bool, simulated_by: str | None) -> list[Finding]:
    """Return whether it runs; and each open fault."""
    if seen.said is not None:
        faults = seen.said["picture"]["faults"]
        if not faults:
            return [Finding(NAME, Verdict.OK, both(_RUNS, age=view.age(seen.said["running_s"])))]
        return [
            Finding(
                NAME,
                Verdict.WARN,
                both(_FAULT, fault=fault(known["fault"])),
                known["sensor"] or "",
                _LOOK,
                known["detail"],
            )
            for known in faults
        ]
    if seen.closed in _UNSEEN:
        verdict, found = _UNSEEN[seen.closed]
        return [Finding(NAME, verdict, found, next_step=WHY[seen.closed])]
    if held:
        return [Finding(NAME, Verdict.WARN, _NO_WINDOW, next_step=_RESTART)]
    start = both(_START_SIMULATED, file=simulated_by) if simulated_by is not None else _START
    return [Finding(NAME, Verdict.FAIL, _NOT_RUNNING, next_step=start)]


def is_held(lock: Path, locks: Path = Path("/proc/locks")) -> bool:
    """Whether some process holds the lock file; False where the kernel does not say."""
    try:
        inode = lock.stat().st_ino
        return any(
            words[1:2] == ["FLOCK"] and words[5].rpartition(":")[2] == str(inode)
            for words in map(str.split, locks.read_text(encoding="ascii").splitlines())
            if len(words) > 5
        )
    except (OSError, ValueError):
        return False
