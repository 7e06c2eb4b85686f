"""Unit files for benchmarks: the simulated home, or the same home without its wearable."""

from __future__ import annotations

from pathlib import Path

PROFILES = Path(__file__).parents[1] / "firmware_profiles"


def write_unit(directory: Path, port: int, *, wearable: bool) -> Path:
    """Write a unit file into `directory`, with its state there and one broker path to `port`; return its path."""
    profile = "simulated-home" if wearable else _without_wearable(directory)
    unit_file = directory / "unit.toml"
    unit_file.write_text(
        f'schema = 1\ntenant = "aabenraa"\nunit_id = "u-bench0001"\nprofile = "{profile}"\n'
        f'state_dir = "{directory / "state"}"\nruntime_dir = "{directory / "run"}"\n'
        f'[[uplink.paths]]\nname = "primary"\nhost = "127.0.0.1"\nport = {port}\n'
    )
    return unit_file


def _without_wearable(directory: Path) -> Path:
    head, _, rest = (PROFILES / "simulated-home.toml").read_text().partition("[sensors.wearable]")
    profile = directory / "cords.toml"
    profile.write_text(head + rest[rest.index("[light]") :])
    return profile
