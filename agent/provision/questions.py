"""What a question is, and what it may ask of the machine.

Rules of this file: no screen, no file; everything outside is the `World`. Each entry's `take` returns the answer as
it is kept, or raises `Refused` with what would be right. Nothing asks for a name, an address or anything about a
person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from agent.provision.plan import Answers
from agent.texts import Language, Text

if TYPE_CHECKING:
    from agent.config import UnitFile
    from agent.profiles import Profile
    from agent.provision.survey import SerialDevice

Choice = tuple[str, Text]


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
