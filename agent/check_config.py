"""`nodkald check-config`: whether a unit file (and its profile), or a profile alone, can be used, and what it says.

Exit code 0 and a summary on stdout; or 2 and every fault on stderr, one a line.

Rules of this file: it refuses everything that `nodkald run` refuses, and a missing model too, which a running unit only
reports: its falls then call unverified. What is no fault but worth a look stands in the summary in capitals.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config_files import DEFAULT_UNIT_FILE, Unit, load_profile, load_unit
from agent.credentials import is_credential
from agent.errors import ConfigError
from agent.profiles import Profile, PullCord, Wt901

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from agent.config import BrokerPath, Consent

HEADER_PIN = (
    27,
    28,
    3,
    5,
    7,
    29,
    31,
    26,
    24,
    21,
    19,
    23,
    32,
    33,
    8,
    10,
    36,
    11,
    12,
    35,
    38,
    40,
    15,
    16,
    18,
    22,
    37,
    13,
)
"""The pin of the 40-pin header for each BCM number 0 to 27: what a technician counts."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald check-config`."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help=f"default: {DEFAULT_UNIT_FILE}"
    )
    what.add_argument("--profile", metavar="P", help="name of a shipped profile, or path of a profile file")


def run(args: argparse.Namespace) -> int:
    """Check and print; return the exit code."""
    try:
        lines = _check_profile(args.profile) if args.profile is not None else _check_unit(args.unit_file)
    except ConfigError as error:
        sys.stderr.write("".join(f"{fault}\n" for fault in error.faults))
        return 2
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _check_unit(path: Path) -> list[str]:
    unit = load_unit(path)
    _refuse_unbound_models(unit.profile, str(unit.profile_path))
    return list(_unit_lines(unit))


def _check_profile(name: str) -> list[str]:
    profile = load_profile(name)
    _refuse_unbound_models(profile, name)
    return [*_profile_lines(profile, None), "The profile is right."]


def _refuse_unbound_models(profile: Profile, where: str) -> None:
    from agent.inference.cards import check_binding  # noqa: PLC0415 - only a check that the files alone can't make

    if faults := check_binding(profile):
        raise ConfigError([f"{where}: {fault.removeprefix(f'profile {profile.name}: ')}" for fault in faults])


def _unit_lines(unit: Unit) -> Iterator[str]:
    file = unit.unit_file
    yield f"Unit {file.unit_id} of {file.tenant} ({unit.unit_path})"
    yield f"  state in {file.state_dir}, sockets in {file.runtime_dir}, texts in {file.language}"
    yield f"  pre-alarm of {file.pre_alarm.seconds:g} s before an automatic call"
    yield from _profile_lines(unit.profile, unit)
    yield "Broker paths, the preferred one first"
    for path in file.uplink.paths:
        yield f"  {path.name:<15}  {path.host} port {path.port}, {path.protocol}, {_security(path)}"
    yield from _consent_lines(file.consent)
    yield "Both files are right."


def _profile_lines(profile: Profile, unit: Unit | None) -> Iterator[str]:
    yield f"Profile {profile.name}{' (simulated)' if profile.simulated else ''}: {profile.title}"
    for name, sensor in profile.sensors.items():
        room = f", room {unit.room_of(name).value}" if unit else ""
        if isinstance(sensor, Wt901):
            port = unit.port_of(name) if unit else sensor.port
            yield f"  {name:<20}  {sensor.type} at the {sensor.body_position}, {sensor.rate_hz} Hz, port {port}{room}"
            yield f"  {'':<20}  model {sensor.fall.model}, reference {sensor.fall.reference_g:g} g"
        else:
            kind = "pull_cord" if isinstance(sensor, PullCord) else f"button, role {sensor.role}"
            yield f"  {name:<20}  {kind}, {sensor.contact}, {_pin(sensor.pin)}, bias {sensor.bias}{room}"
    for name, output in (("light", profile.light), ("sounder", profile.sounder)):
        yield f"  {name:<20}  {_pin(output.pin)}, on when {'high' if output.active_high else 'low'}"


def _consent_lines(consent: Consent) -> Iterator[str]:
    if consent.motion_windows and consent.certificate is not None:
        there = "" if consent.certificate.exists() else ", NOT THERE YET"
        yield f"Consent {consent.reference}: motion around triggers is kept, encrypted, until {consent.until}"
        yield f"  certificate {consent.certificate}{there}"


def _pin(bcm: int) -> str:
    return f"BCM {bcm} (header pin {HEADER_PIN[bcm]})"


def _security(path: BrokerPath) -> str:
    if path.tls is None:
        return "plain text on this machine" if path.is_loopback else "PLAIN TEXT over the network"
    sealed = path.tls.key is not None and is_credential(path.tls.key)
    files = (path.tls.ca, path.tls.certificate, None if sealed else path.tls.key)
    missing = [str(file) for file in files if file is not None and not file.exists()]
    if missing:
        return f"TLS, NOT THERE YET: {', '.join(missing)}"
    return "TLS, its key encrypted, for the service alone" if sealed else "TLS"
