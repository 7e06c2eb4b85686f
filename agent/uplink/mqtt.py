"""A thin shell around paho: a thread for each connection to a broker, which carries out the core's uplink effects.

Rules of this file:
- It decides nothing: when to connect, what to send again and what is silent is `agent/uplink/delivery.py`.
- A path has one connection at most, and beside it one attempt to make another: `connect()`. Publishes go out on the
  connection. An attempt that the broker accepts becomes the connection, with `PathUp`; the one before ends without a
  word. Else an attempt ends with a `PathDown`, `beside` where there is a connection; and so does a connection.
- The broker ends the old connection itself when it accepts our client id anew. So an attempt beside a connection that
  has asked for that can't be taken back: it is never abandoned, and its CONNACK has the time that a patient one has.
- A new paho client for each attempt: paho's own session memory is never trusted, and goes with its connection.
- paho's sockets do not block once connected, and all use of a client is under the path's lock. So `publish()` writes
  straight to the socket from the core's thread, which is faster than waking another one, without ever waiting for
  the network; and a PUBACK can't overtake the entry of its token.
- Callbacks only note and post; paho is told to log what they raise, and to go on.

Bounds: TCP has 5 s for each address that the host name has, the TLS handshake 5 s, the CONNACK 5 s; in a patient
attempt the last two have 22 s each, for a broker whose every answer comes 20 s late. The look-up of the host name can't
be bounded from here (resolv.conf does it): an attempt that hangs in it is left behind, with its thread, when the core
asks for the next one, and at the latest when its thread is found hanging. A connection on which nothing comes, not even
the answer to a ping, ends after two keepalives. With MQTT 5 the broker is told not to send packets over `MAXIMUM_DOWN`;
with 3.1.1 one is dropped only after paho has read it.
"""

from __future__ import annotations

import select
import ssl
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.errors import UplinkError
from agent.readings import Downlink, PathDown, PathUp, PubAck, Subscribed
from agent.uplink import refusals
from agent.uplink.mqtt_link import Link, PublishProperties, make_client, open_session
from agent.uplink.refusals import Failure
from agent.uplink.tls import client_context
from agent.uplink.topics import LEAVES_DOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

    from agent.clock import Clock
    from agent.config import BrokerPath, UnitFile
    from agent.effects import Publish
    from agent.sensors.driver import Post

STEP_TIMEOUT_S = 5.0
PATIENT_S = 22.0
MAXIMUM_DOWN = 64 * 1024
"""Largest payload in bytes that is taken from the centre."""

REACHED_WITHIN_S = 11.0
"""Looking up a name and TCP with two addresses; a little less than `paths.AGAIN_AFTER_S`: no request is too early."""
THREADS = 16
"""Of one path, with those that hang in a look-up: each keeps its memory, and the service may have 64 (TasksMax)."""

TURN_S = 1.0
"""Longest wait of the thread, so that keepalives are sent and missed in time."""

_ENDED = {0x8D: "the broker has not answered for two keepalives", 0x82: "the broker does not speak MQTT as we do"}
"""What paho's own reasons for giving up a connection mean."""

_UNSPECIFIED_ERROR = 0x80
_FAREWELL_SHARE = 0.8
"""Share of the time for closing that the farewell may wait for its PUBACK; the rest is for the thread to end."""


class MqttPath:
    """One broker path. `will` is (topic, payload) of the last will, `subscriptions` the topics to listen to.

    Each attempt has a thread, which ends with the connection that it became. The public methods are called by the
    core's thread and never block.
    """

    def __init__(
        self,
        unit: UnitFile,
        path: BrokerPath,
        *,
        will: tuple[str, bytes],
        subscriptions: Sequence[str],
        post: Post,
        clock: Clock,
    ) -> None:
        self._client_id = f"{unit.unit_id}-{path.name}"
        self._path = path
        self._mqtt5 = path.protocol == "mqtt5"
        self._will = will
        self._leaves = {topic: topic.rsplit("/", 1)[-1] for topic in subscriptions}
        self._post = post
        self._clock = clock
        self._was_synced = False
        self._log = structlog.get_logger().bind(path=path.name)
        self._lock = threading.RLock()
        self._link: Link | None = None
        """The connection."""
        self._attempt: Link | None = None
        self._served: list[Link] = []
        """Those whose thread runs: the two, those that end, and those that were left behind."""
        self._closing = False
        self._farewell_taken = threading.Event()
        self._dropped = 0

    # ------------------------------------------------------------ effects

    def connect(self, *, patient: bool = False) -> None:
        """Make one attempt; nothing happens if one is under way that has reached a broker, or still may in good time.

        One that hangs before it reached any is left behind, and this one begins in its place.
        """
        with self._lock:
            if self._closing:
                return
            known, now = self._attempt, self._clock.now().mono
            if known is not None:
                if known.reached or now - known.begun_at < REACHED_WITHIN_S or len(self._served) >= THREADS:
                    return
                self._drop(known)
            self._attempt = link = Link(now, PATIENT_S if patient else STEP_TIMEOUT_S)
            self._served.append(link)
            link.thread = threading.Thread(
                target=self._serve, args=(link,), name=f"mqtt-{self._path.name}", daemon=True
            )
            try:
                link.thread.start()
            except RuntimeError as error:  # the system has no thread left
                self._served.remove(link)
                link.thread = None
                self._end(link, self._failure(error))
                link.release()

    def abandon(self) -> None:
        """End the attempt beside a connection that answers again, unless the broker may know of it already."""
        with self._lock:
            if self._attempt is not None and self._attempt.sock is None and self._link is not None:
                self._drop(self._attempt)
                self._attempt = None

    def disconnect(self, detail: str, *, hung_for_s: float = 0.0) -> None:
        """End attempt and connection at once, without a handshake, and post `PathDown` for each.

        With `hung_for_s` only those whose thread has been busy with one thing for so long. They are left behind, and
        count as busy no more, like the threads that were left behind before.
        """
        with self._lock:
            now = self._clock.now().mono
            for link in self._served:
                if link.ended or now - (now if link.busy_since is None else link.busy_since) >= hung_for_s:
                    link.written_off = True
                    self._end(link, Failure(detail, refused=False))
                    link.cut()

    def publish(self, effect: Publish) -> None:
        """Hand a publish to the broker. On a path that is down nothing happens: its `PathDown` is the answer.

        More than the broker takes unacknowledged (MQTT 5's receive maximum) wait here, in order; the core bounds them.
        """
        with self._lock:
            link = self._link
            if link is None or link.client is None or not link.up:
                return
            if effect.qos and link.full:
                link.waiting.append(effect)
                return
            self._send(link, link.client, effect)
            if link.client.want_write():
                link.wake()

    def _send(self, link: Link, client: Client, effect: Publish) -> None:
        try:
            properties = PublishProperties(effect) if self._mqtt5 else None
            info = client.publish(effect.topic, effect.payload, effect.qos, effect.retain, properties)
        except Exception as error:  # noqa: BLE001 - what paho will not send must not end the core's thread
            self._log.error("mqtt_publish_impossible", topic=effect.topic, error=str(error))
            self._post(PubAck(self._path.name, effect.token, _UNSPECIFIED_ERROR))
            return
        if effect.qos:
            link.tokens[info.mid] = effect.token

    def close(self, payload: bytes, within_s: float = 1.0) -> None:
        """Publish `payload` (retained) on the will's topic, disconnect, end the threads. No `PathDown` follows.

        Where the broker does not take it in time the connection is cut, and the broker publishes the last will instead.
        """
        deadline = self._clock.now().mono + within_s
        with self._lock:
            self._closing = True
            if self._attempt is not None:
                self._drop(self._attempt)
            link = self._link
            saying = False
            if link is not None and link.client is not None and not link.full:
                saying = True
                link.farewell = link.client.publish(self._will[0], payload, qos=1, retain=True).mid
                link.wake()
        taken = saying and self._farewell_taken.wait(within_s * _FAREWELL_SHARE)
        with self._lock:
            if link is not None:
                link.end()
                if taken and link.client is not None:
                    link.client.disconnect()
                link.cut()
            threads = [served.thread for served in self._served]
        for thread in threads:
            if thread is not None:
                thread.join(max(0.0, deadline - self._clock.now().mono))

    def busy_since(self) -> float | None:
        """Return the monotonic second since which a thread has been connecting or handling packets, or None."""
        with_work = [link.busy_since for link in tuple(self._served) if not link.written_off]
        return min((since for since in with_work if since is not None), default=None)

    # ------------------------------------------------------------ the thread of a connection

    def _serve(self, link: Link) -> None:
        try:
            self._open(link)
            opened_at = self._clock.now().mono
            while not link.ended:
                within_s = link.patience_s if self._link is None else PATIENT_S
                if not link.up and self._clock.now().mono - opened_at >= within_s:
                    self._end(link, self._failure(TimeoutError(), within_s))
                else:
                    self._turn(link)
        except Exception as error:  # noqa: BLE001 - the thread dies of nothing: the core hears of it and tries again
            if not isinstance(error, OSError | UplinkError | UnicodeError):
                self._log.exception("mqtt_path_failed")
            self._end(link, self._failure(error, link.patience_s))
        finally:
            with self._lock:
                link.busy_since = None
                link.release()
                self._served.remove(link)

    def _open(self, link: Link) -> None:
        """Make the client and connect it: blocks as the docstring of this file says."""
        if link.ended:
            return
        link.busy_since = self._clock.now().mono
        if self._path.tls is not None:
            self._was_synced |= self._clock.now().synced
            check_time = self._was_synced
            link.context = client_context(self._path.tls, check_time=check_time, handshake_s=link.patience_s)
        client = make_client(self._client_id, link, will=self._will, mqtt5=self._mqtt5)
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.connect_timeout = STEP_TIMEOUT_S
        open_session(client, self._path, maximum_packet=MAXIMUM_DOWN + 1024)  # room for topic and properties
        link.client = client

    def _turn(self, link: Link) -> None:
        """Wait until there is something to read or write, and let paho do it."""
        client, sock = link.client, link.sock
        if client is None or sock is None:
            raise UplinkError("paho gave no socket")
        poller = select.poll()
        poller.register(link.wake_in, select.POLLIN)
        try:
            poller.register(sock, select.POLLIN | (select.POLLOUT if client.want_write() else 0))
        except ValueError:  # closed in between by a publish that found it broken
            return
        link.busy_since = None
        ready = {descriptor for descriptor, _ in poller.poll(TURN_S * 1000)}
        link.busy_since = self._clock.now().mono
        if link.wake_in.fileno() in ready:
            with suppress(BlockingIOError):
                link.wake_in.recv(4096)
        with self._lock:
            if link.ended:
                return
            if sock.fileno() in ready:
                client.loop_read()
                # What TLS has decrypted already makes no socket readable.
                while not link.ended and isinstance(sock, ssl.SSLSocket) and sock.pending():
                    client.loop_read()
            if not link.ended and client.want_write():
                client.loop_write()
            if link.up and not link.ended:  # before, paho would take a slow CONNACK for a missed keepalive
                client.loop_misc()
            if client.socket() is None:
                self._end(link, self._failure(link.cause.error or ConnectionError("closed")))

    def _end(self, link: Link, failure: Failure) -> None:
        """Note that a connection or an attempt has ended, and tell the core; once for each."""
        with self._lock:
            if link.ended:
                return
            if link is self._link:
                self._link = None
            else:
                self._attempt = None
            link.end()
            self._post(PathDown(self._path.name, failure.detail, failure.refused, beside=self._link is not None))

    def _drop(self, link: Link) -> None:
        """End a link of which the core need not hear."""
        link.end()
        link.cut()

    def _failure(self, error: Exception, within_s: float = STEP_TIMEOUT_S) -> Failure:
        return refusals.of_error(error, self._path.host, self._path.port, within_s)

    # ------------------------------------------------------------ callbacks, under the lock

    def _on_socket_open(self, _client: Client, link: Link, sock: Any) -> None:
        with self._lock:  # paho calls this one without it
            link.opened(sock)

    def _on_connect(
        self, client: Client, link: Link, _flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if link.ended:
            return
        if code.is_failure:
            self._end(link, refusals.of_connack(code.value))
            return
        maximum_packet = getattr(properties, "MaximumPacketSize", None)
        link.window = getattr(properties, "ReceiveMaximum", link.window)
        wanted = [(topic, LEAVES_DOWN[leaf]) for topic, leaf in self._leaves.items()]
        if self._mqtt5:
            client.subscribe([(topic, SubscribeOptions(qos=qos)) for topic, qos in wanted])
        else:
            client.subscribe(wanted)
        if self._link is not None:
            self._drop(self._link)
        self._link, self._attempt, link.up = link, None, True
        self._post(PathUp(self._path.name, maximum_packet))

    def _on_subscribe(
        self, _client: Client, link: Link, _mid: int, codes: list[ReasonCode], _properties: Properties | None
    ) -> None:
        if link.ended:
            return
        refused = [
            f"{leaf} (code 0x{code.value:02x})"
            for leaf, code in zip(self._leaves.values(), codes, strict=False)
            if code.is_failure or code.value < LEAVES_DOWN[leaf]
        ]
        detail = f"the broker does not let us listen to {', '.join(refused)}: check the ACL" if refused else ""
        self._post(Subscribed(self._path.name, bool(refused), detail))

    def _on_publish(
        self, client: Client, link: Link, mid: int, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if mid == link.farewell:
            self._farewell_taken.set()
        token = link.tokens.pop(mid, None)
        if token is None or link.ended:
            return
        if token:
            self._post(PubAck(self._path.name, token, code.value))
        if link.waiting:
            self._send(link, client, link.waiting.popleft())

    def _on_message(self, _client: Client, link: Link, message: MQTTMessage) -> None:
        leaf = self._leaves.get(message.topic)
        if link.ended or leaf is None or len(message.payload) > MAXIMUM_DOWN:
            self._dropped += 1
            if self._dropped.bit_count() == 1:  # the 1st, 2nd, 4th, 8th …: a flood does not fill the log
                self._log.warning(
                    "downlink_dropped", bytes=len(message.payload), known=leaf is not None, total=self._dropped
                )
            return
        self._post(Downlink(self._path.name, leaf, bytes(message.payload), message.retain))

    def _on_disconnect(
        self, _client: Client, link: Link, flags: DisconnectFlags, code: ReasonCode, _properties: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server and code.value == refusals.TAKEN_OVER and self._attempt is not None:
            self._end(link, Failure("the connection that is made beside it takes its place", refused=False))
        elif flags.is_disconnect_packet_from_server:
            self._end(link, refusals.of_disconnect(code.value))
        else:
            self._end(
                link, self._failure(link.cause.error or ConnectionError(_ENDED.get(code.value, "closed by the broker")))
            )
