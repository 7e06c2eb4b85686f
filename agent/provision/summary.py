"""What is about to be written, in words: which files, for whom, and what the certificate says.

Rules of this file: no secret; the key is a file name and a mode, or the name of an encrypted credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.provision.openssl import facts_of
from agent.texts import Text

if TYPE_CHECKING:
    from pathlib import Path

    from agent.provision.plan import Answers
    from agent.provision.unit_text import IdentityFiles
    from agent.provision.vault import Vault


def summary(
    answers: Answers, unit_path: Path, identity: IdentityFiles, vault: Vault | None, owner: str, replaces: str | None
) -> Text:
    """Return the files that will be written, one a line; `replaces` is the unit that was there."""
    rows = [(unit_path, "0640", Text("", ""))]
    if answers["ca"]:
        unit, ca = facts_of(answers["certificate"]), facts_of(answers["ca"])
        rows += [
            (identity.key, "0600", Text("den private nøgle, lavet her", "the private key, made here"))
            if vault is None
            else (vault.stored, "0600", Text("den private nøgle, krypteret", "the private key, encrypted")),
            (
                identity.certificate,
                "0640",
                Text(
                    f"{unit.common_name}, gælder til {unit.not_after:%Y-%m-%d}",
                    f"{unit.common_name}, valid until {unit.not_after:%Y-%m-%d}",
                ),
            ),
            (
                identity.ca,
                "0640",
                Text(
                    f"CA {ca.common_name}, gælder til {ca.not_after:%Y-%m-%d}",
                    f"CA {ca.common_name}, valid until {ca.not_after:%Y-%m-%d}",
                ),
            ),
        ]
    return Text(
        "\n".join([
            f"Det her bliver skrevet (for {owner}):",
            *(f"  {mode}  {path}  {words.da}".rstrip() for path, mode, words in rows),
            *([f"Det erstatter {replaces}."] if replaces else []),
        ]),
        "\n".join([
            f"This will be written (for {owner}):",
            *(f"  {mode}  {path}  {words.en}".rstrip() for path, mode, words in rows),
            *([f"It replaces {replaces}."] if replaces else []),
        ]),
    )  # fmt: skip
