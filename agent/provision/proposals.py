"""When a question applies, the choices it offers, and the answer it proposes.

Rules of this file: pure; everything outside is the `World`. What is in force already is proposed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from agent.config import LOOPBACK
from agent.provision.plan import Answers
from agent.provision.questions import Choice, Names, World, hosts
from agent.provision.refusal import Refused
from agent.provision.rooms import guessed_room
from agent.rooms import ROOMS
from agent.texts import Text

if TYPE_CHECKING:
    from agent.config import UnitFile
    from agent.provision.survey import SerialDevice


def is_all_loopback(answers: Answers) -> bool:
    """Return whether every broker is on this machine, which needs no TLS."""
    return all(host in LOOPBACK for host in hosts(answers))


def ask_for_wearables(answers: Answers, world: World) -> Sequence[str]:
    """Return the wearables that sit on a port of this home."""
    profile = world.profile(answers["profile"]) if "profile" in answers else None
    return [] if profile is None or profile.simulated else list(profile.wearables)


def ask_for_sensors(answers: Answers, world: World) -> Sequence[str]:
    """Return every sensor of the profile."""
    return list(world.profile(answers["profile"]).sensors) if "profile" in answers else []


def once_if(condition: Callable[[Answers, World], object]) -> Names:
    """Ask once if the condition holds."""
    return lambda answers, world: [""] if condition(answers, world) else []


def chosen(answer: str, choices: Sequence[Choice]) -> str:
    """Return the value that was chosen by its number, its value or its words in either language."""
    if answer.isdigit() and 1 <= int(answer) <= len(choices):
        return choices[int(answer) - 1][0]
    for value, words in choices:
        if answer.casefold() in (value.casefold(), words.da.casefold(), words.en.casefold()):
            return value
    raise Refused(
        f"Det er ikke et af svarene. Skriv et tal fra 1 til {len(choices)}.",
        f"That is none of the answers. Type a number from 1 to {len(choices)}.",
    )


LANGUAGES: tuple[Choice, ...] = (("da", Text("dansk", "Danish")), ("en", Text("engelsk", "English")))
PROTOCOLS: tuple[Choice, ...] = (("mqtt5", Text("MQTT 5", "MQTT 5")), ("mqtt311", Text("MQTT 3.1.1", "MQTT 3.1.1")))
IDENTITY: tuple[Choice, ...] = (
    ("keep", Text("behold enhedens id (nyt certifikat, ombygning)", "keep the unit's id (new certificate, rebuilt)")),
    ("new", Text("nyt id (enheden skal til et andet hjem)", "a new id (the unit goes to another home)")),
)
ROOM_CHOICES: tuple[Choice, ...] = tuple((room.value, words) for room, words in ROOMS.items())


def profile_choices(_: str, __: Answers, world: World) -> Sequence[Choice]:
    """Return the shipped profiles with their titles."""
    return [(name, Text(f"{name}: {p.title}", f"{name}: {p.title}")) for name, p in world.profiles().items()]


def port_choices(name: str, answers: Answers, world: World) -> Sequence[Choice]:
    """Return the serial devices with what was heard on each."""
    wanted = world.profile(answers["profile"]).wearables[name].baud
    return [(device.path, _heard(device, wanted)) for device in world.devices()]


def _heard(device: SerialDevice, wanted: int) -> Text:
    path, heard = device.path, device.heard
    if heard.fault is not None:
        return Text(f"{path}: kan ikke aflyttes ({heard.fault})", f"{path}: can't be listened to ({heard.fault})")
    if heard.baud is None:
        return Text(f"{path}: ingen WT901 hørt", f"{path}: no WT901 heard")
    if heard.baud != wanted:
        return Text(
            f"{path}: WT901 ved {heard.baud} baud; profilen vil have {wanted}: stil sensoren om",
            f"{path}: WT901 at {heard.baud} baud; the profile wants {wanted}: set the sensor to it",
        )
    return Text(f"{path}: WT901 ved {heard.baud} baud", f"{path}: WT901 at {heard.baud} baud")


def from_existing(pick: Callable[[UnitFile], str | None]) -> Callable[[str, Answers, World], str | None]:
    """Propose what `pick` finds in the unit file in force."""
    return lambda _n, _a, world: pick(world.existing) if world.existing else None


def room_default(name: str, answers: Answers, world: World) -> str:
    """Propose the room that is in force, or the one that the sensor's name speaks of."""
    before = world.existing.sensors.get(name) if world.existing else None
    return (before.room if before else guessed_room(name, world.profile(answers["profile"]).sensors[name])).value


def port_default(name: str, answers: Answers, world: World) -> str | None:
    """Propose the port that is in force, or the one device that speaks as the profile wants."""
    before = world.existing.sensors.get(name) if world.existing else None
    if before is not None and before.port is not None:
        return before.port
    try:
        return auto_port(name, answers, world)
    except Refused:
        return None


def from_path(index: int, pick: Callable[[UnitFile, int], str]) -> Callable[[str, Answers, World], str | None]:
    """Propose what `pick` finds in broker path number `index` (from 0) of the unit file in force."""

    def default(_: str, __: Answers, world: World) -> str | None:
        unit = world.existing
        return pick(unit, index) if unit is not None and len(unit.uplink.paths) > index else None

    return default


def or_else(
    first: Callable[[str, Answers, World], str | None], fallback: str
) -> Callable[[str, Answers, World], str | None]:
    """Propose `fallback` where `first` proposes nothing."""
    return lambda name, answers, world: first(name, answers, world) or fallback


def auto_port(name: str, answers: Answers, world: World) -> str:
    """Return the one free device that speaks at the profile's baud rate. Raises Refused if there is not exactly one."""
    wanted = world.profile(answers["profile"]).wearables[name].baud
    taken = {value for key, value in answers.items() if key.startswith("port.")}
    fitting = [d.path for d in world.devices() if d.heard.baud == wanted and d.path not in taken]
    if len(fitting) != 1:
        raise Refused(
            f"Der blev hørt {len(fitting)} WT901 ved {wanted} baud, og der skal være netop én. Tænd sensoren, "
            "sæt modtageren i, eller skriv portens sti.",
            f"{len(fitting)} WT901 were heard at {wanted} baud, and it takes exactly one. Switch the sensor "
            "on, plug its receiver in, or give the port's path.",
        )
    return fitting[0]
