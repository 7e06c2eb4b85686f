"""`nodkald office`: `ca init`, `claims`, `sign`, `broker`, `model-key`, `sign-model`, `windows`.

Rules of this file: arguments, files in and out, and what the office reads. Exit code 0 well, 1 it can't be done, 2 a
file is wrong. What is printed holds no secret.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from agent.errors import ConfigError, OpensslError
from agent.office import windows
from agent.office.ca import CERTIFICATE_DAYS, TrialCa
from agent.office.claims import claim_text, read_rows
from agent.office.models import make_key, public_key, sign_model
from agent.provision import openssl
from agent.provision.certificates import certificates_in
from agent.provision.command import say_wrong, system_language
from agent.provision.files import replace_file, sync_directory, write_new
from agent.provision.plan import HOST
from agent.provision.refusal import Refused, refused_by_system
from agent.provision.terminal import any_bytes_may_come, say
from agent.texts import Text

if TYPE_CHECKING:
    import argparse

LARGEST_REQUEST = 20_000
_DEFAULT = "default: %(default)s"

_CA_MADE = Text(
    "{ca}/ca.pem: giv den til broker og enheder. {ca}/ca.key: forlader aldrig denne maskine.",
    "{ca}/ca.pem: give it to broker and units. {ca}/ca.key: never leaves this machine.",
)
_BROKER_MADE = Text(
    "{out}: server.key og server.crt til brokeren, centre.key og centre.crt til centralen, ca.crt",
    "{out}: server.key and server.crt for the broker, centre.key and centre.crt for the centre, ca.crt",
)
_KEY_MADE = Text(
    "{key}: forlader aldrig denne maskine. Ind i hver enheds fil:",
    "{key}: never leaves this machine. Into the file of each unit:",
)
_SIGNED = Text(
    "{card}: bring den til enhederne med de to filer ved siden af, {name}.tflite og {name}.sig",
    "{card}: bring it to the units with the two files beside it, {name}.tflite and {name}.sig",
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald office`."""
    parser.add_argument("--lang", choices=["da", "en"], help="language of what is printed")
    jobs = parser.add_subparsers(dest="job", required=True, metavar="JOB")

    ca = jobs.add_parser("ca", help="an authority for trials").add_subparsers(
        dest="ca_job", required=True, metavar="JOB"
    )
    init = ca.add_parser("init", help="make one in a new directory")
    init.add_argument("--ca", type=Path, default=Path("trial-ca"), metavar="DIR", help="default: %(default)s")
    init.set_defaults(job_run=_init)

    claims = jobs.add_parser("claims", help="make a claim file for each row of a CSV")
    claims.add_argument("--csv", type=Path, required=True, metavar="FILE")
    claims.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new directory for the claims")
    authority = claims.add_mutually_exclusive_group()
    authority.add_argument("--ca", type=Path, metavar="DIR", help="the trial authority, which will sign the units")
    authority.add_argument("--ca-file", type=Path, metavar="FILE", help="your own authority's certificate (PEM)")
    claims.add_argument("--model-key", type=Path, metavar="FILE", help="the units accept models signed with this key")
    claims.set_defaults(job_run=_claims)

    sign = jobs.add_parser("sign", help="sign units' requests with the trial authority")
    sign.add_argument("--csr", type=Path, required=True, nargs="+", metavar="FILE")
    sign.add_argument("--ca", type=Path, default=Path("trial-ca"), metavar="DIR", help="default: %(default)s")
    sign.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="for the certificates; default: here")
    sign.add_argument("--approve", metavar="UNIT_ID", help="sign for this unit without a claim, or anew")
    sign.set_defaults(job_run=_sign)

    broker = jobs.add_parser("broker", help="key and certificate for a trial broker and for its centre")
    broker.add_argument("--ca", type=Path, default=Path("trial-ca"), metavar="DIR", help="default: %(default)s")
    broker.add_argument("--host", required=True, nargs="+", help="names or IP addresses that units know the broker by")
    broker.add_argument("--out", type=Path, required=True, metavar="DIR", help="a new directory")
    broker.set_defaults(job_run=_broker)

    windows.add_jobs(jobs)

    model_key = jobs.add_parser("model-key", help="make the key that signs models; it never leaves the office")
    model_key.add_argument("--key", type=Path, default=Path("model-signing.key"), metavar="FILE", help=_DEFAULT)
    model_key.set_defaults(job_run=_model_key)

    sign_model = jobs.add_parser("sign-model", help="sign a model, so that units with the key may try and promote it")
    sign_model.add_argument("--card", type=Path, required=True, metavar="FILE", help="the model file lies beside it")
    sign_model.add_argument("--key", type=Path, default=Path("model-signing.key"), metavar="FILE", help=_DEFAULT)
    sign_model.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="for its files; default: here")
    sign_model.set_defaults(job_run=_sign_model)


def run(args: argparse.Namespace) -> int:
    """Do the job; return the exit code."""
    language = args.lang or system_language()
    any_bytes_may_come()
    try:
        code: int = args.job_run(args)
    except Refused as refused:
        say_wrong(refused.text.in_(language))
        return 1
    except OpensslError as error:
        say_wrong(f"openssl: {error}")
        return 1
    return code


def _init(args: argparse.Namespace) -> int:
    TrialCa(args.ca).init()
    _say(args, _CA_MADE, ca=args.ca)
    return 0


def _claims(args: argparse.Namespace) -> int:
    claims = read_rows(args.csv)
    if args.model_key is not None:
        signing_key = public_key(args.model_key)
        claims = [{"signing_key": signing_key, **claim} for claim in claims]
    if args.ca is not None:
        ca = TrialCa(args.ca)
        with ca.held():
            secrets = ca.register([claim["unit_id"] for claim in claims])
        authority = _read(ca.certificate)
        claims = [{"enrolment": secrets[c["unit_id"]], "ca": authority, **c} for c in claims]
    elif args.ca_file is not None:
        authority = certificates_in(_read(args.ca_file))
        claims = [{"ca": authority, **claim} for claim in claims]
    _new_directory(args.out, {f"{c['unit_id']}.claim.toml": claim_text(c) for c in claims})
    say("\n".join(f"{claim['unit_id']}  {args.out / claim['unit_id']}.claim.toml" for claim in claims))
    return 0


def _sign(args: argparse.Namespace) -> int:
    ca, code = TrialCa(args.ca), 0
    with ca.held():
        for path in args.csr:
            try:
                unit_id, certificate = ca.sign(_read(path), args.approve)
                target = args.out / f"{unit_id}.pem"
                replace_file(target, certificate.encode(), 0o644)
                say(f"{unit_id}  {target}")
            except OSError as error:
                raise refused_by_system(error, args.out) from error
            except Refused as refused:
                say_wrong(f"{path}: {refused.text.in_(args.lang or system_language())}")
                code = 1
    return code


def _broker(args: argparse.Namespace) -> int:
    ca = TrialCa(args.ca)
    if wrong := [host for host in args.host if not HOST.fullmatch(host)]:
        raise ConfigError([f"--host {host}: is no host name or IP address" for host in wrong])
    alt_names = ",".join(f"{'IP' if _is_address(host) else 'DNS'}:{host}" for host in args.host)
    with ca.held():
        _new_directory(args.out, {"ca.crt": _read(ca.certificate)})
        _identity(ca, args.out, "server", args.host[0], "serverAuth", alt_names)
        _identity(ca, args.out, "centre", "centre", "clientAuth", None)
    _say(args, _BROKER_MADE, out=args.out)
    return 0


def _model_key(args: argparse.Namespace) -> int:
    public = make_key(args.key)
    _say(args, _KEY_MADE, key=args.key)
    say(f'\n[model]\nsigning_key = "{public}"')
    return 0


def _sign_model(args: argparse.Namespace) -> int:
    card = sign_model(args.card, args.key, args.out)
    _say(args, _SIGNED, card=card, name=card.stem)
    return 0


def _say(args: argparse.Namespace, text: Text, **values: object) -> None:
    say(text.in_(args.lang or system_language()).format(**values))


def _identity(ca: TrialCa, out: Path, stem: str, name: str, usage: str, alt_names: str | None) -> None:
    key = out / f"{stem}.key"
    try:
        secret = openssl.new_key()
        write_new(key, secret, 0o600)
        certificate = openssl.sign(
            openssl.request(secret, name),
            ca=ca.certificate,
            ca_key=ca.key,
            days=CERTIFICATE_DAYS,
            usage=usage,
            alt_names=alt_names,
        )
        write_new(out / f"{stem}.crt", certificate.encode(), 0o644)
    except OSError as error:
        raise refused_by_system(error, out) from error


def _new_directory(out: Path, files: dict[str, str]) -> None:
    """Write all of the files into a directory that was not there or was empty; or none."""
    staged = out.with_name(f".{out.name}.staged")
    try:
        if out.exists() and any(out.iterdir()):
            raise Refused(
                f"{out} er ikke tom. Vælg en ny mappe, så ingen fil bliver overskrevet.",
                f"{out} is not empty. Choose a new directory, so that no file is overwritten.",
            )
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(mode=0o700)
        for name, text in files.items():
            write_new(staged / name, text.encode(), 0o600)
        staged.replace(out)
        sync_directory(out.parent)
    except OSError as error:
        raise refused_by_system(error, out) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_REQUEST).decode(errors="replace")
    except OSError as error:
        raise refused_by_system(error, path) from error


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdigit()
