"""Check `configuration`: unit file and profile can be used, and the models are made for where they are worn.

Rules of this file: the same refusals as `nodkald check-config`, with the same words in `detail`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.doctor.finding import Finding, Verdict
from agent.inference.cards import check_binding
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from agent.config_files import Unit
    from agent.errors import ConfigError

NAME = "configuration"

_RIGHT = Text("unit-fil og profil {profile} er i orden", "unit file and profile {profile} are right")
_WRONG = Text("unit-fil eller profil er forkert", "unit file or profile is wrong")
_CORRECT = Text(
    "Ret det, filen og nøglen nævner, og prøv: nodkald check-config",
    "Correct the file and key named, and try: nodkald check-config",
)


def examine(unit: Unit) -> list[Finding]:
    """Look at files that could be read."""
    return judge(unit.profile.name, check_binding(unit.profile))


def judge(profile: str, faults: list[str]) -> list[Finding]:
    """Return one finding for each fault, or one that all is well."""
    if not faults:
        return [Finding(NAME, Verdict.OK, both(_RIGHT, profile=profile))]
    return [Finding(NAME, Verdict.FAIL, _WRONG, next_step=_CORRECT, detail=fault) for fault in faults]


def unreadable(error: ConfigError) -> list[Finding]:
    """Return what is wrong where the files can't be used at all."""
    return judge("", error.faults)
