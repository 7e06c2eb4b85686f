"""`python -m agent` is the command `nodkald`."""

import sys

from agent.cli import main

sys.exit(main())
