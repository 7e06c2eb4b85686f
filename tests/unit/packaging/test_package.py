"""What goes into the .deb is held to its promises, without building it; `make deb-test` installs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from agent import credentials
from agent.cli import SUBCOMMANDS
from agent.config import UnitFile
from agent.config_files import DEFAULT_UNIT_FILE

ROOT = Path(__file__).parents[3]
DEBIAN = ROOT / "packaging" / "debian"
SCRIPTS = ["postinst", "prerm", "postrm", "compile"]


def page(what: str) -> str:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/cli_pages.py", what], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_maintainer_scripts_are_shell_and_stop_at_the_first_failure(script: str) -> None:
    path = DEBIAN / script
    assert path.read_text().startswith("#!/bin/sh\n")
    assert "\nset -e\n" in path.read_text()
    assert subprocess.run(["sh", "-n", path], check=False).returncode == 0


def test_a_purge_deletes_the_configuration_and_the_outbox() -> None:
    deleted = re.findall(r"rm -rf (.*)", (DEBIAN / "postrm").read_text().split("purge)")[1])
    words = " ".join(deleted).split()
    assert {str(DEFAULT_UNIT_FILE.parent), str(UnitFile.model_fields["state_dir"].default)} <= set(words)


def test_nothing_but_a_purge_deletes_what_is_the_homes() -> None:
    others = [(DEBIAN / name).read_text() for name in ("postinst", "prerm", "compile")]
    others.append((DEBIAN / "postrm").read_text().split("purge)")[0])
    assert not [line for text in others for line in text.splitlines() if re.match(r"\s*rm ", line)]


@pytest.mark.parametrize("name", credentials.NAMES)
def test_the_service_is_handed_every_key_that_provisioning_may_make_and_a_purge_deletes_it(name: str) -> None:
    service = (ROOT / "systemd/nodkald-agent.service").read_text().splitlines()
    assert f"LoadCredentialEncrypted={name}" in service
    purged = (DEBIAN / "postrm").read_text().split("purge)")[1].split()
    assert str(credentials.STORE / name) in purged
    assert f"`{name}`" in (ROOT / "docs/operations/install.md").read_text()


def test_the_manual_knows_every_command() -> None:
    manual = page("man")
    assert [name for name in SUBCOMMANDS if f".SS nodkald {name.replace('-', chr(92) + '-')}\n" not in manual] == []


def test_the_manual_is_clean() -> None:
    if shutil.which("man") is None:
        pytest.skip("there is no man on this machine")
    done = subprocess.run(
        ["man", "--warnings", "--encoding=utf8", "-l", "-"],
        input=page("man"),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "100"},
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [(["check-"], "check-config"), (["run", "--unit"], "--unit-file"), (["sim", "pul"], "pull")],
)
def test_bash_completes_commands_and_options(typed: list[str], offered: str) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash on this machine")
    words = " ".join(["nodkald", *typed])
    ask = f'COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _nodkald; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run(["bash", "-c", page("bash") + ask], capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == ([offered], "")


def test_the_launcher_tells_a_python_that_it_is_not_for(tmp_path: Path) -> None:
    launcher = tmp_path / "bin" / "nodkald"
    launcher.parent.mkdir()
    shutil.copy(DEBIAN / "launcher", launcher)
    (tmp_path / "lib" / "python3.4").mkdir(parents=True)
    done = subprocess.run([sys.executable, "-IS", launcher, "run"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert re.fullmatch(r"nodkald: /usr/bin/python3 is Python 3\.1\d, and this package is for 3\.4; .*\n", done.stderr)


def test_the_launcher_takes_its_own_packages_first(tmp_path: Path) -> None:
    launcher = tmp_path / "bin" / "nodkald"
    launcher.parent.mkdir()
    shutil.copy(DEBIAN / "launcher", launcher)
    (tmp_path / "lib" / f"python3.{sys.version_info.minor}").mkdir(parents=True)
    ours = tmp_path / "lib" / "python3" / "agent" / "cli.py"
    ours.parent.mkdir(parents=True)
    ours.write_text("def main():\n    print(__file__)\n    return 7\n")
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "cli.py").write_text("raise SystemExit('the working directory got in')\n")
    env = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-IS", str(launcher)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=env)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (7, str(ours), "")
