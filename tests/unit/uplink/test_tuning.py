"""The sockets to a broker repeat what is lost at an even pace, from the TLS handshake on."""

from __future__ import annotations

import socket
import ssl
from contextlib import closing

from agent.uplink.tls import ClientContext
from agent.uplink.tuning import tune

_THIN_LINEAR_TIMEOUTS = 16


def paced(sock: socket.socket) -> tuple[bool, bool]:
    """Return whether it sends at once, and whether it repeats at an even pace."""
    return (
        bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)),
        bool(sock.getsockopt(socket.IPPROTO_TCP, _THIN_LINEAR_TIMEOUTS)),
    )


def test_a_plain_socket() -> None:
    with closing(socket.socket()) as sock:
        assert paced(sock) == (False, False)
        tune(sock)
        assert paced(sock) == (True, True)


def test_a_tls_socket_before_its_handshake() -> None:
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    with closing(context.wrap_socket(socket.socket(), server_hostname="broker", do_handshake_on_connect=False)) as sock:
        assert paced(sock) == (True, True)
