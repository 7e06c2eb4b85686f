"""The package under test, the guest it goes into, and the provisioned unit made of both: built where not in the cache.

Rules of this file: NODKALD_DEB names a package that is there already; else `make deb` builds the checkout's own.
NODKALD_CACHE (by default /var/cache/nodkald) keeps what takes long, outside the checkout. A virtual Pi that can't be
made on this machine is SystemExit(3); what is missing has been said on stderr.
"""

from __future__ import annotations

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from tests.home import REPOSITORY
from tests.vm.installed import Installed, install, installed

if TYPE_CHECKING:
    from tests.vm.machine import Machine


def cache() -> Path:
    """Return the folder that survives a run."""
    return Path(os.environ.get("NODKALD_CACHE", "/var/cache/nodkald")) / "vm"


def provisioned() -> Installed:
    """Return the provisioned unit, switched off."""
    return installed(*_ingredients(), cache())


def just_installed(folder: Path) -> tuple[Installed, Machine]:
    """Install and provision a unit now, in `folder`; return it with its machine, which runs."""
    return install(*_ingredients(), folder)


def _ingredients() -> tuple[Path, Path]:
    """Return guest and package, made side by side: one mostly waits for the network, the other for the processor."""
    with ThreadPoolExecutor(1) as beside:
        deb = beside.submit(package)
        cache().mkdir(parents=True, exist_ok=True)
        make = [Path(__file__).parent / "make-guest", cache()]
        made = subprocess.run(make, stdout=subprocess.PIPE, text=True, check=False)
        if made.returncode != 0:
            raise SystemExit(made.returncode)
        return Path(made.stdout.strip()), deb.result()


def package() -> Path:
    """Return the package for this machine."""
    named = os.environ.get("NODKALD_DEB")
    if named:
        return Path(named)
    made = subprocess.run(
        ["make", "--no-print-directory", "deb"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stdout + made.stderr
    found = sorted((REPOSITORY / "dist").glob("nodkald-agent_*_amd64.deb"))
    assert found, made.stdout
    return found[-1]
