"""Check `contact`: every cord and button can be read, and nobody pulls; light and sounder have their pins.

Rules of this file: where the unit runs it holds the pins, so it is asked; where it does not, the kernel is, and whether
the library is there through which the unit would ask. A contact that reads as pulled is a warning: the technician may
be holding it, or it is wired the wrong way round.
"""

from __future__ import annotations

import errno
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from agent.doctor.case import SUDO
from agent.doctor.finding import Finding, Verdict
from agent.doctor.gpio_lines import Line, header_chip, read_lines
from agent.sensors.debounce import is_pulled
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.doctor.case import Case
    from agent.doctor.gpio_lines import Bias
    from agent.profiles import Contact

NAME = "contact"
OUTPUT = "output"

_AT_REST = Text("kan læses, og er i ro", "can be read, and is at rest")
_PULLED = Text("kan læses, og er TRUKKET", "can be read, and is PULLED")
_LET_GO = Text(
    "Slip den; trækker ingen, så se efter ledningen og `contact` i profilen ({contact})",
    "Let go of it; if nobody pulls, check its wire and `contact` in the profile ({contact})",
)
_UNREADABLE = Text("kan ikke læses", "can't be read")
_WIRE = Text(
    "Genstart enheden, når intet kald er i gang; bliver det ved, så byt kortet",
    "Restart the unit when no call is in progress; if it goes on, change the board",
)
_NOT_CLAIMED = Text("enheden kan ikke få fat i benet", "the unit can't get hold of the pin")
_AS_IT_SAYS = Text(
    "Gør, hvad parentesen siger; enheden prøver selv igen hvert tiende sekund",
    "Do what the bracket says; the unit itself tries again every ten seconds",
)
_NO_LIBRARY = Text(
    "biblioteket lgpio mangler: ingen snor kan høres", "the library lgpio is missing: no cord can be heard"
)
_INSTALL_LIBRARY = Text(
    "Installér nodkald-agent igen; den rigtige pakke til en Raspberry Pi er arm64",
    "Install nodkald-agent again; the right package for a Raspberry Pi is arm64",
)
_HELD = Text("BCM {pin} holdes af et andet program: {holder}", "BCM {pin} is held by another program: {holder}")
_STOP_IT = Text(
    "Stop det program; kun nodkald-agent må bruge stikket", "Stop that program; only nodkald-agent may use the header"
)
_NO_CHIP = Text("maskinen har ingen GPIO", "the machine has no GPIO")
_RIGHT_PROFILE = Text(
    "Er det en Raspberry Pi? Vælg ellers en anden profil i unit-filen",
    "Is this a Raspberry Pi? Else choose another profile in the unit file",
)
_FORBIDDEN = Text("du må ikke læse GPIO", "you may not read the GPIO")
_SIMULATED = Text(
    "et simuleret hjems ben findes kun, mens det kører", "a simulated home's pins exist only while it runs"
)
_UNSEEN = Text("enheden kører, men kan ikke spørges", "the unit runs but can't be asked")
_FREE = Text("BCM {pin} er fri til enheden", "BCM {pin} is free for the unit")


def examine(case: Case) -> list[Finding]:
    """Ask the unit, or else the kernel."""
    profile = case.unit.profile
    contacts = profile.contacts
    if case.said is not None:
        return [judge_told(name, contact, case.sensor(name)) for name, contact in contacts.items()]
    if case.hidden:
        return [Finding(NAME, Verdict.SKIPPED, _UNSEEN)]
    if case.simulated:
        return [Finding(NAME, Verdict.SKIPPED, _SIMULATED)]
    missing = [Finding(NAME, Verdict.FAIL, _NO_LIBRARY, "", _INSTALL_LIBRARY)] if not find_spec("lgpio") else []
    asked: dict[int, Bias | None] = {contact.pin: contact.bias for contact in contacts.values()}
    outputs = {"light": profile.light.pin, "sounder": profile.sounder.pin}
    try:
        lines = read_lines(header_chip(), {**asked, **dict.fromkeys(outputs.values())})
    except OSError as error:
        return [*missing, no_chip(error)]
    return [
        *missing,
        *(judge_line(name, contact, lines[contact.pin]) for name, contact in contacts.items()),
        *(judge_output(name, pin, lines[pin]) for name, pin in outputs.items()),
    ]


def judge_told(name: str, contact: Contact, told: tuple[Mapping[str, Any], Mapping[str, Any]] | None) -> Finding:
    """Return what the running unit says about a contact."""
    if told is None:
        return Finding(NAME, Verdict.SKIPPED, _UNSEEN, name)
    sensor, link = told
    detail = str(link.get("detail") or "")
    if detail and not link.get("up"):
        return Finding(NAME, Verdict.FAIL, _NOT_CLAIMED, name, _AS_IT_SAYS, detail)
    if sensor["link"] != "alive":
        return Finding(NAME, Verdict.FAIL, _UNREADABLE, name, _WIRE, detail)
    return _at_rest_or_pulled(name, contact, pulled=sensor["active"])


def judge_line(name: str, contact: Contact, line: Line) -> Finding:
    """Return what the kernel says about a contact's pin."""
    if line.held_by:
        held = both(_HELD, pin=contact.pin, holder=line.held_by)
        return Finding(NAME, Verdict.FAIL, held, name, _STOP_IT)
    if line.high is None:
        return Finding(NAME, Verdict.FAIL, _UNREADABLE, name, _WIRE, line.error)
    closed = line.high == (contact.bias == "down")
    return _at_rest_or_pulled(name, contact, pulled=is_pulled(contact, closed=closed))


def judge_output(name: str, pin: int, line: Line) -> Finding:
    """Return whether the pin of light or sounder is free for the unit."""
    if line.held_by:
        return Finding(OUTPUT, Verdict.FAIL, both(_HELD, pin=pin, holder=line.held_by), name, _STOP_IT)
    if line.error:
        return Finding(OUTPUT, Verdict.FAIL, _UNREADABLE, name, _RIGHT_PROFILE, line.error)
    return Finding(OUTPUT, Verdict.OK, both(_FREE, pin=pin), name)


def no_chip(error: OSError) -> Finding:
    """Return why the GPIO could not be opened at all."""
    if error.errno in (errno.EACCES, errno.EPERM):
        return Finding(NAME, Verdict.WARN, _FORBIDDEN, next_step=SUDO, detail=str(error))
    return Finding(NAME, Verdict.FAIL, _NO_CHIP, next_step=_RIGHT_PROFILE, detail=str(error))


def _at_rest_or_pulled(name: str, contact: Contact, *, pulled: bool) -> Finding:
    if pulled:
        return Finding(NAME, Verdict.WARN, _PULLED, name, both(_LET_GO, contact=contact.contact))
    return Finding(NAME, Verdict.OK, _AT_REST, name)
