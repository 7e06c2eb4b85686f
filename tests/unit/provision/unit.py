"""What the provisioning tests share: a made-up machine, a trial authority, and the command in this process."""

from __future__ import annotations

import argparse
import functools
import io
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from agent.config_files import load_profile, load_unit, shipped_profiles
from agent.office.ca import TrialCa
from agent.provision import command
from agent.provision.refusal import Refused
from agent.texts import Language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pytest

    from agent.config import UnitFile
    from agent.config_files import Unit
    from agent.profiles import Profile
    from agent.provision.plan import Answers
    from agent.provision.survey import SerialDevice

NEW_ID = "u-newunit234"
FAILING = ("write", "fsync", "rename", "replace", "mkdir")


class Killed(BaseException):
    """SIGKILL: nothing is cleaned up."""


def fail_at(monkeypatch: pytest.MonkeyPatch, number: int, error: BaseException) -> list[str]:
    """Let the `number`th call that changes the disk fail; return the calls so far."""
    calls: list[str] = []

    def watched(name: str, real: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **named: object) -> object:
            calls.append(name)
            if len(calls) == number:
                raise error
            return real(*arguments, **named)

        return call

    for name in FAILING:
        monkeypatch.setattr(os, name, watched(name, getattr(os, name)))
    return calls


@functools.cache
def shipped(name: str) -> Profile:
    return load_profile(name)


@dataclass
class MadeUpWorld:
    """A `World` without a machine: it takes what begins with `good`, and refuses the rest."""

    language: Language = "en"
    existing: UnitFile | None = None
    found: tuple[SerialDevice, ...] = ()
    claims: dict[str, Answers] = field(default_factory=dict)

    def board(self) -> str:
        return "Raspberry Pi 4 Model B"

    def profiles(self) -> Mapping[str, Profile]:
        return {name: shipped(name) for name in shipped_profiles()}

    def profile(self, name: str) -> Profile:
        return shipped(name)

    def refuse_profile(self, name: str) -> None:
        shipped(name)

    def proposed_profile(self) -> str | None:
        return "pi4-cords"

    def devices(self) -> tuple[SerialDevice, ...]:
        return self.found

    def refuse_port(self, port: str) -> None:
        if port.endswith("busy"):
            raise Refused("optaget", "busy")

    def claim(self, path: str) -> Answers:
        if path not in self.claims:
            raise Refused("ingen fil", "no file")
        return self.claims[path]

    def authority(self, answer: str) -> str:
        return self._good(answer)

    def certificate(self, answer: str, unit_id: str, ca: str) -> str:
        assert unit_id
        assert ca.startswith("good")
        return self._good(answer)

    def request(self, unit_id: str) -> Mapping[str, str]:
        return {"csr": f"request of {unit_id}", "csr_path": "/pending"}

    def summary(self, answers: Answers) -> Mapping[str, str]:
        assert answers
        return {"files": "the files", "unit_file": "the unit file"}

    @staticmethod
    def _good(answer: str) -> str:
        if not answer.startswith("good"):
            raise Refused("dur ikke", "no good")
        return answer


@dataclass
class Office:
    """A trial authority that approves by hand."""

    directory: Path

    def __post_init__(self) -> None:
        self.authority = TrialCa(self.directory)
        self.authority.init()

    @property
    def ca(self) -> Path:
        return self.authority.certificate

    def sign(self, request: Path, into: Path) -> Path:
        unit_id = request.stem
        with self.authority.held():
            _, certificate = self.authority.sign(request.read_text(), unit_id)
        into.mkdir(exist_ok=True)
        made = into / f"{unit_id}.pem"
        made.write_text(certificate)
        return made


@dataclass
class Practice:
    """A directory with the unit file of a simulated home, and `nodkald provision` on it."""

    directory: Path
    monkeypatch: pytest.MonkeyPatch

    @property
    def unit_file(self) -> Path:
        return self.directory / "unit.toml"

    @property
    def pending(self) -> Path:
        return self.directory / ".provisioning"

    @property
    def requests(self) -> list[Path]:
        return sorted(self.pending.glob("*.csr"))

    @property
    def unit(self) -> Unit:
        return load_unit(self.unit_file)

    def provision(self, *arguments: str, typed: str = "", lang: str = "en") -> int:
        """Run the command; `typed` is what the technician types, and then the line is cut."""
        self.monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        self.monkeypatch.setenv("LC_ALL", "da_DK.UTF-8" if lang == "da" else "en_GB.UTF-8")
        parser = argparse.ArgumentParser()
        command.configure(parser)
        return command.run(parser.parse_args(["--unit-file", str(self.unit_file), *arguments]))

    def answers(self, *lines: str, ca: Path | None = None, port: int = 18831) -> Path:
        """Write an answers file for a simulated home."""
        file = self.directory.parent / f"{self.directory.name}-answers.toml"
        tls = [f'ca = "{ca}"', 'csr = "requests/{unit_id}.csr"', 'certificate = "signed/{unit_id}.pem"'] if ca else []
        file.write_text(
            "\n".join(
                [
                    "schema = 1",
                    'tenant = "aabenraa"',
                    'profile = "simulated-home"',
                    *tls,
                    *lines,
                    "[[paths]]",
                    'host = "127.0.0.1"',
                    f"port = {port}",
                ]
            )
        )
        return file

    def left_behind(self) -> list[str]:
        """Return what is there beside a unit file, the one before it, and the identities that they name."""
        named = "".join(path.read_text() for path in self.directory.glob("unit.toml*"))
        return sorted(
            entry.name
            for entry in self.directory.iterdir()
            if not entry.name.startswith("unit.toml") and str(entry) not in named
        )
