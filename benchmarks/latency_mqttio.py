"""mqtt-io 2.7.0 for `benchmarks/latency.py`: its own gpiozero module in interrupt mode, its mock pin worked from stdin.

Run by `benchmarks/latency.py` with the Python of a venv that has mqtt-io and gpiozero; imports nothing of ours. For
each line on stdin it writes the monotonic time and pulls the pin to ground, or lets it go again after `release`.
"""

from __future__ import annotations

import os
import sys
import threading
import time

os.environ["GPIOZERO_PIN_FACTORY"] = "mock"

PIN = 17


def hands() -> None:
    """Work the pin as stdin says."""
    from gpiozero import Device  # noqa: PLC0415 - after the factory was chosen

    for order in sys.stdin:
        pin = Device.pin_factory.pin(PIN)
        if order.strip() == "release":
            pin.drive_high()
        else:
            print(time.monotonic(), flush=True)
            pin.drive_low()


if __name__ == "__main__":
    from mqtt_io.__main__ import main  # type: ignore[import-not-found]  # because it is in another venv

    threading.Thread(target=hands, daemon=True).start()
    main()
