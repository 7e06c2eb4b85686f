"""A WT901 at a serial port, for a machine that has none: a pseudo-terminal under the path that the profile names.

    wearable.py PORT FALL.csv        falls on each SIGUSR1

Rules of this file: what the agent sees is a real port of the group dialout, opened through the service's sandbox. That
the sandbox lets a USB port through, and no other device, is for the virtual Pi to show: a container can't.
"""

import grp
import os
import signal
import sys
from pathlib import Path

sys.path[:0] = ["/opt/nodkald/lib/python3", f"/opt/nodkald/lib/python3.{sys.version_info.minor}"]

from agent.recordings import read_recording  # noqa: E402 - found only now
from agent.simulator.wearable import SimulatedWearable  # noqa: E402 - found only now

port, fall = Path(sys.argv[1]), read_recording(Path(sys.argv[2]))
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGTERM})
device = SimulatedWearable(port, rate_hz=100)
device.start()
os.chown(port, 0, grp.getgrnam("dialout").gr_gid)  # as udev does
port.chmod(0o660)
while signal.sigwait({signal.SIGUSR1, signal.SIGTERM}) == signal.SIGUSR1:
    device.play(fall)
device.stop()
