"""The one pin factory of the process: the one that the profile names, or a `SensorError`; never another.

Rules of this file: gpiozero's own choice (environment, fall-backs) is never asked, because a unit that quietly runs
on mock pins looks well and hears no cord. A GPIO that can't be opened stops nothing: every driver that needs it says
so on its own (`LinkDown`), and asks again every few seconds.
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import structlog

from agent.errors import SensorError

if TYPE_CHECKING:
    from collections.abc import Iterator

RETRY_S = 10.0
"""How long whoever found the GPIO dead waits before it asks again."""

_PI_4B = "c03114"

log = structlog.get_logger()


class Pins:
    """Opens the pin factory when first needed, and keeps it. `work_dir` must be writable: lgpio puts a pipe there."""

    def __init__(self, kind: Literal["lgpio", "mock"], work_dir: Path) -> None:
        self._kind = kind
        self._work_dir = work_dir
        self._lock = threading.Lock()
        self._factory: Any = None

    def factory(self) -> Any:
        """Return gpiozero's pin factory of the profile's kind.

        Raises `SensorError` if it can't be opened; a later call tries again.
        """
        with self._lock:
            if self._factory is None:
                self._factory = _mock_factory() if self._kind == "mock" else _lgpio_factory(self._work_dir)
            return self._factory

    def close(self) -> None:
        """Give the pins back. May be called twice."""
        with self._lock:
            factory, self._factory = self._factory, None
        if factory is not None:
            try:
                factory.close()
            except Exception as error:  # noqa: BLE001 - lgpio raises its own root class, and we are leaving anyway
                log.warning("pins_not_closed", detail=str(error))


def _mock_factory() -> Any:
    from gpiozero.pins.mock import MockFactory, MockPin  # noqa: PLC0415 - a unit with hardware needs none of it

    return MockFactory(revision=_PI_4B, pin_class=MockPin)


def _lgpio_factory(work_dir: Path) -> Any:
    """Import lgpio in `work_dir`: it makes its pipe `.lgd-nfy0` in the directory where it is imported, or fails."""
    try:
        work_dir.mkdir(parents=True, exist_ok=True)
        with _working_in(work_dir):
            from gpiozero.pins.lgpio import LGPIOFactory  # noqa: PLC0415 - must be imported in `work_dir`
        return LGPIOFactory()
    except ImportError as error:
        raise SensorError(
            f"the library lgpio is missing ({error}); install nodkald-agent again, for a Raspberry Pi the package arm64"
        ) from error
    except OSError as error:
        raise SensorError(
            f"lgpio can't work in {work_dir} ({error}); runtime_dir must be writable for the unit"
        ) from error
    except Exception as error:
        raise SensorError(
            f'the GPIO can\'t be opened ({error}); a profile with pins = "lgpio" needs a Raspberry Pi, '
            "/dev/gpiochip0, and a user in the group gpio"
        ) from error


@contextlib.contextmanager
def _working_in(directory: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(directory)
    try:
        yield
    finally:
        os.chdir(before)
