"""The virtual Pi is only started where it was asked for: `make vm-fast`, which CI runs, and `make vm-test` set NODKALD_VM."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("NODKALD_VM") else ["test_*.py"]
