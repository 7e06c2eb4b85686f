"""Check `power`: the Raspberry Pi gets enough voltage, and was not slowed down.

Rules of this file: the firmware's flags, from the kernel's file or else from `vcgencmd`. Bits 0 to 3: now, 16 to 19:
at some time since the start (under-voltage, frequency capped, throttled, soft temperature limit).
Source: Raspberry Pi documentation, `vcgencmd get_throttled`.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from agent.doctor.finding import Finding, Verdict
from agent.texts import Text

NAME = "power"
FLAGS = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
ASK_WITHIN_S = 3.0

UNDER_VOLTAGE = 1 << 0
SLOWED = 0b1110
UNDER_VOLTAGE_BEFORE = 1 << 16
SLOWED_BEFORE = 0b1110 << 16

_WELL = Text("spændingen har været i orden siden start", "the voltage has been well since start")
_NOT_A_PI = Text(
    "ingen oplysninger om spænding: ikke en Raspberry Pi", "nothing is known of the voltage: no Raspberry Pi"
)
_LOW = Text("for lav spænding netop nu", "the voltage is too low right now")
_WAS_LOW = Text("spændingen har været for lav siden start", "the voltage has been too low since start")
_SLOWED = Text("processoren har sænket farten", "the processor has slowed down")
_SUPPLY = Text(
    "Brug den strømforsyning og det kabel, der hører til enheden, direkte i en stikkontakt",
    "Use the power supply and cable that belong to the unit, straight into a wall socket",
)
_COOL = Text("Giv kassen luft, og se linjen om temperatur", "Give the case air, and see the line on temperature")


def examine() -> list[Finding]:
    """Ask the firmware."""
    return judge(read_flags(FLAGS))


def read_flags(file: Path) -> int | None:
    """Return the flags, or None where there is no firmware to ask."""
    try:
        return int(file.read_text(encoding="ascii"), 16)
    except (OSError, ValueError):
        pass
    command = shutil.which("vcgencmd")
    if command is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed word to a system command
            [command, "get_throttled"], capture_output=True, text=True, timeout=ASK_WITHIN_S, check=True
        )
        return int(done.stdout.strip().partition("=")[2], 16)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def judge(flags: int | None) -> list[Finding]:
    """Return what the flags mean."""
    if flags is None:
        return [Finding(NAME, Verdict.SKIPPED, _NOT_A_PI)]
    detail = f"get_throttled=0x{flags:x}"
    if flags & UNDER_VOLTAGE:
        return [Finding(NAME, Verdict.FAIL, _LOW, next_step=_SUPPLY, detail=detail)]
    if flags & UNDER_VOLTAGE_BEFORE:
        return [Finding(NAME, Verdict.WARN, _WAS_LOW, next_step=_SUPPLY, detail=detail)]
    if flags & (SLOWED | SLOWED_BEFORE):
        return [Finding(NAME, Verdict.WARN, _SLOWED, next_step=_COOL, detail=detail)]
    return [Finding(NAME, Verdict.OK, _WELL)]
