"""The package under test and the provisioned unit made from it, built when they are not in the cache.

Rules of this file: NODKALD_DEB names a package that is there already; else `make deb` builds the checkout's own.
NODKALD_CACHE (by default /var/cache/nodkald) keeps what takes long, outside the checkout.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.home import REPOSITORY
from tests.vm.installed import Installed, installed


def cache() -> Path:
    """Return the folder that survives a run."""
    return Path(os.environ.get("NODKALD_CACHE", "/var/cache/nodkald")) / "vm"


def provisioned() -> Installed:
    """Return the provisioned unit. Raises SystemExit(3) where a virtual Pi can't be made."""
    return installed(package(), cache())


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
