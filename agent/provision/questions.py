"""The table of questions: what is asked, when, what is proposed, and what is taken for an answer.

Rules of this file: no screen, no file; everything outside is the `World`. Each entry's `take` returns the answer as
it is kept, or raises `Refused` with what would be right. Nothing asks for a name, an address or anything about a
person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.config import LOOPBACK
from agent.config_faults import CPR_LIKE
from agent.provision.plan import HOST, Answers
from agent.provision.refusal import Refused
from agent.provision.rooms import ROOMS, guessed_room
from agent.texts import Language, Text

if TYPE_CHECKING:
    from agent.config import UnitFile
    from agent.profiles import Profile
    from agent.provision.survey import SerialDevice

Choice = tuple[str, Text]

YES = ("ja", "j", "yes", "y")
NO = ("nej", "n", "no")


class World(Protocol):
    """What the questions need to know of the machine. Everything that can't be used raises `Refused`."""

    language: Language

    @property
    def existing(self) -> UnitFile | None:
        """Return the unit file in force."""

    def profiles(self) -> Mapping[str, Profile]:
        """Return the shipped profiles that may be used here."""

    def profile(self, name: str) -> Profile:
        """Return a profile by name or path."""

    def refuse_profile(self, name: str) -> None:
        """Refuse a profile that this machine can't be."""

    def board(self) -> str:
        """Return the board's own name."""

    def proposed_profile(self) -> str | None:
        """Return what the board and its devices look like."""

    def devices(self) -> Sequence[SerialDevice]:
        """Return the serial devices and what speaks on them."""

    def refuse_port(self, port: str) -> None:
        """Refuse a port that is not there, is none, or that another program uses."""

    def claim(self, path: str) -> Answers:
        """Return what a claim file answers."""

    def authority(self, answer: str) -> str:
        """Return an authority (PEM) from pasted text or a path."""

    def certificate(self, answer: str, unit_id: str, ca: str) -> str:
        """Return the unit's certificate (PEM) from pasted text or a path."""

    def request(self, unit_id: str) -> Mapping[str, str]:
        """Make key and request if they are not there; return `csr` (its text) and `csr_path`."""

    def summary(self, answers: Answers) -> Mapping[str, str]:
        """Return `files` and `unit_file`, what would be written."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question as it is shown."""

    key: str
    number: int
    of: int
    text: Text
    help: Text
    facts: Mapping[str, str]
    default: str | None
    choices: tuple[Choice, ...]
    refusal: Text | None


Names = Callable[[Answers, World], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the table. `applies` gives the names it is asked for: `[""]` for once, none for never."""

    key: str
    text: Text
    help: Text
    take: Callable[[str, str, Answers, World], str]
    applies: Names = lambda _a, _w: [""]
    default: Callable[[str, Answers, World], str | None] = lambda _n, _a, _w: None
    choices: Callable[[str, Answers, World], Sequence[Choice]] = lambda _n, _a, _w: ()
    facts: Callable[[Answers, World], Mapping[str, str]] = lambda _a, _w: {}

    def key_of(self, name: str) -> str:
        """Return the key of the answer: the entry's, or with the name that it is asked for."""
        return f"{self.key}.{name}" if name else self.key


def effective_unit_id(answers: Answers, world: World) -> str:
    """Return the id that the unit will have: the one it had, if that is kept, or the new one."""
    if answers.get("identity") == "keep" and world.existing is not None:
        return world.existing.unit_id
    return answers["unit_id"]


def hosts(answers: Answers) -> list[str]:
    """Return the brokers' hosts, the preferred one first."""
    return [host for path in ("primary", "secondary") if (host := answers.get(f"{path}.host"))]


def _is_all_loopback(answers: Answers) -> bool:
    return all(host in LOOPBACK for host in hosts(answers))


# ---------------------------------------------------------------- what applies


def _wearables(answers: Answers, world: World) -> Sequence[str]:
    profile = world.profile(answers["profile"]) if "profile" in answers else None
    return [] if profile is None or profile.simulated else list(profile.wearables)


def _sensors(answers: Answers, world: World) -> Sequence[str]:
    return list(world.profile(answers["profile"]).sensors) if "profile" in answers else []


def _once_if(condition: Callable[[Answers, World], object]) -> Names:
    return lambda answers, world: [""] if condition(answers, world) else []


# ---------------------------------------------------------------- choices


def _chosen(answer: str, choices: Sequence[Choice]) -> str:
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


_LANGUAGES: tuple[Choice, ...] = (("da", Text("dansk", "Danish")), ("en", Text("engelsk", "English")))
_PROTOCOLS: tuple[Choice, ...] = (("mqtt5", Text("MQTT 5", "MQTT 5")), ("mqtt311", Text("MQTT 3.1.1", "MQTT 3.1.1")))
_IDENTITY: tuple[Choice, ...] = (
    ("keep", Text("behold enhedens id (nyt certifikat, ombygning)", "keep the unit's id (new certificate, rebuilt)")),
    ("new", Text("nyt id (enheden skal til et andet hjem)", "a new id (the unit goes to another home)")),
)
_ROOMS: tuple[Choice, ...] = tuple((room.value, words) for room, words in ROOMS.items())


def _profiles(_: str, __: Answers, world: World) -> Sequence[Choice]:
    return [(name, Text(f"{name}: {p.title}", f"{name}: {p.title}")) for name, p in world.profiles().items()]


def _ports(name: str, answers: Answers, world: World) -> Sequence[Choice]:
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


# ---------------------------------------------------------------- defaults


def _existing(pick: Callable[[UnitFile], str | None]) -> Callable[[str, Answers, World], str | None]:
    return lambda _n, _a, world: pick(world.existing) if world.existing else None


def _room_default(name: str, answers: Answers, world: World) -> str:
    before = world.existing.sensors.get(name) if world.existing else None
    return (before.room if before else guessed_room(name, world.profile(answers["profile"]).sensors[name])).value


def _port_default(name: str, answers: Answers, world: World) -> str | None:
    before = world.existing.sensors.get(name) if world.existing else None
    if before is not None and before.port is not None:
        return before.port
    try:
        return _auto_port(name, answers, world)
    except Refused:
        return None


def _path(index: int, pick: Callable[[UnitFile, int], str]) -> Callable[[str, Answers, World], str | None]:
    def default(_: str, __: Answers, world: World) -> str | None:
        unit = world.existing
        return pick(unit, index) if unit is not None and len(unit.uplink.paths) > index else None

    return default


def _or(
    first: Callable[[str, Answers, World], str | None], fallback: str
) -> Callable[[str, Answers, World], str | None]:
    return lambda name, answers, world: first(name, answers, world) or fallback


# ---------------------------------------------------------------- what is taken


def _take_choice(
    choices: Callable[[str, Answers, World], Sequence[Choice]],
) -> Callable[[str, str, Answers, World], str]:
    return lambda answer, name, answers, world: _chosen(answer, choices(name, answers, world))


def _take_claim(answer: str, _: str, __: Answers, world: World) -> str:
    if answer:
        world.claim(answer)
    return answer


def _take_tenant(answer: str, *_: object) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,30}", answer) or CPR_LIKE.search(answer):
        raise Refused(
            "Kommunens kortnavn skrives med små bogstaver a-z, tal og bindestreg, fx aabenraa eller nordfyns.",
            "The municipality's short name has small letters a-z, digits and dashes, such as aabenraa or nordfyns.",
        )
    return answer


def _take_profile(answer: str, name: str, answers: Answers, world: World) -> str:
    profile = answer if answer.endswith(".toml") else _chosen(answer, _profiles(name, answers, world))
    world.refuse_profile(profile)
    return profile


def _auto_port(name: str, answers: Answers, world: World) -> str:
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


def _take_port(answer: str, name: str, answers: Answers, world: World) -> str:
    if answer == "auto":
        port = _auto_port(name, answers, world)
    else:
        port = answer if answer.startswith("/") else _chosen(answer, _ports(name, answers, world))
    if CPR_LIKE.search(port):
        raise Refused(
            "Portens navn ligner et CPR-nummer. Brug dens sti under /dev/serial/by-path/.",
            "The port's name looks like a CPR number. Use its path below /dev/serial/by-path/.",
        )
    world.refuse_port(port)
    return port


def _take_seconds(answer: str, *_: object) -> str:
    if not re.fullmatch(r"\d{1,2}(?:[.,]\d)?", answer) or float(answer.replace(",", ".")) > 60:
        raise Refused("Skriv et antal sekunder fra 0 til 60.", "Type a number of seconds from 0 to 60.")
    return f"{float(answer.replace(',', '.')):g}"


def _take_host(answer: str, _: str, answers: Answers, world: World) -> str:
    if not HOST.fullmatch(answer) or CPR_LIKE.search(answer):
        raise Refused(
            "Det er hverken et værtsnavn eller en IP-adresse. Skriv fx mqtt.central.example, uden port og uden mqtt://.",
            "That is neither a host name nor an IP address. Type e.g. mqtt.centre.example, without port and without mqtt://.",
        )
    if world.profile(answers["profile"]).simulated and answer not in LOOPBACK:
        raise Refused(
            "Et simuleret hjem må kun ringe til en broker her på maskinen. Skriv 127.0.0.1, eller skift profil.",
            "A simulated home may only call a broker on this machine. Type 127.0.0.1, or choose another profile.",
        )
    return answer


def _take_second_host(answer: str, name: str, answers: Answers, world: World) -> str:
    return "" if answer in ("", "-") else _take_host(answer, name, answers, world)


def _take_broker_port(path: str) -> Callable[[str, str, Answers, World], str]:
    def take(answer: str, _: str, answers: Answers, __: World) -> str:
        if not re.fullmatch(r"\d{1,5}", answer) or not 1 <= int(answer) <= 65_535:
            raise Refused("Skriv et portnummer fra 1 til 65535; 8883 er det sædvanlige.",
                          "Type a port number from 1 to 65535; 8883 is the usual one.")  # fmt: skip
        same = answers["primary.host"] == answers.get("secondary.host") and answers.get("primary.port") == answer
        if path == "secondary" and same:
            raise Refused(
                "Den anden vej fører til samme vært og port som den første. Giv en anden, eller gå tilbage med <.",
                "The second path leads to the same host and port as the first. Give another one, or go back with <.",
            )
        return str(int(answer))

    return take


def _take_authority(answer: str, _: str, answers: Answers, world: World) -> str:
    if answer in ("", "-"):
        if _is_all_loopback(answers):
            return ""
        raise Refused(
            "Uden centralens CA-certifikat kan opkald ikke krypteres. Indsæt det, eller giv filens sti.",
            "Without the centre's CA certificate calls can't be encrypted. Paste it, or give the path of its file.",
        )
    return world.authority(answer)


def _take_certificate(answer: str, _: str, answers: Answers, world: World) -> str:
    return world.certificate(answer, effective_unit_id(answers, world), answers["ca"])


def _take_confirmation(answer: str, *_: object) -> str:
    if answer.casefold() in YES:
        return "yes"
    if answer.casefold() in NO:
        raise Refused(
            "Intet er skrevet. Gå tilbage med <, eller hold pause med q; svarene er gemt.",
            "Nothing was written. Go back with <, or pause with q; the answers are kept.",
        )
    raise Refused("Svar ja eller nej.", "Answer yes or no.")


TABLE: tuple[Entry, ...] = (
    Entry(
        "language",
        Text("Sprog i hjemmet", "Language in the home"),
        Text("Af tekster, som borger og tekniker læser.", "Of texts that citizen and technician read."),
        take=_take_choice(lambda _n, _a, _w: _LANGUAGES),
        default=lambda _n, _a, world: world.existing.language if world.existing else world.language,
        choices=lambda _n, _a, _w: _LANGUAGES,
    ),
    Entry(
        "claim",
        Text("Fil fra kontoret (claim)", "Claim file from the office"),
        Text(
            "Stien til filen, fx /media/usb/u-k7qm3xw2ar.claim.toml. Tom, hvis du ingen har.",
            "The file's path, such as /media/usb/u-k7qm3xw2ar.claim.toml. Empty if you have none.",
        ),
        take=_take_claim,
        default=lambda _n, _a, _w: "",
    ),
    Entry(
        "identity",
        Text(
            "Enheden er allerede sat op som {unit}. Hvad nu?", "The unit is provisioned already, as {unit}. What now?"
        ),
        Text(
            "I begge tilfælde laves en ny nøgle; den gamle opsætning gælder, til den nye er skrevet.",
            "Either way a new key is made; the old set-up holds until the new one is written.",
        ),
        take=_take_choice(lambda _n, _a, _w: _IDENTITY),
        applies=_once_if(lambda answers, world: world.existing is not None and not answers.get("claim")),
        default=lambda _n, _a, _w: "keep",
        choices=lambda _n, _a, _w: _IDENTITY,
        facts=lambda _a, world: {"unit": world.existing.unit_id if world.existing else ""},
    ),
    Entry(
        "tenant",
        Text("Kommune", "Municipality"),
        Text("Kortnavn med små bogstaver, fx aabenraa.", "Its short name in small letters, such as aabenraa."),
        take=_take_tenant,
        default=_existing(lambda unit: unit.tenant),
    ),
    Entry(
        "profile",
        Text("Profil: hvad er enheden bygget af?", "Profile: what is the unit built of?"),
        Text(
            "Tallet, eller stien til en profil, der ender på .toml. Fundet: {board}.",
            "The number, or the path of a profile that ends in .toml. Found: {board}.",
        ),
        take=_take_profile,
        default=lambda _n, _a, world: world.proposed_profile(),
        choices=_profiles,
        facts=lambda _a, world: {"board": world.board() or "-"},
    ),
    Entry(
        "room",
        Text("Hvor sidder {name}?", "Where does {name} hang?"),
        Text("Rummet følger med hvert opkald.", "The room goes with every call."),
        take=_take_choice(lambda _n, _a, _w: _ROOMS),
        applies=_sensors,
        default=_room_default,
        choices=lambda _n, _a, _w: _ROOMS,
    ),
    Entry(
        "port",
        Text("Hvilken port sidder {name} på?", "Which port is {name} on?"),
        Text("Tallet, eller en sti under /dev/serial/.", "The number, or a path below /dev/serial/."),
        take=_take_port,
        applies=_wearables,
        default=_port_default,
        choices=_ports,
    ),
    Entry(
        "pre_alarm",
        Text("Sekunder til at afbryde et automatisk opkald", "Seconds to cancel an automatic call"),
        Text("0 til 60. Gælder aldrig snor og knap.", "0 to 60. Never applies to a cord or button."),
        take=_take_seconds,
        applies=_once_if(lambda answers, world: "profile" in answers and world.profile(answers["profile"]).wearables),
        default=_or(_existing(lambda unit: f"{unit.pre_alarm.seconds:g}"), "10"),
    ),
    Entry(
        "primary.host",
        Text("Centralens broker: værtsnavn eller IP-adresse", "The centre's broker: host name or IP address"),
        Text("Som det står i brokerens certifikat.", "As it stands in the broker's certificate."),
        take=_take_host,
        default=_path(0, lambda unit, i: unit.uplink.paths[i].host),
    ),
    Entry(
        "primary.port",
        Text("Brokerens port", "The broker's port"),
        Text("8883 er det sædvanlige med TLS.", "8883 is the usual one with TLS."),
        take=_take_broker_port("primary"),
        default=_or(_path(0, lambda unit, i: str(unit.uplink.paths[i].port)), "8883"),
    ),
    Entry(
        "primary.protocol",
        Text("Brokerens protokol", "The broker's protocol"),
        Text("mqtt311 kun hvis centralen siger det.", "mqtt311 only if the centre says so."),
        take=_take_choice(lambda _n, _a, _w: _PROTOCOLS),
        default=_or(_path(0, lambda unit, i: unit.uplink.paths[i].protocol), "mqtt5"),
        choices=lambda _n, _a, _w: _PROTOCOLS,
    ),
    Entry(
        "secondary.host",
        Text("Den anden vej: en anden brokers vært", "The second path: another broker's host"),
        Text("Tom eller - for ingen.", "Empty or - for none."),
        take=_take_second_host,
        default=_or(_path(1, lambda unit, i: unit.uplink.paths[i].host), ""),
    ),
    Entry(
        "secondary.port",
        Text("Den anden brokers port", "The second broker's port"),
        Text("8883 er det sædvanlige med TLS.", "8883 is the usual one with TLS."),
        take=_take_broker_port("secondary"),
        applies=_once_if(lambda answers, _: answers.get("secondary.host")),
        default=_or(_path(1, lambda unit, i: str(unit.uplink.paths[i].port)), "8883"),
    ),
    Entry(
        "secondary.protocol",
        Text("Den anden brokers protokol", "The second broker's protocol"),
        Text("mqtt311 kun hvis centralen siger det.", "mqtt311 only if the centre says so."),
        take=_take_choice(lambda _n, _a, _w: _PROTOCOLS),
        applies=_once_if(lambda answers, _: answers.get("secondary.host")),
        default=_or(_path(1, lambda unit, i: unit.uplink.paths[i].protocol), "mqtt5"),
        choices=lambda _n, _a, _w: _PROTOCOLS,
    ),
    Entry(
        "ca",
        Text("Centralens CA-certifikat", "The centre's CA certificate"),
        Text(
            "Filens sti, eller indsæt teksten (-----BEGIN CERTIFICATE----- …).",
            "The path of its file, or paste its text (-----BEGIN CERTIFICATE----- …).",
        ),
        take=_take_authority,
        default=lambda _n, answers, _w: "" if _is_all_loopback(answers) else None,
    ),
    Entry(
        "certificate",
        Text("Enhedens certifikat fra kontoret", "The unit's certificate from the office"),
        Text(
            "Send denne anmodning til kontoret (den er ikke hemmelig; den ligger i {csr_path}):\n\n{csr}\n"
            "Giv så stien til certifikatet, eller indsæt det. q holder pause, til det kommer.",
            "Send this request to the office (it is no secret; it is in {csr_path}):\n\n{csr}\n"
            "Then give the certificate's path, or paste it. q pauses until it comes.",
        ),
        take=_take_certificate,
        applies=_once_if(lambda answers, _: answers.get("ca")),
        facts=lambda answers, world: world.request(effective_unit_id(answers, world)),
    ),
    Entry(
        "confirm",
        Text("Skal det skrives? (ja/nej)", "Write this? (yes/no)"),
        Text("{files}\n\n{unit_file}", "{files}\n\n{unit_file}"),
        take=_take_confirmation,
        facts=lambda answers, world: world.summary(answers),
    ),
)
"""In the order in which they are asked."""
