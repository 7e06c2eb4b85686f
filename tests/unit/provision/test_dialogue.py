"""The dialogue's core: what is asked, in which order, and what it does with an answer."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING

import pytest

from agent.provision.dialogue import State, step, walk
from agent.provision.refusal import Refused, Waiting
from agent.provision.rooms import guessed_room
from agent.provision.survey import Heard, SerialDevice
from agent.provision.table import TABLE
from agent.provision.terminal import _draw
from tests.unit.provision.unit import NEW_ID, MadeUpWorld

if TYPE_CHECKING:
    from agent.provision.questions import Question
    from agent.texts import Language

PORT = "/dev/serial/by-id/usb-adapter-port0"
SCRIPT = {
    "language": "1",
    "claim": "",
    "tenant": "aabenraa",
    "profile": "pi4-cords-wt901",
    "room.bathroom-cord": "",
    "room.living-room-cord": "køkken",
    "room.bedroom-button": "2",
    "room.reset-button": "hall",
    "room.wearable": "",
    "port.wearable": "",
    "pre_alarm": "7,5",
    "primary.host": "mqtt.centre.example",
    "primary.port": "",
    "primary.protocol": "",
    "secondary.host": "10.0.0.7",
    "secondary.port": "8884",
    "secondary.protocol": "mqtt311",
    "ca": "good authority",
    "certificate": "good certificate",
    "confirm": "ja",
}
KEPT = {
    "unit_id": NEW_ID,
    "language": "da",
    "claim": "",
    "tenant": "aabenraa",
    "profile": "pi4-cords-wt901",
    "room.bathroom-cord": "bathroom",
    "room.living-room-cord": "kitchen",
    "room.bedroom-button": "bedroom",
    "room.reset-button": "hall",
    "room.wearable": "on_person",
    "port.wearable": PORT,
    "pre_alarm": "7.5",
    "primary.host": "mqtt.centre.example",
    "primary.port": "8883",
    "primary.protocol": "mqtt5",
    "secondary.host": "10.0.0.7",
    "secondary.port": "8884",
    "secondary.protocol": "mqtt311",
    "ca": "good authority",
    "certificate": "good certificate",
    "confirm": "yes",
}


def world_with_a_wearable() -> MadeUpWorld:
    return MadeUpWorld(found=(SerialDevice("/dev/serial/by-id/a", Heard()), SerialDevice(PORT, Heard(115200))))


def answer_all(world: MadeUpWorld, script: dict[str, str], state: State | None = None) -> tuple[State, list[str]]:
    asked: list[str] = []
    state, question = step(state or State({"unit_id": NEW_ID}), None, world)
    while question is not None:
        assert question.refusal is None, question
        asked.append(question.key)
        state, question = step(state, script[question.key], world)
    return state, asked


def test_every_question_is_asked_once_and_in_the_order_of_the_table() -> None:
    state, asked = answer_all(world_with_a_wearable(), SCRIPT)
    assert asked == list(SCRIPT)
    assert state.answers == KEPT


@pytest.mark.parametrize("language", ["da", "en"])
def test_every_question_is_drawn_in_both_languages(language: Language, capsys: pytest.CaptureFixture[str]) -> None:
    world, state, drawn = world_with_a_wearable(), State({"unit_id": NEW_ID}), 0
    state, question = step(state, None, world)
    while question is not None:
        _draw(question, language)
        drawn += 1
        state, question = step(state, SCRIPT[question.key], world)
    out = capsys.readouterr().out
    assert drawn == len(SCRIPT)
    assert f"({drawn}/{drawn})" in out
    assert "{" not in out
    assert ("Hvor sidder bathroom-cord?" in out) == (language == "da")
    assert ("Where does bathroom-cord hang?" in out) == (language == "en")


def test_texts_in_both_languages_have_the_same_places_to_fill() -> None:
    def places(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    for entry in TABLE:
        for text in (entry.text, entry.help):
            assert places(text.da) == places(text.en), entry.key
            assert text.da != text.en or "{" in text.da, entry.key


@pytest.mark.parametrize(
    ("key", "wrong"),
    [
        ("language", "tysk"),
        ("claim", "/nowhere"),
        ("tenant", "Åbenrå Kommune"),
        ("tenant", "010203-1234"),
        ("profile", "17"),
        ("room.bathroom-cord", "Fru Jensens stue"),
        ("room.bathroom-cord", "0"),
        ("port.wearable", "/dev/busy"),
        ("port.wearable", "/dev/serial/by-id/0102031234"),
        ("pre_alarm", "61"),
        ("pre_alarm", "-1"),
        ("primary.host", "mqtt://centre.example"),
        ("primary.host", "centre.example:8883"),
        ("primary.host", ""),
        ("primary.port", "0"),
        ("primary.port", "65536"),
        ("ca", "wrong"),
        ("ca", ""),
        ("certificate", "wrong"),
        ("certificate", ""),
        ("confirm", "nej"),
        ("confirm", ""),
        ("confirm", "måske"),
    ],
)
def test_a_wrong_answer_leaves_the_question_and_is_not_repeated(key: str, wrong: str) -> None:
    world = world_with_a_wearable()
    state, question = step(State({"unit_id": NEW_ID}), None, world)
    while question is not None and question.key != key:
        state, question = step(state, SCRIPT[question.key], world)
    state, question = step(state, wrong, world)
    assert question is not None
    assert question.key == key
    assert question.refusal is not None
    assert question.refusal.da
    assert question.refusal.en
    assert len(wrong) < 4 or wrong not in question.refusal.da + question.refusal.en
    assert key not in state.answers
    _, question = step(state, SCRIPT[key], world)
    assert question is None or (question.key != key and question.refusal is None)


def test_the_second_path_leads_elsewhere() -> None:
    world = MadeUpWorld()
    state = State({"unit_id": NEW_ID, **{k: v for k, v in KEPT.items() if not k.startswith(("secondary", "c"))}})
    for answer in ("", KEPT["primary.host"]):
        state, question = step(state, answer, world)
    assert question is not None
    assert question.key == "secondary.port"
    _, question = step(state, "8883", world)
    assert question is not None
    assert question.refusal is not None


def test_back_goes_to_the_question_before_and_drops_what_depended_on_it() -> None:
    world = world_with_a_wearable()
    state, question = step(State({"unit_id": NEW_ID}), None, world)
    seen: list[str] = []
    while question is not None and question.key != "primary.host":
        seen.append(question.key)
        state, question = step(state, SCRIPT[question.key], world)
    while seen:
        state, question = step(state, "<", world)
        assert question is not None
        assert question.key == seen.pop()
    assert state.answers == {"unit_id": NEW_ID}
    state, question = step(state, "<", world)
    assert question is not None
    assert question.key == "language"


def test_a_claim_leaves_only_what_the_home_decides() -> None:
    claimed = {
        "unit_id": "u-claimed23", "tenant": "nordfyns", "profile": "pi4-cords", "primary.host": "mqtt.example",
        "primary.port": "8883", "primary.protocol": "mqtt5", "secondary.host": "", "ca": "good",
        "room.bathroom-cord": "toilet",
    }  # fmt: skip
    world = MadeUpWorld(claims={"/usb/claim": claimed})
    state, asked = answer_all(world, {**SCRIPT, "claim": "/usb/claim"})
    assert asked == [
        "language", "claim", "room.living-room-cord", "room.bedroom-button", "room.reset-button", "certificate",
        "confirm",
    ]  # fmt: skip
    assert {key: state.answers[key] for key in claimed} == claimed


def test_going_back_over_a_claim_forgets_what_it_said() -> None:
    world = MadeUpWorld(claims={"/usb/claim": {"unit_id": "u-claimed23", "tenant": "nordfyns", "profile": "pi4-cords"}})
    state, question = step(State({"unit_id": NEW_ID}), None, world)
    for answer in ("", "/usb/claim", "<", ""):
        state, question = step(state, answer, world)
    assert question is not None
    assert question.key == "tenant"


def test_a_dialogue_goes_on_from_what_was_kept_at_every_question() -> None:
    world = world_with_a_wearable()
    state, question = step(State({"unit_id": NEW_ID}), None, world)
    while question is not None:
        kept = json.loads(json.dumps([state.answers, state.given, state.order]))
        again, same = step(State(kept[0], kept[1], tuple(kept[2])), None, world)
        assert same is not None
        assert same.key == question.key
        assert answer_all(world, SCRIPT, again)[0].answers == KEPT
        state, question = step(state, SCRIPT[question.key], world)


def test_answers_written_down_pass_the_same_table() -> None:
    given = {**SCRIPT, "port.wearable": "auto"}
    assert walk(State({"unit_id": NEW_ID}, given), world_with_a_wearable()).answers == KEPT


def test_written_answers_that_are_wrong_or_wanting_are_named() -> None:
    for wrong, key in (({**SCRIPT, "tenant": "Ø"}, "tenant"), ({k: v for k, v in SCRIPT.items() if k != "ca"}, "ca")):
        with pytest.raises(Refused, match=key) as refused:
            walk(State({"unit_id": NEW_ID}, wrong), world_with_a_wearable())
        assert key in refused.value.text.da
    unsigned = {key: answer for key, answer in SCRIPT.items() if key != "certificate"}
    with pytest.raises(Waiting):
        walk(State({"unit_id": NEW_ID}, unsigned), world_with_a_wearable())


@pytest.mark.parametrize("heard", [(), (Heard(115200), Heard(115200)), (Heard(9600),), (Heard(),)])
def test_auto_takes_only_the_one_device_that_can_be_meant(heard: tuple[Heard, ...]) -> None:
    found = tuple(SerialDevice(f"/dev/serial/by-id/{n}", each) for n, each in enumerate(heard))
    with pytest.raises(Refused, match="exactly one"):
        walk(State({"unit_id": NEW_ID}, {**SCRIPT, "port.wearable": "auto"}), MadeUpWorld(found=found))


def test_what_was_heard_stands_beside_each_port() -> None:
    found = tuple(
        SerialDevice(f"/dev/serial/by-id/{n}", heard)
        for n, heard in enumerate([Heard(115200), Heard(9600), Heard(), Heard(fault="in use")])
    )
    question = _question_about_the_port(MadeUpWorld(found=found))
    assert question.default == "/dev/serial/by-id/0"
    words = [text.en for _, text in question.choices]
    assert [word.split(": ", 1)[1] for word in words] == [
        "WT901 at 115200 baud",
        "WT901 at 9600 baud; the profile wants 115200: set the sensor to it",
        "no WT901 heard",
        "can't be listened to (in use)",
    ]


def test_a_sensors_name_speaks_of_its_room() -> None:
    sensors = MadeUpWorld().profile("pi4-cords-wt901").sensors
    assert {name: guessed_room(name, sensor).value for name, sensor in sensors.items()} == {
        "bathroom-cord": "bathroom",
        "living-room-cord": "living_room",
        "bedroom-button": "bedroom",
        "reset-button": "unknown",
        "wearable": "on_person",
    }


def _question_about_the_port(world: MadeUpWorld) -> Question:
    state, question = step(State({"unit_id": NEW_ID}), None, world)
    while question is not None and question.key != "port.wearable":
        state, question = step(state, SCRIPT[question.key], world)
    assert question is not None
    return question
