"""What a person sees of the demo: a timeline with who did what, and a summary.

Rules of this file: it prints, a line at a time, from several threads (the caller holds the lock); texts in Danish and
English.
"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from agent.effects import Light, Sounder
from agent.events import EventType
from agent.simulator import centre_view
from agent.simulator.centre_messages import EventSeen
from agent.texts import LIGHT, SOUNDER, Text

if TYPE_CHECKING:
    from pathlib import Path

    from agent.simulator.demo_check import Tape
    from agent.texts import Language

Json = dict[str, Any]

_WHO = {
    "hand": Text("hjemmet", "home"),
    "broker": Text("broker", "broker"),
    "light": Text("lampe", "light"),
    "sounder": Text("lyd", "sounder"),
    "centre": Text("central", "centre"),
}
_HANDS = {
    "pull": Text("{} trækkes", "{} is pulled"),
    "release": Text("{} slippes", "{} is let go"),
    "press": Text("{} trykkes", "{} is pressed"),
    "unplug": Text("{}: stikket trækkes ud", "{} is unplugged"),
    "replug": Text("{}: stikket sættes i", "{} is plugged in"),
}
_MOVES = {
    "sit": Text("borgeren sætter sig tungt", "the citizen sits down hard"),
    "fall": Text("borgeren falder", "the citizen falls"),
}
_DIES = Text("brokeren dør", "the broker dies")
_BACK = Text("brokeren er tilbage", "the broker is back")
_TOTALS = Text(
    "{raised} nødkald, {suppressed} falske alarmer undertrykt, {cancelled} afbrudt af borgeren; {events} hændelser i "
    "{copies} kopier, {seconds:.0f} s",
    "{raised} calls, {suppressed} false alarms suppressed, {cancelled} cancelled by the citizen; {events} events in "
    "{copies} copies, {seconds:.0f} s",
)
_LONGEST = Text("længste vej til centralen: {:.1f} s", "longest way to the centre: {:.1f} s")
_STAY = Text(
    "Alt kører videre. Prøv i en anden terminal (Ctrl-C her slutter):",
    "Everything keeps running. Try in another terminal (Ctrl-C here ends it):",
)


class DemoScreen:
    """The demo's timeline. Seconds count from when it is made."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._began = time.monotonic()
        self._light: Light | None = None
        self._sounder: Sounder | None = None

    def scene(self, number: int, title: Text) -> None:
        """Say which scene begins."""
        print(f"\n{number}. {title.in_(self._language)}", flush=True)

    def hand(self, order: str, sensor: str) -> None:
        """Say what a hand does."""
        self._line("hand", _HANDS[order].in_(self._language).format(sensor))

    def move(self, motion: str) -> None:
        """Say how the person moves."""
        self._line("hand", _MOVES[motion].in_(self._language))

    def broker(self, *, alive: bool) -> None:
        """Say that the broker dies, or is back."""
        self._line("broker", (_BACK if alive else _DIES).in_(self._language))

    def indication(self, light: Light, sounder: Sounder) -> None:
        """Show light and sounder, whichever changed."""
        if light != self._light:
            self._line("light", f"[{light.value}] {LIGHT[light].in_(self._language)}")
        if sounder != self._sounder and (sounder != Sounder.SILENT or self._sounder is not None):
            self._line("sounder", f"[{sounder.value}] {SOUNDER[sounder].in_(self._language)}")
        self._light, self._sounder = light, sounder

    def centre(self, line: Json) -> None:
        """Show what the centre got, and what its operator did."""
        event = line.get("event")
        if event is not None and event.get("sequence") is not None:
            note = EventSeen(
                event, line["topic"], line["path"], line["retained"], line["duplicate"], (), tuple(line["departures"])
            )
            self._line("centre", centre_view.text(note, self._language))
        elif line.get("ack", {}).get("ack") in ("accepted", "closed"):
            self._line("centre", centre_view.ack_text(line["ack"], self._language))

    def summary(self, tape: Tape) -> None:
        """Say what the evening came to."""
        events = tape.events()
        kinds = Counter(event["type"] for event in events)
        copies = [line for line in tape.lines if line.get("event", {}).get("sequence") is not None]
        totals = _TOTALS.in_(self._language).format(
            raised=kinds[EventType.CALL_RAISED],
            suppressed=kinds[EventType.AUDIT_SUPPRESSED],
            cancelled=kinds[EventType.CALL_CANCELLED],
            events=len(events),
            copies=len(copies),
            seconds=time.monotonic() - self._began,
        )
        ages = [((event["data"].get("delivery") or {}).get("age_ms") or 0) / 1000 for event in events]
        print(f"\n{totals}\n{_LONGEST.in_(self._language).format(max(ages, default=0.0))}", flush=True)

    def stay(self, unit_file: Path) -> None:
        """Say how to play on."""
        print(f"\n{_STAY.in_(self._language)}")
        for words in ("pull bathroom-cord", "release bathroom-cord", "press bedroom-button", "watch"):
            print(f"  nodkald sim --unit-file {unit_file} {words}")
        for motion in ("fall", "sit"):
            print(f"  nodkald sim --unit-file {unit_file} play wearable {unit_file.parent / motion}.csv")
        print(flush=True)

    def _line(self, who: str, text: str) -> None:
        seconds = time.monotonic() - self._began
        print(f"{seconds:6.1f} s  {_WHO[who].in_(self._language):<8} {text}", flush=True)
