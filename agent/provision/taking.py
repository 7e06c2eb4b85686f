"""What is taken for an answer: each function returns it as it is kept, or raises `Refused` with what would be right.

Rules of this file: pure; everything outside is the `World`. A refusal does not repeat the answer: it may be a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agent.config import LOOPBACK
from agent.config_faults import CPR_LIKE
from agent.provision.plan import HOST, Answers
from agent.provision.proposals import auto_port, chosen, is_all_loopback, port_choices, profile_choices
from agent.provision.questions import Choice, World, effective_unit_id
from agent.provision.refusal import Refused

YES = ("ja", "j", "yes", "y")
NO = ("nej", "n", "no")


def take_choice(
    choices: Callable[[str, Answers, World], Sequence[Choice]],
) -> Callable[[str, str, Answers, World], str]:
    """Take one of the choices, by number, value or words."""
    return lambda answer, name, answers, world: chosen(answer, choices(name, answers, world))


def take_claim(answer: str, _: str, __: Answers, world: World) -> str:
    """Take the path of a claim file that is right, or nothing."""
    if answer:
        world.claim(answer)
    return answer


def take_tenant(answer: str, *_: object) -> str:
    """Take a municipality's slug."""
    if not re.fullmatch(r"[a-z][a-z0-9-]{1,30}", answer) or CPR_LIKE.search(answer):
        raise Refused(
            "Kommunens kortnavn skrives med små bogstaver a-z, tal og bindestreg, fx aabenraa eller nordfyns.",
            "The municipality's short name has small letters a-z, digits and dashes, such as aabenraa or nordfyns.",
        )
    return answer


def take_profile(answer: str, name: str, answers: Answers, world: World) -> str:
    """Take a shipped profile, or the path of another, that this machine can be."""
    profile = answer if answer.endswith(".toml") else chosen(answer, profile_choices(name, answers, world))
    world.refuse_profile(profile)
    return profile


def take_port(answer: str, name: str, answers: Answers, world: World) -> str:
    """Take a serial port that is there and free: a choice, a path, or `auto`."""
    if answer == "auto":
        port = auto_port(name, answers, world)
    else:
        port = answer if answer.startswith("/") else chosen(answer, port_choices(name, answers, world))
    if CPR_LIKE.search(port):
        raise Refused(
            "Portens navn ligner et CPR-nummer. Brug dens sti under /dev/serial/by-path/.",
            "The port's name looks like a CPR number. Use its path below /dev/serial/by-path/.",
        )
    world.refuse_port(port)
    return port


def take_seconds(answer: str, *_: object) -> str:
    """Take 0 to 60 seconds, with a decimal point or comma."""
    if not re.fullmatch(r"\d{1,2}(?:[.,]\d)?", answer) or float(answer.replace(",", ".")) > 60:
        raise Refused("Skriv et antal sekunder fra 0 til 60.", "Type a number of seconds from 0 to 60.")
    return f"{float(answer.replace(',', '.')):g}"


def take_host(answer: str, _: str, answers: Answers, world: World) -> str:
    """Take a broker's host name or IP address."""
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


def take_second_host(answer: str, name: str, answers: Answers, world: World) -> str:
    """Take the second broker, or nothing or a dash for none."""
    return "" if answer in ("", "-") else take_host(answer, name, answers, world)


def take_broker_port(path: str) -> Callable[[str, str, Answers, World], str]:
    """Take a port number; two paths must not lead to the same host and port."""

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


def take_authority(answer: str, _: str, answers: Answers, world: World) -> str:
    """Take the centre's authority; nothing only where every broker is on this machine."""
    if answer in ("", "-"):
        if is_all_loopback(answers):
            return ""
        raise Refused(
            "Uden centralens CA-certifikat kan opkald ikke krypteres. Indsæt det, eller giv filens sti.",
            "Without the centre's CA certificate calls can't be encrypted. Paste it, or give the path of its file.",
        )
    return world.authority(answer)


def take_certificate(answer: str, _: str, answers: Answers, world: World) -> str:
    """Take the unit's certificate."""
    return world.certificate(answer, effective_unit_id(answers, world), answers["ca"])


def take_confirmation(answer: str, *_: object) -> str:
    """Take a yes."""
    if answer.casefold() in YES:
        return "yes"
    if answer.casefold() in NO:
        raise Refused(
            "Intet er skrevet. Gå tilbage med <, eller hold pause med q; svarene er gemt.",
            "Nothing was written. Go back with <, or pause with q; the answers are kept.",
        )
    raise Refused("Svar ja eller nej.", "Answer yes or no.")
