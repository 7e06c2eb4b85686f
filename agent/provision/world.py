"""The machine as the questions see it: board, pins, ports, files, certificates.

Rules of this file: looks once and remembers (board, devices, profiles), because a question is drawn many times.
Writes nothing but key and request, in the draft's directory.
"""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config_files import INSTALLED, load_profile, load_unit, shipped_profiles
from agent.errors import ConfigError
from agent.kernel_clock import kernel_clock_synced
from agent.provision import openssl
from agent.provision.certificates import Today, checked_authority, checked_certificate
from agent.provision.gpio_lines import Chip, header_chip, refuse_wrong_pins
from agent.provision.plan import Claim, read_plan
from agent.provision.questions import effective_unit_id
from agent.provision.refusal import Refused, Waiting, refused_by_system
from agent.provision.summary import summary
from agent.provision.survey import SerialDevice, board, listen, serial_devices
from agent.provision.unit_text import KEY, IdentityFiles, unit_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.config import UnitFile
    from agent.profiles import Profile
    from agent.provision.draft import Draft
    from agent.provision.install import Owner
    from agent.provision.plan import Answers
    from agent.provision.vault import Vault
    from agent.texts import Language, Text

_PEM = "-----BEGIN"


def is_practice(unit_path: Path) -> bool:
    """Whether this unit file is no installed unit's."""
    return INSTALLED not in unit_path.parents and INSTALLED.resolve() not in unit_path.resolve().parents


class Machine:
    """The real `World`. `batch`: nobody is asked, so a certificate that is not there yet is waited for."""

    def __init__(  # noqa: PLR0913 - each is one thing of the machine, and the last four are there for tests
        self,
        unit_path: Path,
        draft: Draft,
        language: Language,
        owner: Owner,
        *,
        identity: Path,
        vault: Vault | None = None,
        why_clear: Text | None = None,
        base: Path = Path(),
        batch: bool = False,
        chip: Callable[[], Chip] = header_chip,
        devices: Callable[[], tuple[SerialDevice, ...]] = serial_devices,
    ) -> None:
        self.language = language
        self.identity = IdentityFiles(identity, vault.given if vault is not None else identity / KEY)
        self.vault, self.why_clear = vault, why_clear
        self._unit_path = unit_path
        self._draft = draft
        self._owner = owner
        self.base = base
        self._batch = batch
        self._chip = chip
        self._find_devices = devices
        self.practice = is_practice(unit_path)

    @functools.cached_property
    def existing(self) -> UnitFile | None:
        """Return the unit file that is in force; None if there is none that can be read."""
        try:
            return load_unit(self._unit_path).unit_file
        except ConfigError:
            return None

    def board(self) -> str:
        """Return the board's own name."""
        return board()

    @functools.cached_property
    def _devices(self) -> tuple[SerialDevice, ...]:
        return self._find_devices()

    def devices(self) -> tuple[SerialDevice, ...]:
        """Return the serial devices and what speaks on them; the first time it listens."""
        return self._devices

    @functools.cached_property
    def _profiles(self) -> Mapping[str, Profile]:
        found = {name: load_profile(name) for name in shipped_profiles()}
        return {name: profile for name, profile in found.items() if self.practice or not profile.simulated}

    def profiles(self) -> Mapping[str, Profile]:
        """Return the shipped profiles that may be used here."""
        return self._profiles

    @functools.cache  # noqa: B019 - one machine a process
    def profile(self, name: str) -> Profile:
        """Return a profile by name or path; a relative path starts beside the unit file."""
        try:
            return load_profile(str(self._unit_path.parent / name) if name.endswith(".toml") else name)
        except ConfigError as error:
            faults = "; ".join(error.faults)
            raise Refused(f"Profilen kan ikke bruges: {faults}", f"The profile can't be used: {faults}") from error

    def refuse_profile(self, name: str) -> None:
        """Refuse a profile whose pins this machine has not, or has in use."""
        profile = self.profile(name)
        if profile.simulated and not self.practice:
            raise Refused(
                f"Et simuleret hjem kan ikke sættes op under {INSTALLED}. Vælg en rigtig profil.",
                f"A simulated home can't be set up below {INSTALLED}. Choose a hardware profile.",
            )
        if profile.pins == "lgpio":
            refuse_wrong_pins(profile, self._chip())

    def proposed_profile(self) -> str | None:
        """Return the shipped profile for what was found: with a wearable if one speaks, simulated where no Pi is."""
        simulated = "raspberry" not in self.board().casefold() and self.practice
        wearable = not simulated and any(device.heard.baud for device in self.devices())
        fitting = [
            name
            for name, profile in self.profiles().items()
            if profile.simulated == simulated and (simulated or bool(profile.wearables) == wearable)
        ]
        return fitting[0] if fitting else None

    def refuse_port(self, port: str) -> None:
        """Refuse a port that is not there, is none, or that another program uses."""
        known = next((device.heard for device in self.devices() if device.path == port), None)
        heard = known if known is not None and known.fault is None else listen(port, bauds=(115200,), each_s=0.0)
        if heard.fault is None:
            return
        if "another program" in heard.fault:
            raise Refused(
                f"Porten {port} bruges af et andet program. Stop det (`sudo fuser {port}` viser hvilket; er det "
                "enheden selv: `sudo systemctl stop nodkald-agent`), og svar igen.",
                f"The port {port} is used by another program. Stop it (`sudo fuser {port}` shows which; if it "
                "is the unit itself: `sudo systemctl stop nodkald-agent`) and answer again.",
            )
        raise Refused(f"Porten kan ikke bruges: {heard.fault}.", f"The port can't be used: {heard.fault}.")

    def claim(self, path: str) -> Answers:
        """Return what a claim file answers; keeps beside the draft what is no answer."""
        try:
            claim = read_plan(Claim, self.base / path)
        except ConfigError as error:
            faults = "; ".join(error.faults)
            raise Refused(f"Filen fra kontoret er forkert: {faults}", f"The claim file is wrong: {faults}") from error
        if claim.enrolment is not None:
            self._draft.keep_enrolment(claim.enrolment)
        self._draft.keep_signing_key(claim.signing_key or "")
        answers = claim.answers()
        if claim.ca is not None:
            answers["ca"] = claim.ca
        return answers

    def authority(self, answer: str) -> str:
        """Return an authority (PEM) from pasted text or a path."""
        return checked_authority(self._text_of(answer), self._today())

    def certificate(self, answer: str, unit_id: str, ca: str) -> str:
        """Return the unit's certificate (PEM) from pasted text or a path."""
        self.request(unit_id)
        answer = answer.replace("{unit_id}", unit_id)
        if self._batch and not answer.startswith(_PEM) and not (self.base / answer).exists():
            raise Waiting(f"Certifikatet {answer} er der ikke endnu.", f"The certificate {answer} is not there yet.")
        return checked_certificate(
            self._text_of(answer),
            ca=ca,
            unit_id=unit_id,
            public_key=openssl.public_key_of(self._draft.private_key()).strip(),
            today=self._today(),
        )

    def request(self, unit_id: str) -> Mapping[str, str]:
        """Make key and request where there are none; return the request's text and place."""
        text, path = self._draft.request(unit_id)
        return {"csr": text, "csr_path": str(path)}

    def unit_file(self, answers: Answers) -> str:
        """Return the text of the unit file. A consent goes on with the unit's identity: a new one is another home."""
        here = self._unit_path.parent
        directories = {"state_dir": here / "state", "runtime_dir": here / "run"} if self.practice else {}
        sensors = list(self.profile(answers["profile"]).sensors)
        unit_id, existing = effective_unit_id(answers, self), self.existing
        consent = existing.consent if existing is not None and existing.unit_id == unit_id else None
        key = self._draft.signing_key() or (existing.model.signing_key if existing is not None else None)
        return unit_text(answers, unit_id, self.identity, directories, sensors, consent, key)

    def summary(self, answers: Answers) -> Mapping[str, str]:
        """Return what would be written, without a secret."""
        replaces = str(self._unit_path) if self._unit_path.exists() else None
        if self.existing is not None:
            replaces = self.existing.unit_id
        files = summary(answers, self._unit_path, self.identity, self.vault, self._owner.name, replaces)
        return {"files": files.in_(self.language), "unit_file": self.unit_file(answers)}

    def _text_of(self, answer: str) -> str:
        if answer.startswith(_PEM):
            return answer
        path = self.base / answer
        try:
            return path.read_bytes()[:1_000_000].decode(errors="replace")
        except OSError as error:
            raise refused_by_system(error, path) from error

    @staticmethod
    def _today() -> Today:
        return Today(datetime.now(UTC), kernel_clock_synced())
