"""`nodkald provision`: arguments, and what a technician reads when it ends.

Rules of this file: exit code 0 provisioned; 1 it can't be done, with a sentence that says what to do; 2 a file is
wrong; 3 everything is kept and it goes on by the same command (the certificate is wanting, or a pause); 130 Ctrl-C,
kept as well.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import UnitFile
from agent.config_files import DEFAULT_UNIT_FILE
from agent.errors import OpensslError
from agent.provision.dialogue import State, walk
from agent.provision.draft import Draft
from agent.provision.files import replace_file
from agent.provision.install import Content, install, new_identity, service_owner
from agent.provision.plan import AnswersFile, read_plan
from agent.provision.questions import effective_unit_id
from agent.provision.refusal import Refused, Waiting, refused_by_system
from agent.provision.terminal import Paused, any_bytes_may_come, converse, say
from agent.provision.vault import find
from agent.provision.world import Machine, is_practice
from agent.texts import Language, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agent.provision.plan import Answers

NOT_FINISHED = 3
CANCELLED = 130
UNIT_LANGUAGE: Language = UnitFile.model_fields["language"].default
"""Of a home whose answers file does not say: not the language of whoever's shell runs the command."""

_PAUSED = Text(
    "Svarene er gemt; intet er ændret på enheden. `nodkald provision` fortsætter her.",
    "The answers are kept; nothing on the unit was changed. `nodkald provision` goes on from here.",
)
_WELCOME = Text(
    "Opsætning af en nødkaldsenhed. Skriv aldrig borgerens navn, adresse eller CPR-nummer.",
    "Setting up an emergency-call unit. Never type the citizen's name, address or CPR number.",
)
_RESUMED = Text("Fortsætter, hvor du slap.", "Going on where you left.")
_DONE = Text(
    "{unit_id} er sat op. Nu: `sudo systemctl restart nodkald-agent`, `sudo nodkald doctor`, og træk i hver snor.",
    "{unit_id} is provisioned. Now: `sudo systemctl restart nodkald-agent`, `sudo nodkald doctor`, and pull each cord.",
)
_IN_THE_CLEAR = Text(
    "ADVARSEL: nøglen kunne ikke krypteres ({why}); den ligger i klartekst i {key}, som kun {owner} må læse.",
    "WARNING: the key could not be encrypted ({why}); it lies in the clear in {key}, which only {owner} may read.",
)
_PRACTICE = Text(
    "{unit_id} er sat op til øvelse. Nu: `nodkald run --unit-file {unit_file}`.",
    "{unit_id} is provisioned for practice. Now: `nodkald run --unit-file {unit_file}`.",
)
_WAITS = Text(
    "{unit_id} venter på sit certifikat. Send {csr} til kontoret, og kør den samme kommando igen, når det er kommet.",
    "{unit_id} waits for its certificate. Send {csr} to the office, and run the same command again when it has come.",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald provision`."""
    parser.add_argument("--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="default: %(default)s")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="ask nothing: the answers are in this TOML file")
    parser.add_argument("--claim", type=Path, metavar="FILE", help="the unit's claim file from the office")
    parser.add_argument("--lang", choices=["da", "en"], help="language of the dialogue and of the home")
    parser.add_argument("--start-over", action="store_true", help="forget the answers that were kept")


def run(args: argparse.Namespace) -> int:
    """Provision; return the exit code."""
    language: Language = args.lang or system_language()
    any_bytes_may_come()
    try:
        return _provision(args, language)
    except Refused as refused:
        say_wrong(refused.text.in_(language))
        return 1
    except OpensslError as error:
        say_wrong(Text(f"openssl svarede: {error}", f"openssl said: {error}").in_(language))
        return 1
    except KeyboardInterrupt:
        say(f"\n{_PAUSED.in_(language)}")
        return CANCELLED


def system_language() -> Language:
    """Return English where the system speaks it, else Danish: the homes are."""
    told = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "en" if told.startswith("en") else "da"


def say_wrong(text: str) -> None:
    """Print one sentence to where errors go."""
    sys.stderr.write(f"{text}\n")


def _provision(args: argparse.Namespace, language: Language) -> int:
    unit_path = args.unit_file.absolute()
    vault, why_clear = (None, None) if is_practice(unit_path) else find(unit_path)
    draft = Draft(unit_path.parent, encrypts=vault is not None)
    with draft.held():
        if args.start_over:
            draft.clear()
        file = read_plan(AnswersFile, args.answers) if args.answers is not None else None
        machine = Machine(
            unit_path,
            draft,
            language,
            service_owner(),
            identity=new_identity(unit_path.parent),
            vault=vault,
            why_clear=why_clear,
            base=Path() if args.answers is None else args.answers.parent,
            batch=file is not None,
        )
        claim = str(args.claim.absolute()) if args.claim is not None else None
        if file is not None:
            return _by_answers(file, args.lang, claim, machine, draft, unit_path)
        return _by_dialogue(args.lang, claim, machine, draft, unit_path)


def _by_dialogue(lang: str | None, claim: str | None, machine: Machine, draft: Draft, unit_path: Path) -> int:
    say(_WELCOME.in_(machine.language))
    if draft.begun:
        say(_RESUMED.in_(machine.language))
    state = draft.load()
    if claim is not None and state.answers.get("claim") != claim:
        state = State({"unit_id": state.answers["unit_id"]})  # what was answered before is not what the office decided
    told = {"language": lang, "claim": claim}
    state = replace(state, given={**state.given, **{key: value for key, value in told.items() if value is not None}})
    try:
        state = converse(state, machine, draft)
    except Paused:
        say(f"\n{_PAUSED.in_(machine.language)}")
        return NOT_FINISHED
    return _finish(state, machine, draft, unit_path)


def _by_answers(
    file: AnswersFile, lang: str | None, claim: str | None, machine: Machine, draft: Draft, unit_path: Path
) -> int:
    if unit_path.exists() and not file.replace:
        raise Refused(
            f"{unit_path} findes allerede. Skal enheden sættes op på ny, så skriv `replace = true` i svarfilen.",
            f"{unit_path} is there already. To provision the unit anew, write `replace = true` into the answers file.",
        )
    given = {"claim": "", "language": lang or UNIT_LANGUAGE, "confirm": "yes", **file.answers(), "ca": file.ca or ""}
    if file.certificate is not None:
        given["certificate"] = file.certificate
    if claim or file.claim:
        given["claim"] = claim or file.claim or ""
        given = {key: value for key, value in given.items() if key != "ca" or value}
    if file.unit_id is not None:
        given["identity"] = "new"
    unit_id = file.unit_id or draft.load().answers["unit_id"]
    start = State({"unit_id": unit_id}, given)
    draft.save(start)  # the id, so that the next run has the same
    try:
        state = walk(start, machine)
    except Waiting:
        return _wait(file, given, machine, draft, unit_id)
    return _finish(state, machine, draft, unit_path)


def _wait(file: AnswersFile, given: Answers, machine: Machine, draft: Draft, unit_id: str) -> int:
    if given["claim"]:
        unit_id = machine.claim(given["claim"])["unit_id"]
    elif machine.existing is not None and given.get("identity") != "new":
        unit_id = machine.existing.unit_id
    text, path = draft.request(unit_id)
    if file.csr is not None:
        path = machine.base / file.csr.replace("{unit_id}", unit_id)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, text.encode(), 0o644)
        except OSError as error:
            raise refused_by_system(error, path) from error
    say(_WAITS.in_(machine.language).format(unit_id=unit_id, csr=path))
    return NOT_FINISHED


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Ignore Ctrl-C for the few milliseconds in which it would be unclear what it stopped."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _finish(state: State, machine: Machine, draft: Draft, unit_path: Path) -> int:
    answers = state.answers
    key = draft.private_key() if answers["ca"] else None
    identity, text = machine.identity, machine.unit_file(answers)
    content = Content(text, identity.directory, key, answers.get("certificate", ""), answers["ca"], machine.vault)
    try:
        with _uninterrupted():
            install(unit_path, content, service_owner())
    except Refused:
        unconfirmed = {key: value for key, value in answers.items() if key != "confirm"}
        with contextlib.suppress(Refused):  # the disk that refused the one refuses the other
            draft.save(replace(state, answers=unconfirmed, order=state.order[:-1]))
        raise
    draft.remove()
    done = _PRACTICE if machine.practice else _DONE
    if key is not None and machine.why_clear is not None:
        why, owner = machine.why_clear.in_(machine.language), service_owner().name
        say(_IN_THE_CLEAR.in_(machine.language).format(why=why, key=identity.key, owner=owner))
    say(done.in_(machine.language).format(unit_id=effective_unit_id(answers, machine), unit_file=unit_path))
    return 0
