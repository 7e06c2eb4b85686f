"""The virtual Pi is only started where NODKALD_VM asks for it: by `make vm-fast`, which CI runs, and `make vm-test`."""

from __future__ import annotations

import os

collect_ignore_glob = [] if os.environ.get("NODKALD_VM") else ["test_*.py"]
