"""What failed, in words: those that no broker of the tests can be brought to."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest

from agent.errors import UplinkError
from agent.uplink.refusals import Failure, of_connack, of_disconnect, of_error


def of(error: Exception) -> Failure:
    return of_error(error, "broker.example", 8883, 5.0)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "no route to broker.example:8883"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "no route to broker.example:8883"),
        (TimeoutError("timed out"), "no answer from broker.example:8883 within 5 s"),
        (socket.gaierror(-2, "Name or service not known"), "the host name broker.example was not found"),
        (ConnectionResetError(104, "Connection reset by peer"), "broke: [Errno 104] Connection reset by peer"),
        (RuntimeError(), "the connection to broker.example:8883 broke: RuntimeError"),
        (ssl.SSLEOFError(8, "EOF occurred"), "broke off TLS without a word"),
        (ssl.SSLError(1, "odd"), "TLS with broker.example:8883 failed"),
    ],
)
def test_what_the_network_does_is_no_refusal(error: Exception, words: str) -> None:
    failure = of(error)
    assert words in failure.detail
    assert not failure.refused


def test_our_own_files_are_a_refusal() -> None:
    assert of(UplinkError("tls.key is missing")) == Failure("tls.key is missing", refused=True)


def test_every_code_makes_a_sentence() -> None:
    for code in range(0x80, 0x100):
        for failure in (of_connack(code), of_disconnect(code)):
            assert failure.detail.startswith("the broker ")
            assert failure.detail.endswith(f"(code 0x{code:02x})")
