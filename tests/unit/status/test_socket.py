"""The window: everybody may look, nobody can disturb."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.local_socket import address
from agent.status import client
from agent.status.board import FORMAT
from agent.status.client import Closed, look
from agent.status.socket import SOCKET_NAME, StatusSocket
from tests.waiting import eventually

LINE = json.dumps({"format": FORMAT, "unit_id": "u-test0001"}).encode() + b"\n"


@pytest.fixture
def window(tmp_path: Path) -> Iterator[StatusSocket]:
    made = StatusSocket(tmp_path / SOCKET_NAME, lambda: LINE)
    made.start()
    yield made
    made.stop()


def connected(directory: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    with address(directory / SOCKET_NAME) as name:
        connection.connect(name)
    return connection


def test_whoever_looks_sees_the_snapshot(window: StatusSocket, tmp_path: Path) -> None:
    assert look(tmp_path).said == json.loads(LINE)
    assert look(tmp_path).said == json.loads(LINE)


def test_only_owner_and_group_may_look(window: StatusSocket, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / SOCKET_NAME).stat().st_mode) == 0o660


def test_what_a_client_sends_is_never_read(window: StatusSocket, tmp_path: Path) -> None:
    with connected(tmp_path) as hostile:
        hostile.sendall(b'{"cmd": "restart"}\n' * 1000)
        assert look(tmp_path).said == json.loads(LINE)


def test_a_client_that_does_not_read_is_hung_up_on(tmp_path: Path) -> None:
    window = StatusSocket(tmp_path / SOCKET_NAME, lambda: LINE + b" " * 3_000_000)  # more than the kernel keeps
    window.start()
    with connected(tmp_path):
        assert look(tmp_path, within_s=5.0).said == json.loads(LINE)
    window.stop()


def test_many_clients_that_come_and_go_leave_the_window_open(window: StatusSocket, tmp_path: Path) -> None:
    for _ in range(5):
        connected(tmp_path).close()
    assert look(tmp_path).said == json.loads(LINE)


def test_a_snapshot_that_fails_closes_nothing(tmp_path: Path) -> None:
    answers = iter([RuntimeError("broken"), LINE])

    def snapshot() -> bytes:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    window = StatusSocket(tmp_path / SOCKET_NAME, snapshot)
    window.start()
    assert look(tmp_path).closed is Closed.NO_ANSWER
    assert look(tmp_path).said == json.loads(LINE)
    window.stop()


def test_what_a_killed_unit_left_behind_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    with address(tmp_path / SOCKET_NAME) as name:
        left.bind(name)
    left.close()
    assert look(tmp_path).closed is Closed.NOT_RUNNING
    window = StatusSocket(tmp_path / SOCKET_NAME, lambda: LINE)
    window.start()
    assert look(tmp_path).said is not None
    window.stop()


def test_a_window_that_can_not_be_opened_is_no_exception(tmp_path: Path) -> None:
    StatusSocket(tmp_path / "missing" / SOCKET_NAME, lambda: LINE).start()


def test_after_stop_the_unit_is_not_running(window: StatusSocket, tmp_path: Path) -> None:
    window.stop()
    window.stop()
    assert look(tmp_path).closed is Closed.NOT_RUNNING
    eventually(lambda: all(thread.name != "status-socket" for thread in threading.enumerate()))


def test_a_unit_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as deaf:
        with address(tmp_path / SOCKET_NAME) as name:
            deaf.bind(name)
        deaf.listen()
        assert look(tmp_path, within_s=0.05).closed is Closed.NO_ANSWER


def test_another_version_is_told_so(tmp_path: Path) -> None:
    window = StatusSocket(tmp_path / SOCKET_NAME, lambda: b'{"format": 99}\n')
    window.start()
    assert look(tmp_path).closed is Closed.OTHER_VERSION
    window.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can put on another user")
def test_a_user_outside_the_group_is_told_so(window: StatusSocket, tmp_path: Path) -> None:
    for directory in (tmp_path, *tmp_path.parents[:-2]):
        if directory.stat().st_uid == os.getuid() and directory != Path("/tmp"):  # noqa: S108 - not ours to change
            directory.chmod(0o755)
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os._exit(0 if look(tmp_path).closed is Closed.FORBIDDEN else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_every_way_of_seeing_nothing_has_a_sentence_in_both_languages() -> None:
    assert set(client.WHY) == set(Closed)
    assert all(text.da and text.en and text.da != text.en for text in client.WHY.values())
