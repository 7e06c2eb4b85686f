"""Check `temperature`: the processor is not too hot.

Rules of this file: the hottest zone that the kernel knows counts. A Pi slows down at 80 °C and more at 85 °C.
"""

from __future__ import annotations

from pathlib import Path

from agent.doctor.finding import Finding, Verdict
from agent.status.words import both
from agent.texts import Text

NAME = "temperature"
ZONES = Path("/sys/class/thermal")
WARM_C = 70.0
HOT_C = 80.0

_COOL = Text("{degrees:.0f} °C", "{degrees:.0f} °C")
_WARM = Text("{degrees:.0f} °C, varmt", "{degrees:.0f} °C, warm")
_HOT = Text(
    "{degrees:.0f} °C, for varmt: processoren sænker farten", "{degrees:.0f} °C, too hot: the processor slows down"
)
_UNKNOWN = Text("kernen kender ingen temperatur her", "the kernel knows no temperature here")
_AIR = Text(
    "Flyt enheden væk fra varmekilder og sol, og giv kassen luft",
    "Move the unit away from heat and sun, and give its case air",
)


def examine(zones: Path = ZONES) -> list[Finding]:
    """Read every zone."""
    found: list[float] = []
    for file in zones.glob("thermal_zone*/temp"):
        try:
            found.append(int(file.read_text(encoding="ascii")) / 1000)
        except (OSError, ValueError):
            continue
    return judge(max(found, default=None))


def judge(degrees: float | None) -> list[Finding]:
    """Return whether that is too hot."""
    if degrees is None:
        return [Finding(NAME, Verdict.SKIPPED, _UNKNOWN)]
    if degrees >= HOT_C:
        return [Finding(NAME, Verdict.FAIL, both(_HOT, degrees=degrees), next_step=_AIR)]
    if degrees >= WARM_C:
        return [Finding(NAME, Verdict.WARN, both(_WARM, degrees=degrees), next_step=_AIR)]
    return [Finding(NAME, Verdict.OK, both(_COOL, degrees=degrees))]
