"""Runs inside the unit before it starts: a hand that held a cord through the end of the last unit holds it still.

Rules of this file: the sensors in the file `held` are pulled before any driver reads them, as a real cord would be.
"""

from __future__ import annotations

from pathlib import Path

from agent.simulator.home import SimulatedHome

FILE = "held"


def install(directory: str) -> None:
    """Let a simulated home begin as the file `held` in `directory` says."""
    real = SimulatedHome.start

    def start(home: SimulatedHome) -> None:
        real(home)
        file = Path(directory) / FILE
        for sensor in file.read_text().split() if file.exists() else ():
            home.pull(sensor)

    setattr(SimulatedHome, "start", start)  # noqa: B010 - mypy takes no other form of it
