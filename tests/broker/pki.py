"""A throw-away CA and what it signs, made with the `openssl` command: a few tenths of a second for everything."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Ca:
    directory: Path
    name: str

    @property
    def certificate(self) -> Path:
        return self.directory / f"{self.name}.crt"

    @property
    def key(self) -> Path:
        return self.directory / f"{self.name}.key"

    def client_context(self, identity: Identity) -> ssl.SSLContext:
        """Return what a client of this authority connects with."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        context.load_cert_chain(identity.certificate, identity.key)
        return context

    def issue(
        self, common_name: str, *, alt_names: str | None = None, valid: tuple[str, str] | None = None
    ) -> Identity:
        """Sign a new key. `alt_names` as in openssl's subjectAltName, `valid` as (from, to) in YYYYMMDDHHMMSSZ."""
        # Each its own files: the CA serves a whole session, and an expired twin must not take the place of a good one.
        stem = f"{self.name}-{common_name}-{len(list(self.directory.glob('*.csr')))}"
        key, request, made = (self.directory / f"{stem}.{ending}" for ending in ("key", "csr", "crt"))
        _openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={common_name}", "-keyout", key, "-out", request,
        )  # fmt: skip
        extensions = self.directory / f"{stem}.ext"
        extensions.write_text(f"subjectAltName={alt_names}\n" if alt_names else "basicConstraints=CA:FALSE\n")
        if valid is None:
            _openssl(
                "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", "30", "-extfile", extensions, "-out", made,
            )  # fmt: skip
        else:
            self._issue_with_dates(request, made, extensions, valid)
        key.chmod(0o600)
        return Identity(made, key)

    def _issue_with_dates(self, request: Path, made: Path, extensions: Path, valid: tuple[str, str]) -> None:
        # Only `openssl ca` takes dates in OpenSSL 3.0, and it wants a little home.
        home = self.directory / f"{request.stem}-home"
        home.mkdir()
        (home / "index.txt").touch()
        (home / "serial").write_text("1000\n")
        (home / "ca.cnf").write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={home}/index.txt\nserial={home}/serial\nnew_certs_dir={home}\n"
            f"certificate={self.certificate}\nprivate_key={self.key}\ndefault_md=sha256\npolicy=any\nunique_subject=no\n"
            "[any]\ncommonName=supplied\n"
        )
        _openssl(
            "ca", "-batch", "-notext", "-config", home / "ca.cnf", "-startdate", valid[0], "-enddate", valid[1],
            "-extfile", extensions, "-in", request, "-out", made,
        )  # fmt: skip


def make_ca(directory: Path, name: str) -> Ca:
    ca = Ca(directory, name)
    _openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
        "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign",
        "-keyout", ca.key, "-out", ca.certificate,
    )  # fmt: skip
    return ca


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
