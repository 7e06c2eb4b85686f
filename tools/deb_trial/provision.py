"""`nodkald provision` on a machine without pins: the installed program, told to take any profile.

Rules of this file: the only thing that is not real is that the board is not asked for its pins; tests/vm has real ones.
"""

import sys

sys.path[:0] = ["/opt/nodkald/lib/python3", f"/opt/nodkald/lib/python3.{sys.version_info.minor}"]

from agent.cli import main  # noqa: E402 - found only now
from agent.provision.world import Machine  # noqa: E402 - found only now

Machine.refuse_profile = lambda *_: None  # type: ignore[method-assign]  # because this is what the trial leaves out
sys.exit(main(["provision", *sys.argv[1:]]))
