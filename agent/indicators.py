"""Light and sounder: what the core wants shown, as patterns in time on two pins.

Rules of this file: one table for each output, and one thread that keeps to it. `show` never blocks and never raises.
A pin that can't be had is logged once and asked for again: a home whose light is dead still calls.
What each pattern means to the citizen stands in `agent/texts.py`.
"""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING, Any

import structlog

from agent.effects import Light, Show, Sounder
from agent.sensors.pins import RETRY_S, Pins

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from agent.clock import Clock
    from agent.profiles import Output

log = structlog.get_logger()

Pattern = tuple[float, ...]
"""Seconds on, off, on, off, …, over and over. Empty is off; one infinite second is on."""

OFF: Pattern = ()
ON: Pattern = (math.inf,)

LIGHT_PATTERNS: Mapping[Light, Pattern] = {
    Light.READY: (0.1, 4.9),
    Light.PRE_ALARM: (0.25, 0.25),
    Light.SENDING: (0.5, 0.5),
    Light.RECEIVED: (1.5, 0.5),
    Light.COMING: ON,
    Light.LINE_DOWN: (0.1, 0.2, 0.1, 1.6),
}

SOUNDER_PATTERNS: Mapping[Sounder, Pattern] = {
    Sounder.SILENT: OFF,
    Sounder.PRE_ALARM: (0.2, 0.3),
    Sounder.SENDING: (0.1, 2.9),
    Sounder.RECEIVED: (0.1, 0.2, 0.1, 9.6),
    Sounder.COMING: (0.1, 0.2, 0.1, 0.2, 0.1, 29.3),
    Sounder.LINE_DOWN: (1.0, 59.0),
}


def phase(pattern: Pattern, elapsed_s: float) -> tuple[bool, float]:
    """Return whether `pattern` is on `elapsed_s` after its beginning, and the seconds until that changes."""
    if not pattern:
        return False, math.inf
    rest = elapsed_s % sum(pattern)
    for index, seconds in enumerate(pattern):
        if rest < seconds:
            return index % 2 == 0, seconds - rest
        rest -= seconds
    return True, pattern[0]  # rounding took us past the end, which is the beginning


class Indicators:
    """The light and the sounder of a profile. `on_change` hears each new `Show`; it must not block."""

    def __init__(
        self,
        light: Output,
        sounder: Output,
        pins: Pins,
        clock: Clock,
        on_change: Callable[[Show], None] | None = None,
    ) -> None:
        self._light = _Lamp("light", light, pins)
        self._sounder = _Lamp("sounder", sounder, pins)
        self._clock = clock
        self._on_change = on_change
        self._changed = threading.Condition()
        self._show: Show | None = None
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="indicators", daemon=True)

    def start(self) -> None:
        """Begin; both are off until the first `show`."""
        self._thread.start()

    def show(self, show: Show) -> None:
        """Change to `show`; the same again changes nothing. May be called from any thread."""
        with self._changed:
            if show == self._show:
                return
            self._show = show
            self._changed.notify()
        if self._on_change is not None:
            try:
                self._on_change(show)
            except Exception:  # a listener must not stop the core
                log.exception("indicator_listener_failed")

    def stop(self) -> None:
        """Put both out and give the pins back. May be called twice, or without `start`."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        for lamp in (self._light, self._sounder):
            lamp.close()

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._stopping:
                    return
                show = self._show
            now = self._clock.now().mono
            try:
                wait_s = min(
                    self._light.keep(LIGHT_PATTERNS[show.light] if show else OFF, now),
                    self._sounder.keep(SOUNDER_PATTERNS[show.sounder] if show else OFF, now),
                )
            except Exception:  # this thread must not die: without it the citizen sees nothing
                log.exception("indicators_failed")
                wait_s = 1.0
            with self._changed:
                if self._show == show and not self._stopping:
                    self._changed.wait(None if math.isinf(wait_s) else wait_s)


class _Lamp:
    """One output on its pin, and the pattern that it keeps."""

    def __init__(self, name: str, config: Output, pins: Pins) -> None:
        self._name = name
        self._config = config
        self._pins = pins
        self._device: Any = None
        self._failed = False
        self._claim_at = -math.inf
        self._pattern: Pattern = OFF
        self._began = 0.0
        self._is_on = False

    def keep(self, pattern: Pattern, now: float) -> float:
        """Set the pin as `pattern` wants it now; return the seconds until it must be looked at again."""
        if pattern != self._pattern:
            self._pattern, self._began = pattern, now
        on, wait_s = phase(self._pattern, now - self._began)
        if self._device is None and now < self._claim_at:
            return min(wait_s, self._claim_at - now)
        try:
            if self._device is None:
                self._claim()
            if on != self._is_on:
                self._device.value = on
                self._is_on = on
        except Exception as error:
            if not self._failed:
                log.exception("indicator_pin_lost", output=self._name, pin=self._config.pin, detail=str(error))
            self._failed, self._claim_at = True, now + RETRY_S
            self.close()
            return min(wait_s, RETRY_S)
        return wait_s

    def close(self) -> None:
        device, self._device, self._is_on = self._device, None, False
        if device is not None:
            try:
                device.off()
                device.close()
            except Exception as error:  # noqa: BLE001 - the pin is lost already
                log.debug("pin_not_released", output=self._name, detail=str(error))

    def _claim(self) -> None:
        from gpiozero import OutputDevice  # noqa: PLC0415 - 60 ms, spent only where there are pins

        self._device = OutputDevice(
            self._config.pin,
            active_high=self._config.active_high,
            initial_value=False,
            pin_factory=self._pins.factory(),
        )
        if self._failed:
            log.info("indicator_pin_back", output=self._name)
        self._failed = False
