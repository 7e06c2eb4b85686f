"""Check `clock`: the wall clock is right, as the kernel holds it, and the unit has been told.

Rules of this file: timers don't need it (design.md, rule 5); certificates and the times in events do.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agent.doctor.finding import Finding, Verdict
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from agent.clock import Now

NAME = "clock"
PLAUSIBLE_YEARS = range(2025, 2100)

_SET = Text("uret er stillet over nettet", "the clock is synchronised")
_NOT_SET = Text("uret er ikke stillet over nettet (viser {year})", "the clock is not synchronised (it shows {year})")
_ABSURD = Text("uret er forkert: det viser {year}", "the clock is wrong: it shows {year}")
_NOT_TOLD = Text(
    "uret er stillet over nettet, men enheden ved det ikke", "the clock is synchronised, and the unit does not know it"
)
_TELLER = Text(
    "Vent et halvt minut, og prøv igen. Ved den det stadig ikke, så se: systemctl status nodkald-clock",
    "Wait half a minute and try again. If it still does not know, look at: systemctl status nodkald-clock",
)
_NTP = Text(
    "Sørg for, at netværket tillader NTP (UDP 123), og se: timedatectl timesync-status",
    "See that the network allows NTP (UDP 123), and look at: timedatectl timesync-status",
)


def judge(now: Now, *, told: bool | None = None) -> list[Finding]:
    """Return whether the clock can be trusted; `told` is what the running unit says of it, if there is one."""
    if now.synced and told is False:
        return [Finding(NAME, Verdict.WARN, _NOT_TOLD, next_step=_TELLER)]
    if now.synced:
        return [Finding(NAME, Verdict.OK, _SET)]
    year = _year(now.wall)
    if year in PLAUSIBLE_YEARS:
        return [Finding(NAME, Verdict.WARN, both(_NOT_SET, year=year), next_step=_NTP)]
    return [Finding(NAME, Verdict.FAIL, both(_ABSURD, year=year), next_step=_NTP)]


def _year(wall: float) -> int:
    try:
        return datetime.fromtimestamp(wall, tz=UTC).year
    except (OverflowError, ValueError, OSError):
        return 0
