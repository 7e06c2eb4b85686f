"""Unit files for benchmarks: the simulated home, the same without its wearable, or with more than it needs."""

from __future__ import annotations

from pathlib import Path

from agent.models import bring
from agent.models.choice import Choice
from agent.provision import openssl
from agent.windows import seal
from tests.unit.models import signed

PROFILES = Path(__file__).parents[1] / "firmware_profiles"


def write_unit(
    directory: Path,
    port: int,
    *,
    wearable: bool = True,
    promoted: bool = False,
    shadow: bool = False,
    consent: bool = False,
) -> Path:
    """Write a unit file into `directory`, with its state there and one broker path to `port`; return its path.

    `promoted`: a signed model judges instead of the shipped one. `shadow`: another is asked beside it. `consent`:
    windows are kept.
    """
    profile = "simulated-home" if wearable else _without_wearable(directory)
    unit_file = directory / "unit.toml"
    unit_file.write_text(
        f'schema = 1\ntenant = "aabenraa"\nunit_id = "u-bench0001"\nprofile = "{profile}"\n'
        f'state_dir = "{directory / "state"}"\nruntime_dir = "{directory / "run"}"\n'
        f'[[uplink.paths]]\nname = "primary"\nhost = "127.0.0.1"\nport = {port}\n'
        + (_own_models(directory / "models", promoted=promoted, shadow=shadow) if promoted or shadow else "")
        + (_consent(directory) if consent else "")
    )
    return unit_file


def _without_wearable(directory: Path) -> Path:
    head, _, rest = (PROFILES / "simulated-home.toml").read_text().partition("[sensors.wearable]")
    profile = directory / "cords.toml"
    profile.write_text(head + rest[rest.index("[light]") :])
    return profile


def _own_models(folder: Path, *, promoted: bool, shadow: bool) -> str:
    chosen = Choice(live="fall-waist-7.1.0" if promoted else None, shadow="fall-waist-7.2.0" if shadow else None)
    bring.write_choice(signed.folder(folder, "7.1.0", "7.2.0"), chosen)
    return f'[model]\nsigning_key = "{signed.key().public}"\n'


def _consent(directory: Path) -> str:
    certificate = directory / "windows.pem"
    certificate.write_text(seal.certificate_for(openssl.new_key()))
    return (
        f'[consent]\nmotion_windows = true\nreference = "c-4f7k2q"\nuntil = 2099-12-31\ncertificate = "{certificate}"\n'
    )
