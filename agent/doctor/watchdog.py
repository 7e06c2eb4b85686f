"""Check `watchdog`: the hardware watchdog is there and armed, so that a frozen machine starts again by itself.

Rules of this file: the device itself is never opened: that would arm it.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from agent.doctor.finding import Finding, Verdict
from agent.status.words import both
from agent.texts import Text

NAME = "watchdog"
DEVICES = Path("/sys/class/watchdog")
ASK_WITHIN_S = 3.0

_ARMED = Text("vagthunden er slået til ({name})", "the hardware watchdog is armed ({name})")
_NOT_ARMED = Text("vagthunden ({name}) er ikke slået til", "the hardware watchdog ({name}) is not armed")
_NONE = Text("der er ingen vagthund i maskinen", "the machine has no hardware watchdog")
_SIMULATED = Text("et simuleret hjem behøver ingen vagthund", "a simulated home needs no hardware watchdog")
_ARM = Text(
    "Skriv RuntimeWatchdogSec=14 under [Manager] i /etc/systemd/system.conf.d/pi-watchdog.conf, "
    "og kør: sudo systemctl daemon-reexec",
    "Write RuntimeWatchdogSec=14 under [Manager] in /etc/systemd/system.conf.d/pi-watchdog.conf, "
    "and run: sudo systemctl daemon-reexec",
)
_ENABLE = Text(
    "Sæt dtparam=watchdog=on i /boot/firmware/config.txt, og genstart maskinen",
    "Set dtparam=watchdog=on in /boot/firmware/config.txt, and restart the machine",
)


@dataclass(frozen=True, slots=True)
class Watchdog:
    """A watchdog of the machine. `armed` is None where the kernel does not say."""

    name: str
    armed: bool | None


def examine(*, simulated: bool) -> list[Finding]:
    """Look at the first watchdog, and at what systemd was told where the kernel does not say."""
    found = read(DEVICES)
    if found is not None and found.armed is None:
        found = Watchdog(found.name, systemd_arms_it())
    return judge(found, simulated=simulated)


def read(devices: Path) -> Watchdog | None:
    """Return the first watchdog that the kernel knows, or None."""
    for device in sorted(devices.glob("watchdog[0-9]*")):
        state = _text(device / "state")
        return Watchdog(_text(device / "identity") or device.name, None if state is None else state == "active")
    return None


def systemd_arms_it() -> bool:
    """Whether systemd was told to arm the watchdog; False where it can't be asked."""
    command = shutil.which("systemctl")
    if command is None:
        return False
    try:
        done = subprocess.run(  # noqa: S603 - fixed words to a system command
            [command, "show", "--property=RuntimeWatchdogUSec", "--value"],
            capture_output=True,
            text=True,
            timeout=ASK_WITHIN_S,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return done.stdout.strip() not in ("", "0", "infinity")


def judge(found: Watchdog | None, *, simulated: bool) -> list[Finding]:
    """Return whether a frozen machine would start again."""
    if found is not None and found.armed:
        return [Finding(NAME, Verdict.OK, both(_ARMED, name=found.name))]
    if simulated:
        return [Finding(NAME, Verdict.SKIPPED, _SIMULATED)]
    if found is None:
        return [Finding(NAME, Verdict.WARN, _NONE, next_step=_ENABLE)]
    return [Finding(NAME, Verdict.WARN, both(_NOT_ARMED, name=found.name), next_step=_ARM)]


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return None
