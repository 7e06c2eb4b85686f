"""`nodkald model`: `list`, `add`, `verify`, `shadow`, `promote`.

Exit code 0: done, or everything is right. 1: it can't be done, or a model is refused. 2: the unit file is wrong.

Rules of this file: arguments, and what a technician reads. Reading needs the group nodkald, changing needs root. What
was chosen holds from the unit's next start, and the command says so.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config_files import DEFAULT_UNIT_FILE, load_unit
from agent.errors import ModelError
from agent.inference.cards import load_card, load_file
from agent.models import bring, choice
from agent.models.folder import folder_of
from agent.models.trial import ask_once
from agent.provision.refusal import Refused, refused_by_system
from agent.status.words import both
from agent.texts import Text

if TYPE_CHECKING:
    import argparse

    from agent.config_files import Unit
    from agent.inference.cards import ModelCard
    from agent.models.choice import Choice
    from agent.models.folder import ModelFolder

SHIPPED = "shipped"
NONE = "none"

_RESTART = Text("sudo systemctl restart nodkald-agent", "sudo systemctl restart nodkald-agent")
_LIVE = Text("i brug", "live")
_SHADOW = Text("i skygge", "shadow")
_STANDS_IN = Text("reserve", "stands in")
_OWN = Text("fra pakken", "of the package")
_SIGNED = Text("underskrevet", "signed")
_REFUSED = Text("AFVIST: {detail}", "REFUSED: {detail}")
_ANSWERS = Text("svarer på {ms:.2f} ms", "answers in {ms:.2f} ms")
_LINE = Text("{name}{beside}: {verdict}", "{name}{beside}: {verdict}")
_NO_KEY = Text(
    "Unit-filen har ingen signing_key under [model]: kun pakkens egen model kan bruges.",
    "The unit file has no signing_key in [model]: only the model of the package can be live.",
)
_STAND_IN_JUDGES = Text(
    "{name} afvises: {other} dømmer i stedet fra næste start.",
    "{name} is refused: {other} judges in its place from the next start on.",
)
_OF_THE_PACKAGE = Text("{name} fra pakken", "{name} of the package")
_ADDED = Text(
    "{name} er lagt ind. Prøv den i skyggen: sudo nodkald model shadow {name}",
    "{name} was added. Try it in the shadow: sudo nodkald model shadow {name}",
)
_TRIED = Text(
    "{name} prøves i skyggen fra næste start. Nu: {restart}",
    "{name} is tried in the shadow from the next start. Now: {restart}",
)
_NOT_TRIED = Text(
    "Ingen model prøves i skyggen fra næste start. Nu: {restart}",
    "No model is tried in the shadow from the next start. Now: {restart}",
)
_PROMOTED = Text(
    "{name} dømmer fra næste start. Nu: {restart}, og derefter: sudo nodkald doctor",
    "{name} judges from the next start. Now: {restart}, and then: sudo nodkald doctor",
)
_ROLLED_BACK = Text("{name} er ældre end {before}.", "{name} is older than {before}.")
_OTHER_BAND = Text(
    "Bemærk: modelkortet anbefaler uncertain_above = {card:g}; profilen har {profile:g}.",
    "Note: the model's card recommends uncertain_above = {card:g}; the profile has {profile:g}.",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald model`."""
    parser.add_argument("--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="default: %(default)s")
    jobs = parser.add_subparsers(dest="job", required=True, metavar="JOB")
    listing = jobs.add_parser("list", help="which models are here, which is live, and which is tried in the shadow")
    listing.set_defaults(job_run=_list)
    add = jobs.add_parser("add", help="take over a signed model: its card, model file and signature, side by side")
    add.add_argument("file", type=Path, metavar="FILE", help="one of the three files, such as fall-waist-1.2.0.json")
    add.set_defaults(job_run=_add)
    verify = jobs.add_parser("verify", help="check signatures and hashes, and ask each model once")
    verify.add_argument("name", nargs="?", metavar="NAME", help="default: every model that is here")
    verify.set_defaults(job_run=_verify)
    shadow = jobs.add_parser("shadow", help="try a model beside the live one: it is counted, and decides nothing")
    shadow.add_argument("name", metavar="NAME", help=f"such as fall-waist-1.2.0, or `{NONE}`")
    shadow.set_defaults(job_run=_shadow)
    promote = jobs.add_parser("promote", help="let a model judge falls; also an older one, to roll back")
    promote.add_argument("name", metavar="NAME", help=f"such as fall-waist-1.2.0, or `{SHIPPED}`")
    promote.set_defaults(job_run=_promote)


def run(args: argparse.Namespace) -> int:
    """Do the job; return the exit code."""
    unit = load_unit(args.unit_file)
    try:
        code: int = args.job_run(args, unit, folder_of(unit))
    except Refused as refused:
        sys.stderr.write(f"{refused.text.in_(unit.unit_file.language)}\n")
        return 1
    return code


def _list(_: argparse.Namespace, unit: Unit, folder: ModelFolder) -> int:
    if folder.key is None:
        _say(unit, _NO_KEY)
    asked = _read_choice(folder)
    for name in _shipped(unit):
        _say(unit, _line(name, _OWN, *([_LIVE] if asked.live is None else [])))
    here = dict.fromkeys([*_names(folder), *filter(None, (asked.live, asked.shadow))])
    verdicts = {name: _verdict(folder, name) for name in here}
    parts = ((asked.live, _LIVE), (asked.shadow, _SHADOW), (asked.previous, _STANDS_IN))
    for name, verdict in verdicts.items():
        _say(unit, _line(name, verdict, *(role for chosen, role in parts if chosen == name)))
    if asked.live is not None and verdicts[asked.live] is not _SIGNED:
        stands_in = asked.previous if verdicts.get(asked.previous or "") is _SIGNED else None
        package = both(_OF_THE_PACKAGE, name=", ".join(_shipped(unit)))
        other = Text(stands_in, stands_in) if stands_in else package
        _say(unit, both(_STAND_IN_JUDGES, name=asked.live, other=other))
    return 0


def _add(args: argparse.Namespace, unit: Unit, folder: ModelFolder) -> int:
    _say(unit, both(_ADDED, name=bring.add(folder, args.file).name))
    return 0


def _verify(args: argparse.Namespace, unit: Unit, folder: ModelFolder) -> int:
    code = 0
    if args.name is None:
        for name in _shipped(unit):
            try:
                card = load_card(name)
                _say(unit, _answered(name, _OWN, card, load_file(card)))
            except ModelError as error:
                _say(unit, _line(name, both(_REFUSED, detail=str(error))))
                code = 1
    for name in _names(folder) if args.name is None else [args.name]:
        try:
            candidate = folder.load(name)
            _say(unit, _answered(name, _SIGNED, candidate.card, candidate.files.model))
        except ModelError as error:
            _say(unit, _line(name, both(_REFUSED, detail=str(error))))
            code = 1
    return code


def _shadow(args: argparse.Namespace, unit: Unit, folder: ModelFolder) -> int:
    asked = bring.last_choice(folder)
    if args.name == NONE:
        bring.write_choice(folder, asked.model_copy(update={"shadow": None}))
        _say(unit, both(_NOT_TRIED, restart=_RESTART))
        return 0
    if args.name == asked.live:
        raise Refused(
            f"{args.name} er allerede i brug. En model prøves ikke ved siden af sig selv.",
            f"{args.name} is live already. A model is not tried beside itself.",
        )
    bring.fitting(folder, args.name, unit.profile.wearables)
    bring.write_choice(folder, asked.model_copy(update={"shadow": args.name}))
    _say(unit, both(_TRIED, name=args.name, restart=_RESTART))
    return 0


def _promote(args: argparse.Namespace, unit: Unit, folder: ModelFolder) -> int:
    asked, name = bring.last_choice(folder), None if args.name == SHIPPED else args.name
    if name is not None:
        card = bring.fitting(folder, name, unit.profile.wearables).card
        bands = {one.fall.uncertain_above for one in unit.profile.wearables.values()} - {card.uncertain_above}
        for band in sorted(bands):
            _say(unit, both(_OTHER_BAND, card=card.uncertain_above, profile=band))
        if choice.is_older(name, asked.live):
            _say(unit, both(_ROLLED_BACK, name=name, before=str(asked.live)))
    bring.write_choice(folder, choice.promoted(asked, name))
    _say(unit, both(_PROMOTED, name=args.name, restart=_RESTART))
    return 0


def _read_choice(folder: ModelFolder) -> Choice:
    try:
        return choice.read(folder.path)
    except ModelError as error:
        raise Refused(f"Valget kan ikke bruges: {error}.", f"The choice can't be used: {error}.") from error


def _names(folder: ModelFolder) -> list[str]:
    try:
        return folder.names()
    except OSError as error:
        raise refused_by_system(error, folder.path) from error


def _shipped(unit: Unit) -> list[str]:
    return sorted({wearable.fall.model for wearable in unit.profile.wearables.values()})


def _verdict(folder: ModelFolder, name: str) -> Text:
    try:
        folder.load(name)
    except ModelError as error:
        return both(_REFUSED, detail=str(error))
    return _SIGNED


def _answered(name: str, whose: Text, card: ModelCard, content: bytes) -> Text:
    answers = both(_ANSWERS, ms=ask_once(card, content) * 1000)
    return _line(name, both(Text("{whose}, {answers}", "{whose}, {answers}"), whose=whose, answers=answers))


def _line(name: str, verdict: Text, *roles: Text) -> Text:
    said = Text(", ".join(role.da for role in roles), ", ".join(role.en for role in roles))
    beside = Text(f" ({said.da})", f" ({said.en})") if roles else Text("", "")
    return both(_LINE, name=name, beside=beside, verdict=verdict)


def _say(unit: Unit, text: Text) -> None:
    sys.stdout.write(f"{text.in_(unit.unit_file.language)}\n")
