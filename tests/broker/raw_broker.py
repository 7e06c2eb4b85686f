"""A broker that answers in bytes which a test chose, for what mosquitto can't be brought to say."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Self

from tests.broker.mosquitto import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT, PUBLISH, SUBSCRIBE, PINGREQ = 1, 3, 8, 12
ID = b"\xff\xff"
"""Stands for the packet id in an answer."""


class RawBroker:
    """Answers each packet by its type; what has no answer is only noted. Ends a connection after an empty answer."""

    def __init__(self, answers: Mapping[int, bytes]) -> None:
        self.received: list[int] = []
        self._answers = answers
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                try:
                    while self._serve(connection, *_packet(stream.read)):
                        pass
                except (OSError, EOFError):
                    pass

    def _serve(self, connection: socket.socket, kind: int, body: bytes) -> bool:
        self.received.append(kind)
        answer = self._answers.get(kind)
        if answer is None:
            return True
        packet_id = body[:2]
        if kind == PUBLISH:
            at = 2 + int.from_bytes(body[:2])
            packet_id = body[at : at + 2]
        connection.sendall(answer.replace(ID, packet_id))
        return bool(answer)


def _packet(read: object) -> tuple[int, bytes]:
    assert callable(read)

    def exactly(count: int) -> bytes:
        got: bytes = read(count)
        if len(got) < count:
            raise EOFError
        return got

    kind = exactly(1)[0] >> 4
    length, shift = 0, 0
    while True:
        byte = exactly(1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return kind, exactly(length)
