"""Everything is put in place, or nothing: whatever fails, and whenever."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from agent.config_files import load_unit
from agent.provision import files, install, openssl
from agent.provision.refusal import Refused
from agent.provision.unit_text import KEY, IdentityFiles, unit_text
from tests.faults.storage import SmallDisk
from tests.unit.provision.unit import Killed, fail_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.unit.provision.unit import Office

ANSWERS = {
    "tenant": "aabenraa", "profile": "simulated-home", "language": "en", "pre_alarm": "3", "primary.host": "127.0.0.1",
    "primary.port": "8883", "primary.protocol": "mqtt5", "room.bathroom-cord": "bathroom",
}  # fmt: skip


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "etc"
    made.mkdir()
    return made


@pytest.fixture
def content_of(office: Office, directory: Path, tmp_path: Path) -> Callable[[str], install.Content]:
    key = tmp_path / "key"
    key.write_bytes(openssl.new_key())

    def make(unit_id: str) -> install.Content:
        identity = install.new_identity(directory)
        ca = office.ca.read_text()
        certificate = openssl.sign(
            openssl.request(key.read_bytes(), unit_id), ca=office.ca, ca_key=office.authority.key, days=9
        )
        text = unit_text({**ANSWERS, "ca": ca}, unit_id, IdentityFiles(identity, identity / KEY), {}, ["bathroom-cord"])
        return install.Content(text, identity, key.read_bytes(), certificate, ca)

    return make


def put(directory: Path, content: install.Content) -> None:
    install.install(directory / "unit.toml", content, install.service_owner())


def names(directory: Path) -> list[str]:
    return sorted(entry.name.split("-")[0] for entry in directory.iterdir())


def test_what_is_written_is_whole_and_only_for_who_may_read_it(
    directory: Path, content_of: Callable[[str], install.Content]
) -> None:
    content = content_of("u-firstone2")
    put(directory, content)
    unit = load_unit(directory / "unit.toml").unit_file
    tls = unit.uplink.paths[0].tls
    assert tls is not None
    assert tls.key is not None
    assert tls.certificate is not None
    assert [path.read_bytes() for path in (tls.key, tls.certificate, tls.ca)] == [
        content.key, content.certificate.encode(), content.ca.encode()
    ]  # fmt: skip
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (tls.key, tls.certificate, tls.ca, tls.ca.parent)}
    assert list(modes.values()) == [0o600, 0o640, 0o640, 0o750]
    assert stat.S_IMODE((directory / "unit.toml").stat().st_mode) == 0o640
    assert names(directory) == ["identity", "unit.toml"]


def test_files_belong_to_the_service_where_it_has_a_user(
    directory: Path, content_of: Callable[[str], install.Content], monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    monkeypatch.setattr(install, "SERVICE_USER", "daemon")
    owner = install.service_owner()
    assert owner.name == "daemon"
    put(directory, content_of("u-firstone2"))
    identity = next(directory.glob("identity-*"))
    ids = {
        path.name: (path.stat().st_uid, path.stat().st_gid) for path in [*identity.iterdir(), directory / "unit.toml"]
    }
    assert ids == {
        "unit.key": (owner.uid, owner.gid),
        "unit.pem": (0, owner.gid),
        "ca.pem": (0, owner.gid),
        "unit.toml": (0, owner.gid),
    }


def test_the_identity_before_stays_for_the_running_agent_and_older_ones_go(
    directory: Path, content_of: Callable[[str], install.Content]
) -> None:
    identities = []
    for unit_id in ("u-firstone2", "u-secondone", "u-thirdone2"):
        put(directory, content_of(unit_id))
        identities.append(str(load_unit(directory / "unit.toml").unit_file.uplink.paths[0].tls.ca.parent))  # type: ignore[union-attr]  # because ANSWERS has a ca
    assert sorted(str(path) for path in directory.glob("identity-*")) == sorted(identities[1:])
    assert names(directory) == ["identity", "identity", "unit.toml", "unit.toml.previous"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), Killed()])
def test_whatever_fails_the_unit_before_it_is_in_force_or_the_new_one(
    directory: Path,
    content_of: Callable[[str], install.Content],
    error: BaseException,
    monkeypatch: pytest.MonkeyPatch,
    *,
    before: bool,
) -> None:
    if before:
        put(directory, content_of("u-firstone2"))
    new = content_of("u-secondone")
    failed, number = 0, 0
    while True:
        number += 1
        with monkeypatch.context() as patch:
            calls = fail_at(patch, number, error)
            if isinstance(error, Killed):
                patch.setattr(install, "_remove", lambda *_: None)
                patch.setattr(type(directory), "unlink", lambda *_, **__: None)
            try:
                put(directory, new)
            except (Refused, KeyboardInterrupt, Killed):
                failed += 1
            done = len(calls) < number
        if done:
            break
        unit_path = directory / "unit.toml"
        in_force = load_unit(unit_path).unit_file.unit_id if unit_path.exists() else None
        assert in_force in (("u-firstone2", "u-secondone") if before else (None, "u-secondone"))
        if in_force == "u-secondone":
            break  # the rename has happened: what fails after it changes nothing
        if isinstance(error, Killed):
            install.sweep(unit_path)
        else:  # nothing of the attempt is left even before the next one
            expected = ["identity", "unit.toml"] if before else []
            assert [name for name in names(directory) if name != "unit.toml.previous"] == expected
    assert failed > 8
    put(directory, content_of("u-secondone"))
    assert load_unit(directory / "unit.toml").unit_file.unit_id == "u-secondone"
    assert not list(directory.glob(".staged-*"))


def test_a_unit_file_that_would_not_do_is_never_put_in_place(
    directory: Path, content_of: Callable[[str], install.Content]
) -> None:
    content = content_of("u-firstone2")
    wrong = install.Content(
        content.unit_file.replace("8883", "0"), content.identity, content.key, content.certificate, content.ca
    )
    with pytest.raises(Refused, match=r"unit\.toml: uplink\.paths\[0\]\.port"):
        put(directory, wrong)
    other = install.Content(content.unit_file, content.identity, openssl.new_key(), content.certificate, content.ca)
    with pytest.raises(Refused, match="does not belong to"):
        put(directory, other)
    assert names(directory) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "disk")
    if os.geteuid() != 0 or not small.mount():
        pytest.skip("needs root and the right to mount a tmpfs")
    yield small
    small.unmount()


def test_a_full_disk_is_told_and_leaves_nothing(
    small_disk: SmallDisk, content_of: Callable[[str], install.Content]
) -> None:
    content = content_of("u-firstone2")
    on_disk = install.Content(
        content.unit_file.replace(str(content.identity.parent), str(small_disk.path)),
        small_disk.path / content.identity.name, content.key, content.certificate, content.ca,
    )  # fmt: skip
    small_disk.fill()
    with pytest.raises(Refused, match="full"):
        put(small_disk.path, on_disk)
    assert names(small_disk.path) == ["ballast"]
    small_disk.make_room()
    put(small_disk.path, on_disk)
    assert load_unit(small_disk.path / "unit.toml").unit_file.unit_id == "u-firstone2"


def test_a_read_only_disk_is_told(small_disk: SmallDisk, content_of: Callable[[str], install.Content]) -> None:
    small_disk.read_only(on=True)
    with pytest.raises(Refused, match="read-only"):
        put(small_disk.path, content_of("u-firstone2"))


def test_a_file_is_never_wider_open_than_it_ends_up(directory: Path) -> None:
    before = os.umask(0)
    try:
        files.write_new(directory / "secret", b"x", 0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((directory / "secret").stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        files.write_new(directory / "secret", b"y", 0o600)
