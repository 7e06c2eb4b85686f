"""`nodkald doctor`: examines everything that a technician can mend, in under ten seconds.

Works while the unit runs and when it does not start. It changes nothing on the unit; at the centre it leaves one
technical event of type `tech.test` for each path. Exit code 0: nothing to mend (`skipped` counts as that). 1: the worst
is a warning. 2: something fails.

Rules of this file: which checks there are, in the order of a technician's eyes, and the report on the screen.
"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config_files import DEFAULT_UNIT_FILE, load_unit
from agent.doctor import (
    broker,
    certificates,
    clock,
    configuration,
    consent,
    contacts,
    disk,
    model,
    names,
    outbox,
    power,
    private_key,
    process,
    serial_ports,
    temperature,
    watchdog,
)
from agent.doctor.case import Case
from agent.doctor.examine import Check, examine
from agent.doctor.finding import Finding, Verdict, worst
from agent.errors import ConfigError
from agent.status.client import look
from agent.status.words import both
from agent.system_clock import SystemClock
from agent.texts import Language, Text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from agent.clock import Now

EXIT_CODE = {Verdict.OK: 0, Verdict.SKIPPED: 0, Verdict.WARN: 1, Verdict.FAIL: 2}
WIDEST = 120
LOOK_WITHIN_S = 1.5
"""For the unit's window: with the checks' own deadline, and what Python takes to start on a Pi, under ten seconds."""

_VERDICT = {
    Verdict.OK: Text("i orden", "ok"),
    Verdict.SKIPPED: Text("sprunget over", "skipped"),
    Verdict.WARN: Text("ADVARSEL", "WARNING"),
    Verdict.FAIL: Text("FEJL", "FAIL"),
}
_CHECK = {
    configuration.NAME: Text("opsætning", "configuration"),
    process.NAME: Text("enhed", "unit"),
    contacts.NAME: Text("kontakt", "contact"),
    contacts.OUTPUT: Text("udgang", "output"),
    serial_ports.NAME: Text("seriel port", "serial port"),
    model.NAME: Text("faldmodel", "fall model"),
    consent.NAME: Text("samtykke", "consent"),
    outbox.NAME: Text("udbakke", "outbox"),
    disk.NAME: Text("disk", "disk"),
    disk.HEALTH: Text("kortets helbred", "card's health"),
    clock.NAME: Text("ur", "clock"),
    names.NAME: Text("DNS", "DNS"),
    certificates.NAME: Text("certifikat", "certificate"),
    private_key.NAME: Text("nøgle", "key"),
    broker.NAME: Text("broker", "broker"),
    broker.CENTRE: Text("central", "centre"),
    watchdog.NAME: Text("vagthund", "watchdog"),
    power.NAME: Text("strøm", "power"),
    temperature.NAME: Text("temperatur", "temperature"),
}
_SUMMARY = Text(
    "{fail} fejl, {warn} advarsler, {ok} i orden, {skipped} sprunget over",
    "{fail} failed, {warn} warnings, {ok} ok, {skipped} skipped",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald doctor`."""
    parser.add_argument("--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="default: %(default)s")
    parser.add_argument("--json", action="store_true", help="one object with every finding in both languages")


def run(args: argparse.Namespace) -> int:
    """Examine, report, and return the exit code."""
    now = SystemClock().now()
    language: Language = "da"
    try:
        unit = load_unit(args.unit_file)
    except ConfigError as error:
        checks = [Check(configuration.NAME, partial(configuration.unreadable, error)), *machine_checks(now)]
    else:
        language = unit.unit_file.language
        runtime_dir = unit.unit_file.runtime_dir
        case = Case(unit, look(runtime_dir, LOOK_WITHIN_S), now, process.is_held(runtime_dir / "agent.lock"))
        checks = [*unit_checks(case), *machine_checks(now, simulated=case.simulated, told=case.clock_synced)]
    findings: list[Finding] = []
    for finding in examine(checks):
        findings.append(finding)
        if not args.json:
            _say(*lines(finding, language))
    if args.json:
        everything = {"verdict": worst(findings).value, "findings": [finding.as_json() for finding in findings]}
        _say(json.dumps(everything, ensure_ascii=False))
    else:
        _say("", summary(findings).in_(language))
    return EXIT_CODE[worst(findings)]


def unit_checks(case: Case) -> Iterator[Check]:
    """Return the checks that need to know the unit."""
    unit, profile = case.unit.unit_file, case.unit.profile
    yield Check(configuration.NAME, partial(configuration.examine, case.unit))
    yield Check(process.NAME, partial(process.examine, case))
    yield Check(contacts.NAME, partial(contacts.examine, case))
    for name, wearable in profile.wearables.items():
        yield Check(serial_ports.NAME, partial(serial_ports.examine, case, name, wearable), name)
    if not profile.wearables:
        yield Check(serial_ports.NAME, serial_ports.nothing_to_examine)
    yield Check(model.NAME, partial(model.examine, case))
    yield Check(consent.NAME, partial(consent.examine, unit.consent, case.now))
    yield Check(outbox.NAME, partial(outbox.examine, case))
    yield Check(disk.NAME, partial(disk.examine, unit.state_dir, simulated=case.simulated))
    yield Check(certificates.NAME, partial(certificates.examine, unit.uplink.paths, unit.unit_id, case.now.wall))
    yield Check(private_key.NAME, partial(private_key.examine, unit.uplink.paths, simulated=case.simulated))
    for host in dict.fromkeys(path.host for path in unit.uplink.paths):
        yield Check(names.NAME, partial(names.examine, host), host)
    for path in unit.uplink.paths:
        yield Check(broker.NAME, partial(broker.examine, case, path), path.name)


def machine_checks(now: Now, *, simulated: bool = False, told: bool | None = None) -> Iterator[Check]:
    """Return the checks that any machine can stand; `told`: whether the unit holds the clock for synchronised."""
    yield Check(clock.NAME, partial(clock.judge, now, told=told))
    yield Check(watchdog.NAME, partial(watchdog.examine, simulated=simulated))
    yield Check(power.NAME, power.examine)
    yield Check(temperature.NAME, temperature.examine)


def lines(finding: Finding, language: Language) -> Iterator[str]:
    """Return a finding as a technician reads it: what was found, why, and what to do."""
    width = min(WIDEST, shutil.get_terminal_size((WIDEST, 24)).columns)
    margin = " " * 15
    about = f"{_CHECK[finding.check].in_(language)} {finding.subject}".rstrip()
    head = f"{_VERDICT[finding.verdict].in_(language):<15}{about}: {finding.found.in_(language)}"
    yield from _wrapped(head, width, margin)
    if finding.detail and finding.next_step is not None:
        yield from _wrapped(f"{margin}({finding.detail})", width, margin)
    if finding.next_step is not None:
        yield from _wrapped(f"{margin}-> {finding.next_step.in_(language)}", width, f"{margin}   ")


def summary(findings: list[Finding]) -> Text:
    """Return the last line: how many came out how."""
    counts = {verdict.value: sum(finding.verdict is verdict for finding in findings) for verdict in Verdict}
    return both(_SUMMARY, **counts)


def _wrapped(text: str, width: int, margin: str) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)


def _say(*said: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in said))
    sys.stdout.flush()
