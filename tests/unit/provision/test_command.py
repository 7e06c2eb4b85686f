"""`nodkald provision` as a technician and a workshop meet it: the real command on a simulated home."""

from __future__ import annotations

import json
import os
import pty
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.config import Consent
from agent.config_files import load_unit
from agent.provision import openssl
from agent.provision.draft import Draft
from tests.faults.storage import SmallDisk
from tests.unit.provision.unit import Practice
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.provision.unit import Office

REPOSITORY = Path(__file__).parents[3]
SIGNING_KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
"""The public key of the first test vector in RFC 8032, 7.1."""
UNTIL_CERTIFICATE = ["", "", "aabenraa", "simulated-home", "", "", "", "", "", "127.0.0.1", "", "", "-"]


def typed(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("lang", ["da", "en"])
def test_a_technician_gets_from_nothing_to_a_unit_in_either_language(
    practice: Practice, office: Office, capsys: pytest.CaptureFixture[str], lang: str
) -> None:
    assert practice.provision(typed=typed(*UNTIL_CERTIFICATE, str(office.ca), "q"), lang=lang) == 3
    (request,) = practice.requests
    certificate = office.sign(request, practice.directory.parent / "signed").read_text()
    key = (practice.pending / "unit.key").read_text()
    paused = capsys.readouterr().out
    assert request.read_text() in "\n".join(line.strip() for line in paused.splitlines()) + "\n"
    # The certificate is pasted, the summary read, and confirmed.
    assert practice.provision(typed=certificate + "ja\n", lang=lang) == 0
    done = capsys.readouterr().out
    assert ("Fortsætter, hvor du slap" in done) == (lang == "da")
    assert (f"{request.stem} er sat op" in done) == (lang == "da")
    assert (f"{request.stem} is provisioned" in done) == (lang == "en")
    unit = practice.unit.unit_file
    assert (unit.unit_id, unit.language) == (request.stem, lang)
    tls = unit.uplink.paths[0].tls
    assert tls is not None
    assert tls.key is not None
    assert tls.key.read_text() == key
    assert f"0600  {tls.key}" in done
    assert practice.left_behind() == []
    secret = key.splitlines()[1]
    assert secret not in paused + done


def test_a_pause_keeps_the_answers_and_no_secret(practice: Practice, office: Office) -> None:
    assert practice.provision(typed=typed(*UNTIL_CERTIFICATE, str(office.ca))) == 3  # the line was cut
    draft = practice.pending / "draft.json"
    kept = json.loads(draft.read_text())
    assert kept["answers"]["tenant"] == "aabenraa"
    assert "PRIVATE" not in draft.read_text()
    assert stat.S_IMODE(practice.pending.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in practice.pending.iterdir()} == {0o600}
    assert practice.provision("--start-over", typed="") == 3
    assert json.loads(draft.read_text())["answers"].keys() == {"unit_id"}
    assert practice.requests == []


class Terminal:
    """The command on a pseudo-terminal, in a process of its own."""

    def __init__(self, unit_file: Path) -> None:
        self.far, near = pty.openpty()
        self.shown = ""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "agent", "provision", "--unit-file", str(unit_file)],
            stdin=near, stdout=near, stderr=near, cwd=REPOSITORY,
            env={**os.environ, "LC_ALL": "en_GB.UTF-8", "PYTHONUTF8": "1"}, start_new_session=True,
        )  # fmt: skip
        os.close(near)
        os.set_blocking(self.far, False)

    def question(self, number: int) -> str:
        """Wait until question `number` is drawn with its prompt; return what is shown since the last."""
        eventually(lambda: self._read().rstrip(" ").endswith(">") and f"({number}/" in self.shown, within=20)
        shown, self.shown = self.shown, ""
        return shown

    def type(self, line: str) -> None:
        os.write(self.far, f"{line}\n".encode())

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(5)
        os.close(self.far)

    def interrupt(self) -> int:
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(10)

    def close(self) -> int:
        code = self._process.wait(10)
        os.close(self.far)
        return code

    def _read(self) -> str:
        try:
            self.shown += os.read(self.far, 65536).decode(errors="replace")
        except (BlockingIOError, OSError):  # nothing yet; or the command has ended
            return self.shown
        return self.shown


def test_a_kill_at_every_question_loses_nothing(practice: Practice) -> None:
    lines = [*UNTIL_CERTIFICATE, "", "yes"]
    for number, line in enumerate(lines, 1):
        terminal = Terminal(practice.unit_file)
        shown = terminal.question(number)
        assert ("Going on where you left" in shown) == (number > 1)
        assert not practice.unit_file.exists()
        terminal.type(line)
        if number < len(lines):
            terminal.question(number + 1)
            terminal.kill()
        else:
            assert terminal.close() == 0
    assert practice.unit.unit_file.tenant == "aabenraa"
    assert practice.left_behind() == []


def test_a_terminal_with_another_encoding_gets_another_try(practice: Practice) -> None:
    terminal = Terminal(practice.unit_file)
    for number in (1, 2):
        terminal.question(number)
        terminal.type("")
    terminal.question(3)
    os.write(terminal.far, "Åbenrå\n".encode("latin-1"))
    assert "! The municipality's short name" in terminal.question(3)
    terminal.kill()


def test_ctrl_c_says_that_the_answers_are_kept(practice: Practice) -> None:
    terminal = Terminal(practice.unit_file)
    terminal.question(1)
    assert terminal.interrupt() == 130
    eventually(lambda: "go on from here" in terminal._read() or "goes on from here" in terminal._read())
    os.close(terminal.far)


def test_the_same_answers_make_a_unit_of_its_own_each_time(
    tmp_path: Path, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, keys = set(), set()
    for number in range(5):
        practice = Practice(tmp_path / f"unit-{number}", monkeypatch)
        answers = practice.answers(ca=office.ca)
        assert practice.provision("--answers", str(answers)) == 3
        (request,) = practice.requests
        assert (tmp_path / "requests" / request.name).read_text() == request.read_text()
        assert practice.provision("--answers", str(answers)) == 3  # still waiting, with the same id
        assert practice.requests == [request]
        office.sign(request, tmp_path / "signed")
        assert practice.provision("--answers", str(answers)) == 0
        tls = practice.unit.unit_file.uplink.paths[0].tls
        assert tls is not None
        assert tls.key is not None
        ids.add(practice.unit.unit_file.unit_id)
        keys.add(openssl.public_key_of(tls.key.read_bytes()))
        assert practice.left_behind() == []
    assert len(ids) == len(keys) == 5


def test_a_unit_that_is_there_is_replaced_only_on_demand_and_keeps_its_id(
    practice: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    assert practice.provision("--answers", str(practice.answers())) == 0
    first = practice.unit_file.read_text()
    assert practice.provision("--answers", str(practice.answers())) == 1
    assert "replace = true" in capsys.readouterr().err
    assert practice.unit_file.read_text() == first
    assert practice.left_behind() == []
    unit_id = practice.unit.unit_file.unit_id
    assert practice.unit.unit_file.language == "da"  # whatever the language of the workshop's shell
    assert practice.provision("--answers", str(practice.answers("replace = true", "pre_alarm_s = 4"))) == 0
    assert practice.unit.unit_file.unit_id == unit_id
    assert practice.unit.unit_file.pre_alarm.seconds == 4
    # A consent goes on with the unit's id, and ends with it: another id is another home.
    table = '[consent]\nmotion_windows = true\nreference = "c-4f7k2q"\nuntil = 2027-06-30\ncertificate = "/x.pem"\n'
    practice.unit_file.write_text(practice.unit_file.read_text() + table)
    consent = practice.unit.unit_file.consent
    assert practice.provision("--answers", str(practice.answers("replace = true", "pre_alarm_s = 4"))) == 0
    assert practice.unit.unit_file.consent == consent != Consent()
    # Whose models it accepts is nobody's to answer: it stays.
    practice.unit_file.write_text(f'{practice.unit_file.read_text()}\n[model]\nsigning_key = "{SIGNING_KEY}"\n')
    # In the dialogue, what is in force is proposed.
    assert (
        practice.provision(typed=typed("", "", "new", "", "", "", "", "", "", "", "", "", "", "", "", "", "yes")) == 0
    )
    assert practice.unit.unit_file.unit_id != unit_id
    assert practice.unit.unit_file.pre_alarm.seconds == 4
    assert practice.unit.unit_file.consent == Consent()
    assert practice.unit.unit_file.model.signing_key == SIGNING_KEY


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (['tenant = "Åbenrå"'], "tenant"),
        (["colour = 1"], "colour"),
        (['[rooms]\nbathroom-cord = "Hansens"'], "rooms.bathroom-cord"),
        (['unit_id = "u-0102031234"'], "CPR"),
        (["schema = "], "no TOML"),
    ],
)
def test_a_wrong_answers_file_is_told_by_its_key_and_nothing_is_made(
    practice: Practice, lines: list[str], words: str
) -> None:
    answers = practice.answers()
    text = answers.read_text()
    answers.write_text(
        text.replace('tenant = "aabenraa"', "") + "\n" + lines[0] if "tenant" in lines[0] else f"{lines[0]}\n{text}"
    )
    done = run_cli("provision", "--unit-file", practice.unit_file, "--answers", answers)
    assert done.returncode == 2
    assert words in done.stderr
    assert list(practice.directory.iterdir()) == []


def test_each_failure_is_one_sentence_and_leaves_no_unit(
    practice: Practice, office: Office, stranger: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = practice.answers(ca=office.ca)
    signed = practice.directory.parent / "signed"
    assert practice.provision("--answers", str(answers)) == 3
    (request,) = practice.requests
    certificate = signed / f"{request.stem}.pem"
    for spoil, words in [
        (lambda: stranger.sign(request, signed), "another CA"),
        (lambda: certificate.write_text(office.ca.read_text()), "another key"),
        (lambda: certificate.write_text((practice.pending / "unit.key").read_text()), "private key"),
        (lambda: certificate.write_text(""), "PEM form"),
        (lambda: become_directory(certificate), "can't be used"),
    ]:
        spoil()  # type: ignore[no-untyped-call]  # because a lambda has no types
        capsys.readouterr()
        assert practice.provision("--answers", str(answers)) == 1
        told = capsys.readouterr()
        assert words in told.err
        assert len(told.err.splitlines()) == 1
        assert "PRIVATE" not in told.out + told.err
        assert not practice.unit_file.exists()
        assert practice.left_behind() == [".provisioning"]
    certificate.rmdir()
    office.sign(request, signed)
    assert practice.provision("--answers", str(answers)) == 0


def test_a_real_profile_is_refused_where_there_are_no_pins(
    practice: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    if Path("/dev/gpiochip0").exists():
        pytest.skip("this machine has a GPIO")
    answers = practice.answers()
    answers.write_text(answers.read_text().replace("simulated-home", "pi4-cords"))
    assert practice.provision("--answers", str(answers)) == 1
    assert "Raspberry Pi" in capsys.readouterr().err


def test_two_at_once_are_refused(practice: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    with Draft(practice.directory).held():
        assert practice.provision("--answers", str(practice.answers())) == 1
    assert "Another `nodkald provision` is running" in capsys.readouterr().err


def test_a_damaged_draft_says_how_to_begin_anew(practice: Practice, capsys: pytest.CaptureFixture[str]) -> None:
    assert practice.provision(typed=typed("", "")) == 3
    (practice.pending / "draft.json").write_text("{")
    assert practice.provision() == 1
    assert "--start-over" in capsys.readouterr().err
    assert practice.provision("--start-over") == 3


def test_a_user_without_the_right_is_told_before_any_question(
    practice: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become nobody")
    practice.directory.mkdir(mode=0o755)
    os.seteuid(65534)
    try:
        assert practice.provision() == 1
    finally:
        os.seteuid(0)
    told = capsys.readouterr()
    assert "sudo" in told.err
    assert told.out == ""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "disk")
    if os.geteuid() != 0 or not small.mount():
        pytest.skip("needs root and the right to mount a tmpfs")
    yield small
    small.unmount()


def test_a_disk_that_fills_up_is_told_and_the_unit_can_be_made_once_there_is_room(
    small_disk: SmallDisk, practice: Practice, capsys: pytest.CaptureFixture[str]
) -> None:
    practice.directory = small_disk.path
    small_disk.fill()
    answers = practice.answers()
    assert practice.provision("--answers", str(answers)) == 1
    assert "full" in capsys.readouterr().err
    assert not practice.unit_file.exists()
    small_disk.make_room()
    assert practice.provision("--answers", str(answers)) == 0
    assert practice.left_behind() == []


def become_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def run_cli(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "agent", *map(str, arguments)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_simulated_home_is_refused_where_a_real_unit_is_configured(
    practice: Practice, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from agent import config_files  # noqa: PLC0415 - only to move the directory of a real unit
    from agent.provision import world  # noqa: PLC0415 - as above

    for module in (config_files, world):
        monkeypatch.setattr(module, "INSTALLED", practice.directory)
    assert practice.provision("--answers", str(practice.answers())) == 1
    assert "simulated-home" not in capsys.readouterr().err.replace("simulated-home.", "")
    with pytest.raises(Exception, match="does not exist"):
        load_unit(practice.unit_file)
