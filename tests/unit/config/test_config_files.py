"""Whatever is wrong with a unit file or a profile is one line: file, key, what is wrong, what would be right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from agent import config_files
from agent.config import Room, UnitFile
from agent.config_faults import PATTERN_WORDS
from agent.config_files import load_profile, load_unit, shipped_profiles
from agent.errors import ConfigError
from agent.profiles import Profile

UNIT = """
schema = 1
tenant = "aabenraa"
unit_id = "u-test0001"
profile = "simulated-home"
state_dir = "/some/dir/state"
runtime_dir = "/some/dir/run"

[pre_alarm]
seconds = 2

[[uplink.paths]]
name = "primary"
host = "127.0.0.1"
port = 18830
protocol = "mqtt5"

[sensors.bathroom-cord]
room = "bathroom"
"""

PROFILE = """
schema = 1
name = "mine"
title = "Mine"
pins = "lgpio"

[sensors.cord]
type = "pull_cord"
pin = 17
contact = "normally_closed"

[sensors.belt]
type = "wt901"
port = "/dev/serial/by-id/x"
body_position = "waist"

[light]
pin = 24

[sounder]
pin = 4
"""

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(text: str, name: str = "unit.toml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return _write


def faults(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_unit(path)
    return caught.value.faults


def test_the_unit_file_of_the_issue_works_as_it_stands(write: Write) -> None:
    unit = load_unit(write(UNIT))
    assert unit.profile.name == "simulated-home"
    assert unit.unit_file.pre_alarm.seconds == 2
    assert unit.room_of("bathroom-cord") is Room.BATHROOM
    assert unit.room_of("bedroom-button") is Room.UNKNOWN
    assert unit.room_of("wearable") is Room.ON_PERSON
    assert unit.port_of("wearable") == "/some/dir/run/wearable"


def test_simulated_home_has_exactly_the_sensors_that_the_issue_names() -> None:
    sensors = load_profile("simulated-home").sensors
    assert {name: s.type for name, s in sensors.items()} == {
        "bathroom-cord": "pull_cord",
        "bedroom-button": "button",
        "reset-button": "button",
        "wearable": "wt901",
    }


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_a_shipped_profile_is_right_and_bears_its_files_name(name: str) -> None:
    assert load_profile(name).name == name


def test_the_hardware_profiles_use_only_the_pins_that_the_bench_simulates() -> None:
    for name in ("pi4-cords", "pi4-cords-wt901"):
        profile = load_profile(name)
        pins = {profile.light.pin, profile.sounder.pin, *(c.pin for c in profile.contacts.values())}
        assert pins == {4, 17, 22, 23, 24, 27}


def test_this_homes_port_goes_before_the_profiles(write: Write) -> None:
    profile = write(PROFILE, "mine.toml")
    base = UNIT.replace("simulated-home", profile.name).replace("bathroom-cord", "cord")
    assert load_unit(write(base)).port_of("belt") == "/dev/serial/by-id/x"
    assert load_unit(write(base + '[sensors.belt]\nport = "/dev/ttyUSB3"')).port_of("belt") == "/dev/ttyUSB3"


@pytest.mark.parametrize(
    ("old", "new", "key", "right"),
    [
        ("schema = 1", "schema = 2", "schema: is 2", "it must be 1"),
        ("schema = 1", "", "schema: is missing", "it must be 1"),
        ('"aabenraa"', '"Aabenraa By"', "tenant: is 'Aabenraa By'", "slug"),
        ('"u-test0001"', '"u-1"', "unit_id: is 'u-1'", "such as u-7f3k9q"),
        ("18830", '"18830"', "uplink.paths[0].port: is '18830'", "a whole number from 1 to 65535"),
        ("18830", "70000", "uplink.paths[0].port: is 70000", "a whole number from 1 to 65535"),
        ("18830", "true", "uplink.paths[0].port: is true", "a whole number from 1 to 65535"),
        ('"mqtt5"', '"mqtt"', "uplink.paths[0].protocol: is 'mqtt'", 'one of "mqtt5", "mqtt311"'),
        ("protocol", "protocoll", "uplink.paths[0].protocoll: is not a key", "did you mean protocol?"),
        ("seconds = 2", "seconds = nan", "pre_alarm.seconds: is nan", "a number from 0 to 60"),
        ("seconds = 2", "secs = 2", "pre_alarm.secs: is not a key", "seconds"),
        ('"bathroom"', '"badeværelse"', "sensors.bathroom-cord.room: is 'badeværelse'", '"bathroom", "bedroom"'),
        ("sensors.bathroom-cord", "sensors.bathroom-chord", "sensors.bathroom-chord: the profile", "bathroom-cord?"),
        ("sensors.bathroom-cord", 'sensors."Bath 1"', "sensors.Bath 1: is 'Bath 1'", "small letters"),
        ('room = "bathroom"', 'port = "/dev/x"', "sensors.bathroom-cord.port: the simulated home", "remove this key"),
        ('"/some/dir/state"', '"state"', "state_dir: is 'state'", "an absolute path"),
        ('"/some/dir/run"', "7", "runtime_dir: is 7", "a path in quotes"),
        ('host = "127.0.0.1"', 'host = "broker.example"', "uplink.paths[0].host: a simulated home", "127.0.0.1"),
        ('host = "127.0.0.1"', 'host = "broker.example"', "uplink.paths[0]: path primary", "plain_text"),
        (
            '"simulated-home"',
            '"simulated-hom"',
            "profile: 'simulated-hom' is no shipped",
            "did you mean simulated-home?",
        ),
        ('"simulated-home"', '"no.toml"', "no.toml: (whole file): does not exist", "correct `profile`"),
        ('"simulated-home"', "3", "profile: is 3", "text in quotes"),
        ("[pre_alarm]\nseconds = 2", "pre_alarm = 2", "pre_alarm: is 2", "a table with the keys seconds"),
        ("tenant = ", "tenant ", "line 3, column 8: is not valid TOML", "quote, bracket or ="),
    ],
)
def test_a_wrong_unit_file_says_what_and_what_would_be_right(
    write: Write, old: str, new: str, key: str, right: str
) -> None:
    assert old in UNIT
    found = faults(write(UNIT.replace(old, new)))
    matching = [line for line in found if key in line]
    assert matching, found
    assert all(".toml: " in line and right in line.partition(key)[2] for line in matching)
    assert all("\n" not in line for line in found)


@pytest.mark.parametrize(
    ("old", "new", "key", "right"),
    [
        ('"pull_cord"', '"cord"', "sensors.cord.type: is 'cord'", 'one of "pull_cord", "button", "wt901"'),
        ('type = "pull_cord"\n', "", "sensors.cord.type: is missing", '"pull_cord"'),
        ("pin = 17", "pin = 28", "sensors.cord.pin: is 28", "a whole number from 0 to 27"),
        ("pin = 17", "pin = 17.0", "sensors.cord.pin: is 17.0", "a whole number"),
        ("pin = 17", "pinn = 17", "sensors.cord.pinn: is not a key", "did you mean pin?"),
        ("pin = 17", "", "sensors.cord.pin: is missing", "a whole number from 0 to 27"),
        ("pin = 17", "pin = 24", "(whole file): pin 24 is used by both light and cord", "give each its own"),
        ('"normally_closed"', '"nc"', "sensors.cord.contact: is 'nc'", '"normally_open", "normally_closed"'),
        ('"waist"', '"ankle"', "sensors.belt.body_position: is 'ankle'", '"waist"'),
        ('"/dev/serial/by-id/x"', '"ttyUSB0"', "sensors.belt.port: is 'ttyUSB0'", "begins with /"),
        ("[light]\npin = 24", "[light]\npin = true", "light.pin: is true", "a whole number from 0 to 27"),
        ('"lgpio"', '"mock"', "(whole file): simulated = true goes with pins", "only with it"),
    ],
)
def test_a_wrong_profile_says_what_and_what_would_be_right(
    write: Write, old: str, new: str, key: str, right: str
) -> None:
    assert old in PROFILE
    profile = write(PROFILE.replace(old, new), "mine.toml")
    found = faults(write(UNIT.replace("simulated-home", "mine.toml").replace("bathroom-cord", "cord")))
    [fault] = [line for line in found if line.startswith(f"{profile}: {key}")]
    assert right in fault


def test_a_sensor_may_be_called_like_a_type(write: Write) -> None:
    write(PROFILE.replace("sensors.cord", "sensors.button").replace("pin = 17", "pin = 99"), "mine.toml")
    found = faults(write(UNIT.replace("simulated-home", "mine.toml").replace("bathroom-cord", "button")))
    assert [line.partition(": ")[2] for line in found] == [
        "sensors.button.pin: is 99; it must be a whole number from 0 to 27"
    ]


def test_all_faults_of_both_files_are_told_at_once(write: Write) -> None:
    write(PROFILE.replace("pin = 17", "pin = 99").replace('"waist"', '"ankle"'), "mine.toml")
    text = UNIT.replace("simulated-home", "mine.toml").replace("18830", "0").replace('"/some/dir/run"', '"run"')
    found = faults(write(text))
    for key in (
        "sensors.cord.pin",
        "sensors.belt.body_position",
        "uplink.paths[0].port",
        "runtime_dir",
        "sensors.bathroom-cord: the profile has no such sensor",
    ):
        assert sum(key in line for line in found) == 1, (key, found)


def test_two_paths_to_the_same_broker_are_refused(write: Write) -> None:
    second = '\n[[uplink.paths]]\nname = "second"\nhost = "127.0.0.1"\nport = 18830\n'
    [fault] = faults(write(UNIT + second))
    assert "uplink.paths[1]: goes to the same host and port as uplink.paths[0]" in fault


def test_a_port_is_refused_on_a_sensor_that_has_none(write: Write) -> None:
    write(PROFILE, "mine.toml")
    text = UNIT.replace("simulated-home", "mine.toml").replace("bathroom-cord", "cord") + 'port = "/dev/x"\n'
    [fault] = faults(write(text))
    assert "sensors.cord.port: this sensor sits on a pin" in fault


@pytest.mark.parametrize("number", ["010190-1234", "0101901234", "010190 1234", "123456-7890"])
@pytest.mark.parametrize("place", ['"aabenraa"', '"/some/dir/state"', '"bathroom"'])
def test_a_cpr_number_is_refused_anywhere_and_never_repeated(write: Write, number: str, place: str) -> None:
    found = faults(write(UNIT.replace(place, f'"/x {number}"')))
    assert any("looks like a CPR number" in line for line in found)
    assert number not in "\n".join(found)


def test_a_cpr_number_is_refused_as_a_key_and_in_the_profile_too(write: Write) -> None:
    write(PROFILE.replace("sensors.cord", "sensors.c-010190-1234"), "mine.toml")
    found = faults(write(UNIT.replace("simulated-home", "mine.toml").replace("bathroom-cord", "c-010190-1234")))
    assert sum("looks like a CPR number" in line for line in found) >= 2
    assert "010190" not in "\n".join(found)


@pytest.mark.parametrize("linked", [False, True])
def test_a_simulated_home_is_refused_where_real_units_are_configured(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, linked: bool
) -> None:
    installed = tmp_path / "etc"
    installed.mkdir()
    monkeypatch.setattr(config_files, "INSTALLED", installed)
    elsewhere = write(UNIT)
    real = write(UNIT, "etc/unit.toml")
    link_in, link_out = installed / "link.toml", tmp_path / "link.toml"
    link_in.symlink_to(elsewhere)
    link_out.symlink_to(real)
    load_unit(elsewhere)
    for path in (link_in, link_out) if linked else (real,):
        [fault] = faults(path)
        assert "profile: a simulated home is refused" in fault


def test_a_file_that_can_not_be_read_is_one_fault(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'tenant = "S\xf8nderborg"')
    for path, words in (
        (tmp_path / "none.toml", "does not exist"),
        (tmp_path, "can't be read (Is a directory)"),
        (tmp_path / "latin.toml", "is not UTF-8"),
    ):
        [fault] = faults(path)
        assert fault.startswith(f"{path}: (whole file): ")
        assert words in fault


def test_an_unknown_profile_lists_those_that_ship() -> None:
    with pytest.raises(ConfigError) as caught:
        load_profile("nothing-like-it")
    assert all(name in str(caught.value) for name in shipped_profiles())


def test_every_pattern_of_the_models_has_its_words() -> None:
    def patterns(schema: object) -> set[str]:
        if isinstance(schema, dict):
            own = {schema["pattern"]} if isinstance(schema.get("pattern"), str) else set()
            return own.union(*(patterns(value) for value in schema.values()))
        return set().union(*(patterns(value) for value in schema)) if isinstance(schema, list) else set()

    used = patterns(UnitFile.model_json_schema()) | patterns(Profile.model_json_schema())
    assert used <= PATTERN_WORDS.keys()


CONSENT = (
    UNIT
    + """
[consent]
motion_windows = true
reference = "c-4f7k2q"
until = 2027-06-30
certificate = "/etc/nodkald/windows.pem"
"""
)


def test_a_consent_says_whose_and_until_when_and_never_who(write: Write) -> None:
    consent = load_unit(write(CONSENT)).unit_file.consent
    assert (consent.motion_windows, consent.reference) == (True, "c-4f7k2q")
    assert consent.until == date(2027, 6, 30)
    assert not load_unit(write(UNIT)).unit_file.consent.motion_windows


@pytest.mark.parametrize(
    "reference",
    [
        "anders",
        "c-anders",
        "c-0101011234",
        "010101-1234",
        "c-010101",
        "c-5g8m3",
        "c-5G8M3Q",
        "c-5g8m3q ",
        "c-4a7e2i",
        "",
    ],
)
def test_a_reference_that_could_be_a_name_or_a_cpr_number_is_refused(write: Write, reference: str) -> None:
    found = faults(write(CONSENT.replace("c-4f7k2q", reference)))
    assert any("consent.reference:" in fault for fault in found)
    assert not reference or reference not in "".join(found)  # it may come into a log


@pytest.mark.parametrize("key", ["reference", "until", "certificate"])
def test_a_consent_that_lacks_something_names_it(write: Write, key: str) -> None:
    without = "\n".join(line for line in CONSENT.splitlines() if not line.startswith(key))
    (fault,) = faults(write(without))
    assert f"consent: motion_windows needs {key} too" in fault
    assert not load_unit(write(without.replace("= true", "= false"))).unit_file.consent.motion_windows


def test_a_consent_until_no_day_is_refused(write: Write) -> None:
    (fault,) = faults(write(CONSENT.replace("2027-06-30", '"30/6-2027"')))
    assert "consent.until:" in fault
    assert "a day, such as 2027-06-30" in fault
