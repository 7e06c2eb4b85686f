"""Which cords and buttons can be heard, told to systemd and to the log: at start, and each time that it changes.

Rules of this file: never a word more than is true. A unit with a deaf cord is READY, because the others still call and
restarting would mend nothing; but it says `not_armed` and which, and systemd shows it as the service's status. The deaf
ones are claimed again and again (agent/sensors/gpio.py), and the centre hears of each (`sensor.silent`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from agent.notify import notify

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.sensors.gpio import ContactDriver

log = structlog.get_logger()


class Arming:
    """Tells how the contacts are. Used by the core's thread alone; `facts` go with every line in the log."""

    def __init__(self, contacts: Sequence[ContactDriver], **facts: Any) -> None:
        self._contacts = tuple(contacts)
        self._facts = facts
        self._told: tuple[str, ...] | None = None

    def tell(self) -> None:
        """Say which contacts are armed, if that is new; the first time it says that the unit is ready."""
        deaf = tuple(contact.name for contact in self._contacts if not contact.readable)
        if deaf == self._told:
            return
        ready = "READY=1\n" if self._told is None else ""
        self._told = deaf
        if deaf:
            notify(f"{ready}STATUS=NOT ARMED: {', '.join(deaf)}; tried again every few seconds")
            log.error("not_armed", sensors=list(deaf), **self._facts)
        else:
            notify(f"{ready}STATUS=Armed: every cord and button can be heard")
            log.info("armed", **self._facts)
