"""How Hypothesis looks for counter-examples here.

On two noisy cores the time of an example says nothing, so no example has a deadline; a test that hangs is ended by
pytest-timeout. In CI the same code gets the same examples: a change is judged by what it changed. Everywhere else
the search goes on.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "nodkald",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("nodkald")
