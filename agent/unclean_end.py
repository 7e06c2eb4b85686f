"""Whether the last boot of the agent ended by itself, or was ended by a power cut, a crash or the watchdog.

Rules of this file: pure. A note is kept while the agent runs and taken away by a clean stop; finding it at start means
that there was none. The machine's boot id in it tells a power cut (another boot) from a process that died (the same).
The fault is told, and ends by itself when the unit has run well for a minute: the centre sees both, and can count.
"""

from __future__ import annotations

from collections.abc import Mapping

from agent.effects import DropNote, SaveNote
from agent.events import Fault
from agent.turn import Turn

NOTE = "running"
WELL_AFTER_S = 60.0


def begin(turn: Turn, notes: Mapping[str, str]) -> None:
    """Report an unclean end of the last boot, and keep the note of this one."""
    turn.effects.append(SaveNote(NOTE, turn.state.setup.machine_boot))
    tell(turn, notes)


def tell(turn: Turn, notes: Mapping[str, str]) -> None:
    """Report an unclean end of the last boot, by its notes: also when the disk with them answers only later."""
    last = notes.get(NOTE)
    if last is None:
        return
    if last and last == turn.state.setup.machine_boot:
        turn.open_fault(
            Fault.WATCHDOG_RESTART, None, "the agent did not end by itself: killed, crashed, or its watchdog"
        )
    else:
        turn.open_fault(
            Fault.POWER_RESTART, None, "the machine restarted without stopping the agent: power, or a reset"
        )


def pass_time(turn: Turn) -> None:
    """End the fault once the unit has run for a while."""
    if turn.now.mono - turn.state.started_at >= WELL_AFTER_S:
        turn.close_fault(Fault.WATCHDOG_RESTART, None)
        turn.close_fault(Fault.POWER_RESTART, None)


def clean_stop() -> DropNote:
    """Return what a clean stop has to carry out last."""
    return DropNote(NOTE)
