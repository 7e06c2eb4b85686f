"""`nodkald office windows`: the municipality's key for kept windows, references, and opening what was fetched.

Rules of this file: the key never leaves the machine that made it; the unit has its certificate only. What is opened is
a citizen's motion in the clear: a new directory for nobody else, a `.csv` that `nodkald replay` reads and a `.json`
with what the unit says about it. Samples are written so that they read back to the last bit.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import OpensslError, RecordingError
from agent.provision import openssl
from agent.provision.command import say_wrong, system_language
from agent.provision.files import write_new
from agent.provision.refusal import Refused, refused_by_system
from agent.provision.terminal import say
from agent.recordings import HEADER
from agent.texts import Text
from agent.windows import record, seal

if TYPE_CHECKING:
    import argparse

    from agent.recordings import Sample

KEY, CERTIFICATE = "windows.key", "windows.pem"

_CONSONANTS = "bcdfghjkmnpqrstvwxz"
_PAIRS = 5
_LARGEST = 10_000_000

_MADE = Text(
    "{certificate}: læg den på de enheder, hvis borgere har samtykket. {key}: forlader aldrig denne maskine.",
    "{certificate}: put it onto the units whose citizens have consented. {key}: never leaves this machine.",
)
_NOT_EMPTY = Text(
    "{out} er ikke tom. Vælg en ny mappe, så ingen fil bliver overskrevet.",
    "{out} is not empty. Choose a new directory, so that no file is overwritten.",
)
_NOT_OURS = Text(
    "{path}: kan ikke åbnes med denne nøgle. Er det den nøgle, som enhedens certifikat hører til?",
    "{path}: can't be opened with this key. Is it the one that the unit's certificate belongs to?",
)
_OPENED = Text("{path}: {count} målinger fra {sensor}", "{path}: {count} samples of {sensor}")


def add_jobs(jobs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `windows` and its jobs to the jobs of `nodkald office`."""
    windows = jobs.add_parser("windows", help="motion that units kept by consent").add_subparsers(
        dest="windows_job", required=True, metavar="JOB"
    )
    key = windows.add_parser("key", help="make the key that opens them, and its certificate for the units")
    key.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new directory")
    key.set_defaults(job_run=_key)

    reference = windows.add_parser("reference", help="print a random reference for a citizen's consent")
    reference.set_defaults(job_run=_reference)

    opened = windows.add_parser("open", help="decrypt windows that a technician fetched")
    opened.add_argument("--key", type=Path, required=True, metavar="KEY", help=f"the private key ({KEY})")
    opened.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new directory for motion in the clear"
    )
    opened.add_argument("files", nargs="+", type=Path, metavar="FILE.nkw")
    opened.set_defaults(job_run=_open)


def new_reference() -> str:
    """Return a random reference: a digit and a consonant in turn can be no name and no CPR number."""
    return "c-" + "".join(f"{secrets.randbelow(10)}{secrets.choice(_CONSONANTS)}" for _ in range(_PAIRS))


def _key(args: argparse.Namespace) -> int:
    _make_directory(args.out)
    key, certificate = args.out / KEY, args.out / CERTIFICATE
    try:
        secret = openssl.new_key()
        write_new(key, secret, 0o600)
        write_new(certificate, seal.certificate_for(secret).encode(), 0o644)
    except OSError as error:
        raise refused_by_system(error, args.out) from error
    _say(args, _MADE, certificate=certificate, key=key)
    return 0


def _reference(_: argparse.Namespace) -> int:
    say(new_reference())
    return 0


def _open(args: argparse.Namespace) -> int:
    _read(args.key)  # says what is wrong with it before openssl does
    _make_directory(args.out)
    code = 0
    for path in args.files:
        try:
            opened = record.decode(seal.decrypt(_read(path), args.key))
        except OpensslError:
            say_wrong(_in(args, _NOT_OURS).format(path=path))
            code = 1
        except RecordingError as error:
            say_wrong(f"{path}: {error}")
            code = 1
        else:
            target = args.out / f"{path.stem}.csv"
            _write(target, _csv(opened.samples))
            _write(target.with_suffix(".json"), opened.header.model_dump_json(indent=1, exclude_none=True) + "\n")
            _say(args, _OPENED, path=target, count=len(opened.samples), sensor=opened.header.sensor)
    return code


def _csv(samples: tuple[Sample, ...]) -> str:
    return "\n".join([HEADER, *(",".join(map(repr, sample)) for sample in samples), ""])


def _write(path: Path, text: str) -> None:
    try:
        write_new(path, text.encode(), 0o600)
    except OSError as error:
        raise refused_by_system(error, path) from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except OSError as error:
        raise refused_by_system(error, path) from error


def _make_directory(out: Path) -> None:
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise Refused(_NOT_EMPTY.da.format(out=out), _NOT_EMPTY.en.format(out=out))
    except OSError as error:
        raise refused_by_system(error, out) from error


def _say(args: argparse.Namespace, text: Text, **values: object) -> None:
    say(_in(args, text).format(**values))


def _in(args: argparse.Namespace, text: Text) -> str:
    return text.in_(args.lang or system_language())
