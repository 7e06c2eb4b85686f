"""The thin probes, on made files, and the certificate reader on real and on damaged certificates."""

from __future__ import annotations

import base64
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.doctor import (
    certificates,
    contacts,
    disk,
    gpio_lines,
    model,
    outbox,
    power,
    process,
    serial_ports,
    temperature,
    watchdog,
)
from agent.doctor.der import from_der, from_pem
from agent.doctor.finding import Verdict
from agent.doctor.watchdog import Watchdog
from agent.inference import cards
from agent.models import bring
from agent.models.choice import Choice
from agent.profiles import Profile
from agent.status.client import Closed, Seen
from agent.uplink.outbox import open_outbox
from agent.uplink.rescue import open_whatever_it_is, spare_of
from tests.broker.pki import make_ca
from tests.unit.doctor.cases import case
from tests.unit.models.signed import folder, key
from tests.unit.uplink.events import event


@pytest.fixture(scope="module")
def unit_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ca = make_ca(tmp_path_factory.mktemp("pki"), "test-ca")
    return ca.issue("u-test0001", valid=("20250301120000Z", "20260301120000Z")).certificate


def test_a_certificate_says_for_whom_and_how_long(unit_certificate: Path) -> None:
    [found] = from_pem(unit_certificate.read_bytes())
    assert (found.common_name, found.not_before, found.not_after) == ("u-test0001", 1_740_830_400, 1_772_366_400)


def test_a_ca_after_2050_is_read_too(tmp_path: Path) -> None:
    ca = make_ca(tmp_path, "long-ca")
    issued = ca.issue("u-test0001", valid=("20250301120000Z", "20510301120000Z")).certificate
    assert from_pem(issued.read_bytes())[0].not_after == 2_561_284_800


def test_a_bundle_has_all_its_certificates(unit_certificate: Path, tmp_path: Path) -> None:
    ca = make_ca(tmp_path, "other-ca")
    bundle = unit_certificate.read_bytes() + ca.certificate.read_bytes()
    assert [one.common_name for one in from_pem(bundle)] == ["u-test0001", "other-ca"]


@pytest.mark.parametrize(
    "content", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_what_is_no_certificate_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError, match="certificate"):
        from_pem(content)


@given(st.data())
def test_any_damage_gives_a_certificate_or_a_value_error(unit_certificate: Path, data: st.DataObject) -> None:
    der = bytearray(base64.b64decode(b"".join(unit_certificate.read_bytes().splitlines()[1:-1])))
    for _ in range(data.draw(st.integers(1, 4))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(der)))
    for content in (bytes(der), bytes(der[:cut])):
        try:
            from_der(content)
        except ValueError:
            continue


def test_certificate_files_that_are_missing_or_damaged(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("nothing")
    table = (
        f'[uplink.paths.tls]\nca = "{tmp_path}/ca.crt"\ncertificate = "{tmp_path}/u.crt"\nkey = "{tmp_path}/u.key"\n'
    )
    paths = case(tmp_path, more=table).unit.unit_file.uplink.paths
    found = certificates.examine(paths, "u-test0001", 1_780_000_000.0)
    assert [(one.verdict, Path(one.subject).name, one.found.en) for one in found] == [
        (Verdict.FAIL, "ca.crt", "is no certificate"),
        (Verdict.FAIL, "u.crt", "does not exist"),
    ]


def test_the_kind_of_a_file_system_is_found_by_its_number(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 28 0:20 / /sys rw,nosuid shared:7 - sysfs sysfs rw\n"
        "28 1 179:2 / / rw,noatime shared:1 - ext4 /dev/root rw\n"
        "40 28 0:35 / /var/lib rw shared:9 - overlay overlay rw,lowerdir=/lower,upperdir=/upper\n"
        "odd\n"
    )
    assert disk.kind_of(os.makedev(0, 35), mounts) == "overlay"
    assert disk.kind_of(os.makedev(179, 2), mounts) == "ext4"
    assert disk.kind_of(os.makedev(8, 1), mounts) == ""
    assert disk.kind_of(os.makedev(8, 1), tmp_path / "none") == ""
    assert disk.kind_of(Path("/proc").stat().st_dev) == "proc"


# ---------------------------------------------------------------- outbox and model


def test_an_outbox_is_read_and_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "state" / "outbox.db"
    store = open_outbox(path, 10_000_000)
    store.store([event(1, call=True), event(2), event(3)])
    found = outbox.read(path)  # while it is open, as the running unit has it
    assert (found.calls, found.technical, found.answer) == (1, 2, "ok")
    store.close()
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert outbox.read(path).calls == 1
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_calls_that_wait_are_a_warning_only_where_no_unit_sends_them(tmp_path: Path) -> None:
    examined = case(tmp_path)
    store = open_outbox(examined.outbox, 10_000_000)
    store.store([event(1, call=True)])
    store.close()
    assert [one.verdict for one in outbox.examine(examined)] == [Verdict.WARN]
    assert [one.verdict for one in outbox.examine(replace(examined, held=True))] == [Verdict.OK]


def test_a_spare_outbox_is_looked_into_too(tmp_path: Path) -> None:
    examined = case(tmp_path)
    store = open_outbox(examined.outbox, 10_000_000)
    store.store([event(1, call=True)])
    store.close()
    with closing(sqlite3.connect(examined.outbox)) as newer:
        newer.execute("PRAGMA user_version = 99")
    open_whatever_it_is(examined.outbox, 10_000_000, 1_000_000).outbox.close()
    found = outbox.examine(examined)
    assert [(one.verdict, one.subject) for one in found] == [
        (Verdict.FAIL, ""),
        (Verdict.WARN, spare_of(examined.outbox).name),
    ]
    assert "newer version" in found[0].found.en
    assert "wait: 1" in found[1].found.en


def test_an_outbox_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "state" / "outbox.db"
    store = open_outbox(path, 10_000_000)
    store.store(event(number, body="x" * 1000) for number in range(3000))
    store.close()
    assert outbox.read(path, within_s=0.0).answer == ""


def test_an_outbox_that_is_not_there_yet_and_one_that_is_no_outbox(tmp_path: Path) -> None:
    examined = case(tmp_path)
    assert [one.verdict for one in outbox.examine(examined)] == [Verdict.OK]
    assert not examined.outbox.exists()
    examined.outbox.parent.mkdir()
    sqlite3.connect(examined.outbox).execute("CREATE TABLE other (x)").connection.close()
    assert [(one.verdict, one.found.en) for one in outbox.examine(examined)] == [(Verdict.FAIL, "is damaged")]


def test_the_shipped_model_answers(tmp_path: Path) -> None:
    card = cards.load_card("fall-waist")
    assert model.ask(card, cards.load_file(card)) < 1.0
    [found] = model.examine(case(tmp_path))
    assert (found.verdict, found.subject) == (Verdict.OK, card.label)


@pytest.mark.parametrize(
    ("name", "failing", "asked", "verdict"),
    [(None, False, 0, Verdict.OK), ("fall-waist/0.9.0", False, 0, Verdict.WARN), (None, True, 1, Verdict.OK)],
    ids=["the unit uses this file", "it uses another one", "it says that this one fails"],
)
def test_a_model_that_the_running_unit_uses_is_not_loaded_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, name: str | None, failing: bool, asked: int, verdict: Verdict
) -> None:
    questions: list[str] = []
    monkeypatch.setattr(model, "ask", lambda card, _: questions.append(card.label) or 0.001)
    card = cards.load_card("fall-waist")
    in_use = {"name": name or card.label, "sha256": card.sha256, "failing": failing}
    [found] = model.examine(case(tmp_path, said={"picture": {"model": in_use}}))
    assert (found.verdict, len(questions)) == (verdict, asked)


@pytest.mark.parametrize("running", [False, True])
def test_a_model_file_that_was_changed_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, running: bool
) -> None:
    card = cards.load_card("fall-waist")
    said = {"picture": {"model": {"name": card.label, "sha256": card.sha256, "failing": False}}} if running else None
    monkeypatch.setattr(cards, "load_file", lambda _: b"not the model")
    [found] = model.examine(case(tmp_path, said=said))
    assert (found.verdict, "sha256" in found.detail) == (Verdict.FAIL, True)


def test_every_model_that_judges_is_examined_also_two_at_one_place_on_the_body(tmp_path: Path) -> None:
    examined = case(tmp_path)
    worn = examined.unit.profile.wearables["wearable"]
    other = worn.model_copy(update={"port": "other", "fall": worn.fall.model_copy(update={"model": "no-such-model"})})
    values = dict(examined.unit.profile)
    profile = Profile.model_construct(**values | {"sensors": {"one": other, **values["sensors"]}})
    found = model.examine(replace(examined, unit=replace(examined.unit, profile=profile)))
    assert sorted((one.subject, one.verdict) for one in found) == [
        (cards.load_card("fall-waist").label, Verdict.OK),
        ("no-such-model", Verdict.FAIL),
    ]


def test_the_chosen_models_are_examined_with_their_signatures(tmp_path: Path) -> None:
    chosen = Choice(live="fall-waist-7.1.0", shadow="fall-waist-7.0.5")
    bring.write_choice(folder(tmp_path / "models", "7.1.0", "7.0.5"), chosen)
    examined = case(tmp_path, more=f'[model]\nsigning_key = "{key().public}"\n')
    live, beside = model.examine(examined)
    assert (live.verdict, live.subject, beside.verdict, beside.subject) == (
        *(Verdict.OK, "fall-waist/7.1.0"),
        *(Verdict.OK, "fall-waist/7.0.5"),
    )
    assert "signed by the municipality" in live.found.en
    for name in ("fall-waist-7.1.0", "fall-waist-7.0.5"):
        (tmp_path / "models" / f"{name}.sig").write_bytes(bytes(64))
    stands_in, refused, beside = model.examine(examined)
    assert (stands_in.verdict, stands_in.subject) == (Verdict.OK, cards.load_card("fall-waist").label)
    assert (refused.verdict, "fall-waist-7.1.0 is refused" in refused.detail) == (Verdict.FAIL, True)
    assert (beside.verdict, "its signature was not made" in beside.detail) == (Verdict.WARN, True)


# ---------------------------------------------------------------- the machine


def test_the_kernels_watchdogs(tmp_path: Path) -> None:
    assert watchdog.read(tmp_path) is None
    device = tmp_path / "watchdog0"
    device.mkdir()
    assert watchdog.read(tmp_path) == Watchdog("watchdog0", armed=None)
    (device / "identity").write_text("Broadcom BCM2835 Watchdog timer\n")
    (device / "state").write_text("active\n")
    assert watchdog.read(tmp_path) == Watchdog("Broadcom BCM2835 Watchdog timer", armed=True)
    (device / "state").write_text("inactive\n")
    assert watchdog.read(tmp_path) == Watchdog("Broadcom BCM2835 Watchdog timer", armed=False)


def test_the_firmwares_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "get_throttled"
    file.write_text("50005\n")
    assert power.read_flags(file) == 0x50005
    monkeypatch.setenv("PATH", str(tmp_path))
    assert power.read_flags(tmp_path / "none") is None
    command = tmp_path / "vcgencmd"
    command.write_text("#!/bin/sh\necho throttled=0x10000\n")
    command.chmod(0o755)
    assert power.read_flags(tmp_path / "none") == 0x10000


def test_the_hottest_zone_counts(tmp_path: Path) -> None:
    for number, text in enumerate(["41000\n", "71500\n", "broken"]):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(text)
    [found] = temperature.examine(tmp_path)
    assert (found.verdict, found.found.en) == (Verdict.WARN, "72 °C, warm")


def test_what_the_kernel_counts_about_a_card(tmp_path: Path) -> None:
    device = tmp_path / "devices" / "mmcblk0"
    (device / "mmcblk0p2").mkdir(parents=True)
    (device / "mmcblk0p2" / "partition").write_text("2")
    (device / "device").mkdir()
    (device / "device" / "life_time").write_text("0x02 0x0b\n")
    (device / "device" / "pre_eol_info").write_text("0x01\n")
    (tmp_path / "dev" / "block").mkdir(parents=True)
    (tmp_path / "dev" / "block" / "179:2").symlink_to(device / "mmcblk0p2")
    (tmp_path / "fs" / "ext4" / "mmcblk0p2").mkdir(parents=True)
    (tmp_path / "fs" / "ext4" / "mmcblk0p2" / "errors_count").write_text("12\n")
    found = disk.read_health(os.makedev(179, 2), tmp_path)
    assert found == disk.Health(errors=12, life_step=0x0B, pre_eol=1)
    assert disk.read_health(os.makedev(0, 99), tmp_path) == disk.Health()


def test_a_state_directory_that_is_not_there_yet_is_on_the_disk_above_it(tmp_path: Path) -> None:
    room, _health = disk.examine(tmp_path / "not" / "yet")
    assert room.check == disk.NAME
    assert not (tmp_path / "not").exists()


def test_who_holds_a_lock_is_read_without_taking_it(tmp_path: Path) -> None:
    lock = tmp_path / "agent.lock"
    locks = tmp_path / "locks"
    locks.write_text("")
    assert not process.is_held(lock, locks)
    lock.touch()
    locks.write_text(f"1: POSIX  ADVISORY  WRITE 12 fe:01:{lock.stat().st_ino} 0 EOF\n")
    assert not process.is_held(lock, locks)
    locks.write_text(f"1: FLOCK  ADVISORY  WRITE 12 fe:01:{lock.stat().st_ino} 0 EOF\n")
    assert process.is_held(lock, locks)


@pytest.mark.parametrize("closed", sorted(set(Closed) - {Closed.NOT_RUNNING}))
def test_what_a_unit_holds_that_can_not_be_asked_is_not_called_held_by_another(tmp_path: Path, closed: Closed) -> None:
    hidden = replace(case(tmp_path, profile="pi4-cords-wt901"), seen=Seen(None, closed))
    held = replace(case(tmp_path, profile="pi4-cords-wt901"), held=True)
    for examined in (hidden, held):
        [(name, config)] = examined.unit.profile.wearables.items()
        found = [*contacts.examine(examined), *serial_ports.examine(examined, name, config)]
        assert [one.verdict for one in found] == [Verdict.SKIPPED, Verdict.SKIPPED]


def test_the_structures_of_the_gpio_device_have_the_kernels_sizes() -> None:
    assert gpio_lines._GET_CHIPINFO == 0x8044B401
    assert gpio_lines._GET_LINEINFO == 0xC100B405
    assert gpio_lines._GET_LINE == 0xC250B407
    assert gpio_lines._GET_VALUES == 0xC010B40E


@pytest.mark.parametrize("library", [True, False])
def test_a_machine_without_gpio_is_a_finding_and_so_is_one_without_lgpio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, library: bool
) -> None:
    monkeypatch.setattr(contacts, "find_spec", lambda _name: library or None)
    monkeypatch.setattr(contacts, "header_chip", lambda: tmp_path / "gpiochip0")
    found = contacts.examine(case(tmp_path, profile="pi4-cords"))
    assert [(each.verdict, each.found.en) for each in found] == [
        *([] if library else [(Verdict.FAIL, "the library lgpio is missing: no cord can be heard")]),
        (Verdict.FAIL, "the machine has no GPIO"),
    ]
