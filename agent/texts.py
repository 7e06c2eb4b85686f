"""Texts in Danish and English, and everything a citizen or a technician reads about light and sounder.

Rules of this file: texts only. Every light and sounder has its meaning here in both languages; a test says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from agent.effects import Light, Sounder

if TYPE_CHECKING:
    from collections.abc import Mapping

Language = Literal["da", "en"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    da: str
    en: str

    def in_(self, language: Language) -> str:
        """Return the text in `language`."""
        return self.da if language == "da" else self.en


def measured(template: Text, number: float) -> Text:
    """Fill the one place of a text with a number, as each language writes it."""
    written = f"{number:g}"
    return Text(template.da.format(written.replace(".", ",")), template.en.format(written))


LIGHT: Mapping[Light, Text] = {
    Light.READY: Text("Klar: der kan kaldes hjælp", "Ready: you can call for help"),
    Light.PRE_ALARM: Text(
        "Er du faldet? Der kaldes hjælp om lidt. Tryk på nulstil, hvis du er uskadt",
        "Did you fall? Help will be called in a moment. Press reset if you are unhurt",
    ),
    Light.SENDING: Text("Kaldet sendes", "Your call is being sent"),
    Light.RECEIVED: Text("Nødkaldscentralen har dit kald", "The response centre has your call"),
    Light.COMING: Text("Der er hjælp på vej", "Someone is coming"),
    Light.LINE_DOWN: Text(
        "Ingen forbindelse til nødkaldscentralen. Ring 112, hvis du har brug for hjælp nu",
        "No connection to the response centre. Dial 112 if you need help now",
    ),
}

SOUNDER: Mapping[Sounder, Text] = {
    Sounder.SILENT: Text("Ingen lyd", "No sound"),
    Sounder.PRE_ALARM: Text("Hurtige bip: der kaldes hjælp om lidt", "Quick beeps: help will be called in a moment"),
    Sounder.SENDING: Text("Et kort bip: kaldet sendes", "One short beep: your call is being sent"),
    Sounder.RECEIVED: Text("To korte bip: centralen har dit kald", "Two short beeps: the centre has your call"),
    Sounder.COMING: Text("Tre korte bip: der er hjælp på vej", "Three short beeps: someone is coming"),
    Sounder.LINE_DOWN: Text("Et langt bip: ingen forbindelse", "One long beep: no connection"),
}
