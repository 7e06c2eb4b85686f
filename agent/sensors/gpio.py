"""Cords and buttons on pins: raw edges the moment they come, and the level once a second in case one was lost.

Rules of this file: no debounce (the core has it), no meaning (a closed contact is closed, not pulled). Under lgpio one
thread (`lgpio._notify_thread`) serves every pin, and an exception in a callback ends it, so a callback posts and does
nothing else. gpiozero keeps callbacks by weak reference: whoever makes a driver must hold it.

An edge bears the kernel's own time. A level is stamped before it is read: a level older than an edge is stale.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import structlog

from agent.readings import Edge, Level, LinkDown, LinkUp
from agent.sensors.pins import RETRY_S, Pins

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.clock import Clock
    from agent.profiles import Contact
    from agent.sensors.driver import Post

log = structlog.get_logger()

_TICKS_BELIEVED_S = 1.0
"""An edge's kernel time further back than this is on some other clock (kernels before 5.7), and is not used."""


class ContactDriver:
    """The contact `name` on a pin. Posts `Edge` and `Level`, and `LinkDown`/`LinkUp` when it is lost or had again."""

    def __init__(self, name: str, config: Contact, pins: Pins, post: Post, clock: Clock) -> None:
        self.name = name
        self._config = config
        self._pins = pins
        self._post = post
        self._clock = clock
        self._closed_is_high = config.bias == "down"
        self._device: Any = None
        self._stopped = False
        self._down: str | None = None
        self._claim_again_at = 0.0
        self._claims_refused = 0
        self._callback_error: Exception | None = None

    def start(self) -> None:
        """Claim the pin, listen to its edges and post its level; a pin that can't be had is a `LinkDown`."""
        self.look()

    @property
    def readable(self) -> bool:
        """Whether the pin is ours and its level could be read when it was last looked at."""
        return self._device is not None and self._down is None

    def busy_since(self) -> float | None:
        """Return None: a contact has no thread of its own, `PinWatch` looks at it."""
        return None

    def stop(self) -> None:
        """Post nothing more and give the pin back. May be called twice."""
        self._stopped = True
        self._release()

    def read(self) -> Level:
        """Return the level now. Raises whatever the GPIO library raises if the pin can't be read."""
        at = self._clock.now().mono
        return Level(self.name, closed=bool(self._device.pin.state) == self._closed_is_high, at=at)

    def look(self) -> None:
        """Post the level, or once that there is none; claim a lost pin again. Called at start and every second."""
        if self._stopped:
            return
        now = self._clock.now().mono
        try:
            if not self.readable and now >= self._claim_again_at:
                self._claim(now)
            if self._device is None:
                return
            level = self.read()
        except Exception as error:  # noqa: BLE001 - gpiozero and lgpio have no common root class; each means: no pin
            self._report_down(now, error)
            return
        self._claims_refused = 0
        if self._down is not None:
            self._down = None
            log.info("contact_readable_again", sensor=self.name)
            self._post(LinkUp(self.name, now))
        self._post(level)
        if self._callback_error is not None:
            log.error("edge_lost_in_callback", sensor=self.name, detail=repr(self._callback_error))
            self._callback_error = None

    def _claim(self, now: float) -> None:
        # At once at first: at boot the pins get their group a moment after they are there.
        self._claim_again_at = now + min(RETRY_S, 2.0**self._claims_refused)
        self._claims_refused += 1
        self._release()
        from gpiozero import InputDevice  # noqa: PLC0415 - 60 ms, spent only where there are pins

        pull_up = {"up": True, "down": False, "none": None}[self._config.bias]
        self._device = InputDevice(
            self._config.pin,
            pull_up=pull_up,
            active_state=True if pull_up is None else None,
            pin_factory=self._pins.factory(),
        )
        # Straight onto the pin: DigitalInputDevice would put events, locks and a hold thread between edge and post.
        self._device.pin.when_changed = self._on_change

    def _release(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            try:
                device.pin.when_changed = None  # closing an lgpio pin leaves its callback in place
                device.close()
            except Exception as error:  # noqa: BLE001 - the pin is lost already; the next claim says whether it matters
                log.debug("pin_not_released", sensor=self.name, detail=str(error))

    def _report_down(self, now: float, error: Exception) -> None:
        if self._device is not None and self._down is None:
            self._claim_again_at = now + RETRY_S  # it may still be heard by its edges: no hurry to let go of it
        if self._down == str(error):
            return
        self._down = str(error)
        log.error("contact_unreadable", sensor=self.name, pin=self._config.pin, detail=str(error))
        self._post(LinkDown(self.name, now, str(error)))

    def _on_change(self, ticks: float, state: int) -> None:
        try:
            now = self._clock.now().mono
            at = ticks if 0.0 <= now - ticks <= _TICKS_BELIEVED_S else now
            self._post(Edge(self.name, closed=bool(state) == self._closed_is_high, at=at))
        except Exception as error:  # noqa: BLE001 - one exception here would silence every pin; `look` reports it
            self._callback_error = error


class PinWatch:
    """The thread that looks at every contact once a second."""

    def __init__(self, contacts: Sequence[ContactDriver], clock: Clock, every_s: float = 1.0) -> None:
        self._contacts = tuple(contacts)
        self._clock = clock
        self._every_s = every_s
        self._busy_since: float | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pin-watch", daemon=True)

    def start(self) -> None:
        """Begin; the first round is one interval from now, because `ContactDriver.start` has read the levels."""
        self._thread.start()

    def busy_since(self) -> float | None:
        """Return the monotonic second since which a round is under way, or None between rounds."""
        return self._busy_since

    def stop(self) -> None:
        """End the thread. May be called twice."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2 * self._every_s)

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self._busy_since = self._clock.now().mono
            try:
                for contact in self._contacts:
                    contact.look()
            except Exception:  # the thread must not die; the next round tries again
                log.exception("pin_watch_round_failed")
            self._busy_since = None
