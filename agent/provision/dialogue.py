"""The dialogue's core: `step(state, answer) -> (state, question)`.

Rules of this file: no screen, no file. The questions are a table (`table.py`); the next one is the first of the
table that applies and has no answer. What is outside (profiles, ports, certificates) is asked of the `World` that is
handed in. What somebody wrote down beforehand (`given`) goes through the same table.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from agent.provision.plan import Answers
from agent.provision.questions import Entry, Question, effective_unit_id
from agent.provision.refusal import Refused, Waiting
from agent.provision.table import TABLE

if TYPE_CHECKING:
    from agent.provision.questions import World
    from agent.texts import Text

BACK = "<"


@dataclass(frozen=True, slots=True)
class State:
    """What was answered; `given` is what was written down beforehand; `order` is what was asked, oldest first."""

    answers: Answers
    given: Answers = field(default_factory=dict)
    order: tuple[str, ...] = ()
    refusal: Text | None = None


def step(state: State, answer: str | None, world: World) -> tuple[State, Question | None]:
    """Take the answer to the present question (None: none yet) and return the next; None when all are answered.

    `<` goes back by one. An empty answer takes the default. A wrong one leaves the question standing, with the reason.
    """
    state = _take_given(replace(state, refusal=None), world)
    found = _next(state, world)
    if answer is not None and found is not None:
        if answer.strip() == BACK:
            state = _back(state)
        else:
            entry, name = found
            try:
                state = _taken(state, entry, name, answer, world)
                state = _take_given(state, world)
            except Refused as refused:
                state = replace(state, refusal=refused.text)
        found = _next(state, world)
    return state, _question(state, found, world) if found else None


def walk(state: State, world: World) -> State:
    """Answer everything from what was given and from the defaults.

    Raises Refused at the first question that has neither, Waiting if all that is wanting is the certificate.
    """
    while (found := _next(state, world)) is not None:
        entry, name = found
        key = entry.key_of(name)
        answer = state.given.get(key, entry.default(name, state.answers, world))
        if answer is None and key == "certificate":
            world.request(effective_unit_id(state.answers, world))
            raise Waiting("Certifikatet mangler endnu.", "The certificate is still wanting.")
        if answer is None:
            raise Refused(
                f"Svaret `{key}` mangler. Skriv det i svarfilen ({entry.text.da.format(name=name)}).",
                f"The answer `{key}` is missing. Write it into the answers file ({entry.text.en.format(name=name)}).",
            )
        try:
            state = _taken(state, entry, name, answer, world)
        except Waiting:
            raise
        except Refused as refused:
            raise Refused(f"{key}: {refused.text.da}", f"{key}: {refused.text.en}") from refused
    return state


def _take_given(state: State, world: World) -> State:
    """Answer what was given beforehand, as far as it goes without a question; a wrong one is asked after all."""
    while (found := _next(state, world)) is not None:
        entry, name = found
        key = entry.key_of(name)
        if key not in state.given:
            return state
        try:
            state = replace(_taken(state, entry, name, state.given[key], world), order=state.order)
        except Refused as refused:
            given = {k: v for k, v in state.given.items() if k != key}
            return replace(state, given=given, refusal=refused.text)
    return state


def _taken(state: State, entry: Entry, name: str, answer: str, world: World) -> State:
    answer = answer.strip()
    if not answer:
        answer = entry.default(name, state.answers, world) or ""
    key = entry.key_of(name)
    value = entry.take(answer, name, state.answers, world)
    given = state.given
    answers = {**state.answers, key: value}
    if key == "claim" and value:
        claimed = world.claim(value)
        given = {**given, **claimed}
        answers["unit_id"] = claimed["unit_id"]
    return replace(state, answers=answers, given=given, order=(*state.order, key))


def _back(state: State) -> State:
    if not state.order:
        return state
    last = state.order[-1]
    # Whatever was derived after the last asked question goes with it, so that it is asked or derived again.
    kept = dict(list(state.answers.items())[: list(state.answers).index(last)])
    given = {} if last == "claim" else state.given  # what another claim says, or none
    return replace(state, answers=kept, given=given, order=state.order[:-1])


def _next(state: State, world: World) -> tuple[Entry, str] | None:
    for entry in TABLE:
        for name in entry.applies(state.answers, world):
            if entry.key_of(name) not in state.answers:
                return entry, name
    return None


def _question(state: State, found: tuple[Entry, str], world: World) -> Question:
    entry, name = found
    total = sum(len(entry.applies(state.answers, world)) for entry in TABLE)
    facts = {"name": name, **entry.facts(state.answers, world)}
    return Question(
        key=entry.key_of(name),
        number=len([key for key in state.answers if key != "unit_id"]) + 1,
        of=max(total, len(state.answers)),
        text=entry.text,
        help=entry.help,
        facts=facts,
        default=entry.default(name, state.answers, world),
        choices=tuple(entry.choices(name, state.answers, world)),
        refusal=state.refusal,
    )
