#!/usr/bin/env python3
"""Builds dist/nodkald-agent_VERSION_ARCH.deb: the agent, with the packages of requirements/run.txt.

    tools/build_deb.py --uv UV --arch amd64|arm64

Rules of this file: nothing of this machine gets into the package. Wheels are taken for the target (its Python, its
architecture, glibc 2.36 as in Debian 12), by hash; no code of them runs. The same commit gives the same bytes: times
are SOURCE_DATE_EPOCH or the commit's, owners are root, names are sorted by dpkg-deb. zstd, because xz takes minutes.

    /opt/nodkald/bin/nodkald        the launcher, which picks one of the trees below
    /opt/nodkald/lib/python3        what is the same for every Python: the agent, and packages without compiled code
    /opt/nodkald/lib/python3.11     packages with compiled code, for Debian 12
    /opt/nodkald/lib/python3.13     the same, for Debian 13
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import agent  # noqa: E402 - the project need not be installed

PACKAGING, SYSTEMD = ROOT / "packaging", ROOT / "systemd"
PYTHONS = ("3.11", "3.13")
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
GLIBC = "manylinux_2_36"
OURS = ("agent", "firmware_profiles")

UNIT = "nodkald-agent"
FILES = {
    "opt/nodkald/bin/nodkald": PACKAGING / "debian/launcher",
    "opt/nodkald/libexec/compile": PACKAGING / "debian/compile",
    "usr/lib/systemd/system/nodkald-agent.service": SYSTEMD / "nodkald-agent.service",
    "usr/lib/systemd/system/nodkald-clock.service": SYSTEMD / "nodkald-clock.service",
    "usr/lib/sysusers.d/nodkald-agent.conf": SYSTEMD / "sysusers.conf",
    "usr/lib/tmpfiles.d/nodkald-agent.conf": SYSTEMD / "tmpfiles.conf",
    "usr/lib/udev/rules.d/60-nodkald.rules": SYSTEMD / "60-nodkald.rules",
    "usr/share/nodkald/pi-watchdog.conf": SYSTEMD / "pi-watchdog.conf",
    "usr/share/doc/nodkald-agent/copyright": PACKAGING / "debian/copyright",
    "usr/share/doc/nodkald-agent/CHANGELOG.md": ROOT / "CHANGELOG.md",
    "usr/share/doc/nodkald-agent/configuration.md": ROOT / "docs/configuration.md",
}
LINKS = {
    "usr/bin/nodkald": "/opt/nodkald/bin/nodkald",
    "usr/share/nodkald/profiles": "/opt/nodkald/lib/python3/firmware_profiles",
    "usr/share/python3/runtime.d/nodkald-agent.rtupdate": "/opt/nodkald/libexec/compile",
}


def main() -> int:
    """Build one package; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--uv", required=True, help="the program uv, of the venv .venv-lock")
    parser.add_argument("--arch", required=True, choices=sorted(MACHINES))
    args = parser.parse_args()
    if shutil.which("dpkg-deb") is None:
        sys.exit("build_deb: there is no dpkg-deb on this machine; on Debian and Ubuntu it is in the package dpkg")
    with tempfile.TemporaryDirectory(prefix="nodkald-deb-") as scratch:
        made = build(Path(args.uv).absolute(), args.arch, Path(scratch))
    print(f"{made.relative_to(ROOT)}: {made.stat().st_size / 1e6:.1f} MB, sha256 {_sha256(made)}")
    return 0


def build(uv: Path, arch: str, scratch: Path) -> Path:
    """Make the package in dist/ and return where it is."""
    stage = scratch / "stage"
    trees = {python: _tree(uv, arch, python, scratch / python) for python in PYTHONS}
    _share_pure(trees, stage / "opt/nodkald/lib/python3")
    _agent(stage / "opt/nodkald/lib/python3")
    for python, tree in trees.items():
        shutil.move(tree, stage / f"opt/nodkald/lib/python{python}")
    for tree in (stage / "opt/nodkald/lib").iterdir():
        _leave_out(tree)
    for target, source in FILES.items():
        _copy(source, stage / target)
    for link, to in LINKS.items():
        (stage / link).parent.mkdir(parents=True, exist_ok=True)
        (stage / link).symlink_to(to)
    _pages(stage)
    (stage / "etc/nodkald").mkdir(parents=True)
    version = agent.__version__
    _control(stage, version, arch)
    _normalise(stage)
    made = ROOT / "dist" / f"{UNIT}_{version}_{arch}.deb"
    made.parent.mkdir(exist_ok=True)
    how = ("--root-owner-group", "-Zzstd", "-z9", "--build")
    _run("dpkg-deb", *how, str(stage), str(made), env={"SOURCE_DATE_EPOCH": _epoch()})
    return made


def _agent(target: Path) -> None:
    """Copy the agent and the profiles: what git knows, or would add. There is nothing to build in them."""
    listed = _run("git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *OURS)
    for name in sorted(filter(None, listed.split("\0"))):
        if (ROOT / name).exists():
            _copy(ROOT / name, target / name)
    _copy(ROOT / "LICENSE", target / "agent/LICENSE")


def _tree(uv: Path, arch: str, python: str, tree: Path) -> Path:
    """Install the lock for one target."""
    target = ("--target", str(tree), "--python-version", python, "--python-platform", f"{MACHINES[arch]}-{GLIBC}")
    # --no-config, as tools/lock: what this machine is told to ask first is nobody else's business.
    source = ("--no-config", "--require-hashes", "--only-binary", ":all:")
    how = ("--quiet", "--no-deps", "--link-mode", "copy", "--python", sys.executable)
    _run(str(uv), "pip", "install", *how, *source, *target, "-r", str(ROOT / "requirements/run.txt"))
    return tree


def _share_pure(trees: dict[str, Path], shared: Path) -> None:
    """Move every package without compiled code out of the trees to `shared`, where there is one copy of it."""
    for tree in trees.values():
        for info in sorted(tree.glob("*.dist-info")):
            if "Root-Is-Purelib: true" not in (info / "WHEEL").read_text():
                continue
            for name, *_ in csv.reader((info / "RECORD").read_text().splitlines()):
                source, target = tree / name, shared / name
                if not source.is_file():
                    continue  # a command, which uv put elsewhere
                if target.exists() and info not in source.parents and target.read_bytes() != source.read_bytes():
                    sys.exit(f"build_deb: {name} differs between the Pythons: two versions of its package are locked")
                target.parent.mkdir(parents=True, exist_ok=True)
                source.replace(target)


def _leave_out(tree: Path) -> None:
    for line in (PACKAGING / "left-out.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            for path in sorted(tree.glob(line)):
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()
    for folder, _, _ in os.walk(tree, topdown=False):
        if not any(Path(folder).iterdir()):
            Path(folder).rmdir()


def _pages(stage: Path) -> None:
    """Write what the command says of itself: its manual page and what the shell completes."""
    for what, target in (
        ("man", "usr/share/man/man1/nodkald.1.gz"),
        ("bash", "usr/share/bash-completion/completions/nodkald"),
    ):
        text = _run(sys.executable, str(ROOT / "tools/cli_pages.py"), what)
        page = stage / target
        page.parent.mkdir(parents=True)
        page.write_bytes(gzip.compress(text.encode(), mtime=0) if page.suffix == ".gz" else text.encode())


def _control(stage: Path, version: str, arch: str) -> None:
    """Write DEBIAN/: the control file, the maintainer scripts, and the sums that `dpkg --verify` compares with."""
    folder = stage / "DEBIAN"
    folder.mkdir()
    files = sorted(path for path in stage.rglob("*") if path.is_file() and not path.is_symlink())
    size = sum(-(-path.stat().st_size // 1024) for path in files)
    text = (PACKAGING / "debian/control").read_text()
    (folder / "control").write_text(text.format(version=version, arch=arch, size=size))
    sums = (
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(stage)}"
        for path in files
    )
    (folder / "md5sums").write_text("\n".join(sums) + "\n")
    for script in ("postinst", "prerm", "postrm"):
        _copy(PACKAGING / "debian" / script, folder / script)


def _normalise(stage: Path) -> None:
    """Give every file the same time, and the modes that Debian wants, whatever the umask and the wheels say."""
    for path in (stage, *stage.rglob("*")):
        if not path.is_symlink():
            runs = path.is_dir() or path in (stage / "opt/nodkald/bin/nodkald", stage / "opt/nodkald/libexec/compile")
            scripts = path.parent.name == "DEBIAN" and path.name in ("postinst", "prerm", "postrm")
            path.chmod(0o755 if runs or scripts else 0o644)
        os.utime(path, (int(_epoch()),) * 2, follow_symlinks=False)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _epoch() -> str:
    return os.environ.get("SOURCE_DATE_EPOCH") or _run("git", "-C", str(ROOT), "log", "-1", "--format=%ct").strip()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(*command: str, env: dict[str, str] | None = None) -> str:
    """Run a program and return what it printed; ends this one with what it said if it failed."""
    done = subprocess.run(command, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"build_deb: {command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
