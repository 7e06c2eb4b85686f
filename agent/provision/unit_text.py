"""The unit file as provisioning writes it, from the answers.

Rules of this file: pure. What stands at its default is left out, but for what a technician looks for. Every value
passed the question that it answers, and the whole file passes `load_unit` before it is put in place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agent.config import Consent
    from agent.provision.plan import Answers

CA, CERTIFICATE, KEY = "ca.pem", "unit.pem", "unit.key"


@dataclass(frozen=True, slots=True)
class IdentityFiles:
    """Where the unit will find its identity: a directory of its own, and the key in it or encrypted elsewhere."""

    directory: Path
    key: Path

    @property
    def ca(self) -> Path:
        """The centre's authority."""
        return self.directory / CA

    @property
    def certificate(self) -> Path:
        """The unit's certificate."""
        return self.directory / CERTIFICATE


def unit_text(
    answers: Answers,
    unit_id: str,
    files: IdentityFiles,
    directories: dict[str, Path],
    sensors: Sequence[str],
    consent: Consent | None = None,
    signing_key: str | None = None,
) -> str:
    """Return the text of the unit file, with the consent that goes on and the key whose models are accepted."""
    lines = [
        "# Written by `nodkald provision`. docs/configuration.md explains the keys; `nodkald check-config` checks.",
        "schema = 1",
        f"tenant = {_text(answers['tenant'])}",
        f"unit_id = {_text(unit_id)}",
        f"profile = {_text(answers['profile'])}",
        f"language = {_text(answers['language'])}",
        *(f"{key} = {_text(str(path))}" for key, path in directories.items()),
    ]
    if "pre_alarm" in answers:
        lines += ["", "[pre_alarm]", f"seconds = {answers['pre_alarm']}"]
    if consent is not None and consent.model_fields_set:
        lines += ["", *_consent_lines(consent)]
    for name in ("primary", "secondary"):
        if answers.get(f"{name}.host"):
            lines += ["", *_path_lines(name, answers, files)]
    for name in sensors:
        lines += ["", f"[sensors.{name}]", f"room = {_text(answers[f'room.{name}'])}"]
        if port := answers.get(f"port.{name}"):
            lines.append(f"port = {_text(port)}")
    if signing_key is not None:
        lines += ["", "[model]", f"signing_key = {_text(signing_key)}"]
    return "\n".join([*lines, ""])


def _path_lines(name: str, answers: Answers, files: IdentityFiles) -> list[str]:
    lines = [
        "[[uplink.paths]]",
        f"name = {_text(name)}",
        f"host = {_text(answers[f'{name}.host'])}",
        f"port = {answers[f'{name}.port']}",
        f"protocol = {_text(answers[f'{name}.protocol'])}",
    ]
    if answers["ca"]:
        named = {"ca": files.ca, "certificate": files.certificate, "key": files.key}
        lines += ["", "[uplink.paths.tls]", *(f"{key} = {_text(str(file))}" for key, file in named.items())]
    return lines


def _consent_lines(consent: Consent) -> list[str]:
    lines = ["[consent]", f"motion_windows = {str(consent.motion_windows).lower()}"]
    if consent.reference is not None:
        lines.append(f"reference = {_text(consent.reference)}")
    if consent.until is not None:
        lines.append(f"until = {consent.until.isoformat()}")
    if consent.certificate is not None:
        lines.append(f"certificate = {_text(str(consent.certificate))}")
    return lines


def _text(value: str) -> str:
    # JSON's quoting is TOML's for basic strings.
    return json.dumps(value, ensure_ascii=False)
