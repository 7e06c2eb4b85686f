"""One connection of a broker path: its paho client, its sockets and its tokens. Needs paho 2.2.

Rules of this file: a client serves one connection and is thrown away; all that paho must be told is told here. Who may
touch a link, and when, is the matter of `agent/uplink/mqtt.py`, which holds the lock.
"""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers
from paho.mqtt.reasoncodes import ReasonCode

from agent.uplink.tuning import tune

if TYPE_CHECKING:
    from agent.config import BrokerPath
    from agent.effects import Publish
    from agent.uplink.tls import ClientContext

SESSION_EXPIRY_S = 7 * 24 * 3600


def _every_refusal() -> dict[int, dict[str, list[int]]]:
    """Return paho's table of reason codes, with each failure code allowed in each packet that can refuse something.

    paho ends the connection over a code that the standard does not list for a packet. Mosquitto 2 answers a publish
    over its `message_size_limit` with such a PUBACK (0x95): the call would end the connection, and go out again.
    """
    table: dict[int, dict[str, list[int]]] = {
        code: {name: list(packets) for name, packets in names.items()} for code, names in ReasonCode.names.items()
    }
    for code in range(0x80, 0x100):
        names = table.setdefault(code, {})
        listed = {packet for packets in names.values() for packet in packets}
        refusing = {PacketTypes.CONNACK, PacketTypes.PUBACK, PacketTypes.SUBACK, PacketTypes.DISCONNECT}
        names[f"Code 0x{code:02x}"] = sorted(refusing - listed)
    return table


ReasonCode.names = _every_refusal()


class Cause(logging.Handler):
    """Keeps the exception with which paho's socket failed: paho itself only logs it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.error: Exception | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Take one of paho's error lines."""
        error = next((a for a in record.args or () if isinstance(a, Exception)), None)
        if isinstance(error, OSError):
            self.error = error
        else:
            structlog.get_logger().error("mqtt_library_error", message=record.getMessage())


class Link:
    """One attempt to connect, and the connection if it comes to one. Guarded by the lock of its path."""

    def __init__(self, begun_at: float = 0.0, patience_s: float = 5.0) -> None:
        self.begun_at = begun_at
        """Monotonic seconds."""
        self.patience_s = patience_s
        """How long the TLS handshake may take, and then the CONNACK."""
        self.client: Client | None = None
        self.context: ClientContext | None = None
        self.sock: socket.socket | None = None
        self.thread: threading.Thread | None = None
        self.up = False
        self.ended = False
        self.busy_since: float | None = None
        self.written_off = False
        """Its thread was found hanging, and nobody waits for it any more."""
        self.window = 65_535
        self.tokens: dict[int, int] = {}
        """QoS 1 publishes under way, by packet id; 0 where nobody wants the answer."""
        self.waiting: deque[Publish] = deque()
        self.farewell: int | None = None
        self.cause = Cause()
        self.wake_in, self._wake_out = socket.socketpair()
        self.wake_in.settimeout(0)
        self._wake_out.settimeout(0)

    @property
    def full(self) -> bool:
        """Whether the broker takes no further publish before it has acknowledged one."""
        return len(self.tokens) >= self.window

    @property
    def reached(self) -> bool:
        """Whether a broker's port has answered."""
        return bool(self._sockets())

    def opened(self, sock: socket.socket) -> None:
        """Take the socket that paho made; from here on the broker may know of us."""
        self.sock = sock
        tune(sock)
        if self.ended:  # given up meanwhile: our CONNECT would end the connection that took its place
            self.cut()

    def end(self) -> None:
        """Take nothing more from it; its thread wakes up, and releases it."""
        self.ended = True
        self.up = False
        self.tokens.clear()
        self.waiting.clear()
        self.wake()

    def wake(self) -> None:
        """Wake its thread up."""
        with suppress(OSError):  # full: it wakes anyway; closed: nobody is left to be woken
            self._wake_out.send(b"w")

    def _sockets(self) -> tuple[socket.socket, ...]:
        wrapped = self.context.wrapped if self.context is not None else None
        return tuple(sock for sock in (self.sock, wrapped) if sock is not None)

    def cut(self) -> None:
        """End the connection at once, from whichever thread; its own thread wakes up and closes the socket."""
        for sock in self._sockets():
            with suppress(OSError):
                # Not SSLSocket.shutdown(): that takes the TLS object from under the thread that may be using it.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def release(self) -> None:
        """Close the sockets; paho leaves that of a failed handshake open."""
        for sock in (*self._sockets(), self.wake_in, self._wake_out):
            with suppress(OSError):
                sock.close()
        self.client = None


def make_client(
    client_id: str, link: Link, *, will: tuple[str, bytes] | None, mqtt5: bool, lasting: bool = True
) -> Client:
    """Make the client of `link`, with TLS if the link has a context. It does not connect yet, and never reconnects.

    Under MQTT 3.1.1 `lasting` keeps its session on the broker; under MQTT 5 that is asked for when it connects.
    """
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=None if mqtt5 else not lasting,
        userdata=link,
        protocol=MQTTProtocolVersion.MQTTv5 if mqtt5 else MQTTProtocolVersion.MQTTv311,
        reconnect_on_failure=False,
    )
    client.suppress_exceptions = True
    # A broker's limit comes with its CONNACK, when paho will not have it any more; `Link.window` sees to it.
    client.max_inflight_messages = 0
    if will is not None:
        topic, payload = will
        client.will_set(topic, payload, qos=1, retain=True)
    logger = logging.Logger("mqtt", logging.ERROR)  # noqa: LOG001 - lives and dies with its link; getLogger's never die
    logger.addHandler(link.cause)
    client.enable_logger(logger)
    if link.context is not None:
        client.tls_set_context(link.context)
    client.on_socket_open = _on_socket_open
    client.on_socket_close = _on_socket_close
    return client


def open_session(client: Client, path: BrokerPath, *, maximum_packet: int) -> None:
    """Connect and ask for a session that the broker keeps for a week. Blocks; raises what the sockets raise."""
    if path.protocol == "mqtt311":
        client.connect(path.host, path.port, path.keepalive_s)
        return
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # because paho leaves it untyped
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    properties.MaximumPacketSize = maximum_packet
    client.connect(path.host, path.port, path.keepalive_s, clean_start=False, properties=properties)


class PublishProperties(Properties):
    """What MQTT 5 says about a message beside its payload: content type, expiry, user properties. Packed at once.

    The base class looks each name up in its tables several times over, on the way from a pulled cord to the centre.
    paho asks a publish's properties for nothing but `pack()`.
    """

    def __init__(self, effect: Publish) -> None:
        parts = [b"\x03", _utf8(effect.content_type)]
        if effect.expiry_s is not None:
            parts += [b"\x02", struct.pack("!L", effect.expiry_s)]
        for name, value in effect.user_properties:
            parts += [b"\x26", _utf8(name), _utf8(value)]
        body = b"".join(parts)
        # The base class lets only MQTT's own names be set.
        length: bytes = VariableByteIntegers.encode(len(body))  # type: ignore[no-untyped-call]  # because paho leaves it untyped
        object.__setattr__(self, "_packed", length + body)

    def pack(self) -> bytes:
        """Return the bytes as they go into the packet, with their length in front."""
        packed: bytes = object.__getattribute__(self, "_packed")
        return packed


def _utf8(text: str) -> bytes:
    encoded = text.encode()
    return struct.pack("!H", len(encoded)) + encoded


def _on_socket_open(_client: Client, link: Link, sock: Any) -> None:
    link.opened(sock)


def _on_socket_close(_client: Client, link: Link, sock: Any) -> None:
    """Look for the broker's last words: with TLS 1.3 it refuses our certificate when we have begun to write.

    The write then fails with a mere end of file, and the alert that says why lies there to be read.
    """
    if isinstance(sock, ssl.SSLSocket) and isinstance(link.cause.error, ssl.SSLEOFError | ConnectionError):
        try:
            sock.recv(1)
        except ssl.SSLError as error:
            if "ALERT" in (error.reason or ""):
                link.cause.error = error
        except OSError:
            return
