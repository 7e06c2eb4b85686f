"""Units to be examined, made of files in a directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.clock import Now
from agent.config_files import load_unit
from agent.doctor.case import Case
from agent.status.client import Closed, Seen

if TYPE_CHECKING:
    from agent.doctor.finding import Finding

NOW = Now(1000.0, 1_780_000_000.0)


def write_unit(directory: Path, *, profile: str = "simulated-home", port: int = 18830, more: str = "") -> Path:
    """Write a unit file that can be used as it stands."""
    file = directory / "unit.toml"
    file.write_text(
        f'schema = 1\ntenant = "aabenraa"\nunit_id = "u-test0001"\nprofile = "{profile}"\nlanguage = "en"\n'
        f'state_dir = "{directory / "state"}"\nruntime_dir = "{directory / "run"}"\n'
        f'[[uplink.paths]]\nname = "primary"\nhost = "127.0.0.1"\nport = {port}\n{more}'
    )
    return file


def case(directory: Path, said: dict[str, Any] | None = None, **keys: Any) -> Case:
    """Return a unit that says `said`, or that does not run."""
    return Case(load_unit(write_unit(directory, **keys)), Seen(said, None if said else Closed.NOT_RUNNING), NOW)


def only(findings: list[Finding]) -> Finding:
    """Return the one finding that there is."""
    [finding] = findings
    return finding


def brief(findings: list[Finding]) -> list[tuple[str, str]]:
    """Return verdict and subject of each finding."""
    return [(finding.verdict.value, finding.subject) for finding in findings]
