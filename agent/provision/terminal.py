"""The dialogue on a terminal: draws a question, reads an answer, keeps the draft after each.

Rules of this file: nothing is decided here. `q` and the end of input pause, `<` goes back. A pasted certificate is
read up to its last line.
"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from agent.provision.dialogue import State, step
from agent.texts import Text

if TYPE_CHECKING:
    from agent.provision.draft import Draft
    from agent.provision.questions import Question, World
    from agent.texts import Language

PAUSE = "q"
LONGEST_PASTE = 400
"""Lines: more than any chain of certificates, and a bound on what a wrong file pasted into a terminal can do."""

_KEYS = Text(
    "Enter tager forslaget i [ ].  <  går tilbage.  q  holder pause.",
    "Enter takes the [proposal].  <  goes back.  q  pauses.",
)


_NONE = Text("ingen", "none")


class Paused(Exception):  # noqa: N818 - a wish of the technician, not an error
    """The technician leaves for now."""


def converse(state: State, world: World, draft: Draft) -> State:
    """Ask until everything is answered. Raises Paused; what was answered until then is kept."""
    say(_KEYS.in_(_language(state, world)))
    draft.save(state)
    state, question = step(state, None, world)
    while question is not None:
        world.language = _language(state, world)
        _draw(question, world.language)
        state, question = step(state, _read(_prompt(question, world.language)), world)
        draft.save(state)
    return state


def any_bytes_may_come() -> None:
    """Take a terminal with another encoding as it is: a wrong letter is a wrong answer, not the end of the dialogue."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def say(text: str) -> None:
    """Print one paragraph."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _language(state: State, world: World) -> Language:
    return "en" if state.answers.get("language", world.language) == "en" else "da"


def _draw(question: Question, language: Language) -> None:
    lines = [""]
    if question.refusal is not None:
        lines += [f"! {question.refusal.in_(language)}", ""]
    lines.append(f"({question.number}/{question.of}) {question.text.in_(language).format(**question.facts)}")
    lines += [f"    {line}" for line in question.help.in_(language).format(**question.facts).splitlines()]
    lines += [f"    {n:>2}  {words.in_(language)}" for n, (_, words) in enumerate(question.choices, 1)]
    say("\n".join(lines))


def _prompt(question: Question, language: Language) -> str:
    if question.default is None:
        return "> "
    values = [value for value, _ in question.choices]
    shown = str(values.index(question.default) + 1) if question.default in values else question.default
    return f"[{shown or _NONE.in_(language)}] > "


def _read(prompt: str) -> str:
    sys.stdout.write(prompt)
    sys.stdout.flush()
    first = _line()
    if first.strip() == PAUSE:
        raise Paused
    if not first.startswith("-----BEGIN"):
        return first
    pasted = [first]
    while not pasted[-1].startswith("-----END") and len(pasted) < LONGEST_PASTE:
        pasted.append(_line())
    return "\n".join(pasted)


def _line() -> str:
    line = sys.stdin.readline()
    if not line:
        raise Paused
    return line.strip()
