"""The reference centre's connection to one broker path: a thin shell over paho-mqtt that reconnects for ever.

Rules of this file: paho's callbacks run on paho's thread and only put items into the centre's queue. The session is
persistent (seven days) under a client id of the centre's own for each path, so that what is published while the centre
restarts waits on the broker. The retained `online` and `state` come anew with each subscription.
"""

from __future__ import annotations

import json
import ssl
import sys
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.errors import UplinkError
from agent.simulator.centre_messages import LineDown, LineUp, Message
from agent.uplink.tls import client_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.config import BrokerPath, Tls
    from agent.simulator.centre_messages import Item, Json

SESSION_S = 7 * 86_400
_TAKEN_OVER = 142
_NOT_AUTHORISED = (134, 135)


class Link:
    """One path of the unit file, seen from the centre. `root` is `nk/v1/{tenant}/{unit_id}`."""

    def __init__(self, path: BrokerPath, root: str, unit_id: str, post: Callable[[Item], None]) -> None:
        self._path = path
        self._root = root
        self._post = post
        self._client_id = f"centre-{unit_id}-{path.name}"
        self._accepted = False
        self._v5 = path.protocol == "mqtt5"
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=None if self._v5 else False,
            protocol=mqtt.MQTTv5 if self._v5 else mqtt.MQTTv311,
        )
        self._client.on_connect = self._connected
        self._client.on_connect_fail = self._failed
        self._client.on_disconnect = self._disconnected
        self._client.on_subscribe = self._subscribed
        self._client.on_publish = self._published
        self._client.on_message = self._message
        # Quick where it costs nobody anything: what a unit sends to a broker that forgot us, before we are back, comes
        # again only after 15 s.
        delays = (0.1, 0.1) if path.is_loopback else (1.0, 5.0)
        self._client.reconnect_delay_set(*delays)  # type: ignore[arg-type]  # because paho says int and only waits for it
        if path.tls is not None:
            self._client.tls_set_context(_tls(path.name, path.tls))

    def start(self) -> None:
        """Begin to connect, on paho's own thread. An unreachable broker is a `LineDown`, not an error."""
        options: dict[str, Any] = {}
        if self._v5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # because paho's Properties has no annotations
            properties.SessionExpiryInterval = SESSION_S
            options = {"clean_start": False, "properties": properties}
        self._client.connect_async(self._path.host, self._path.port, self._path.keepalive_s, **options)
        self._client.loop_start()

    def send(self, ack: Json) -> None:
        """Publish an acknowledgement; without a connection it waits in memory, and the unit asks again anyway."""
        self._client.publish(f"{self._root}/ack", json.dumps(ack, separators=(",", ":")), qos=1)

    def stop(self) -> None:
        """Disconnect and end paho's thread; the broker keeps the session."""
        self._client.disconnect()
        self._client.loop_stop()

    # ------------------------------------------------------------ paho's callbacks, on its thread

    def _connected(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._accepted = not reason.is_failure
        if reason.is_failure:
            self._post(LineDown(self._path.name, self._refusal(reason)))
            return
        leaves = (f"{self._root}/+", f"{self._root}/online/+")
        if self._v5:  # noLocal: our own acknowledgements don't come back
            client.subscribe([(leaf, SubscribeOptions(qos=1, noLocal=True)) for leaf in leaves])
        else:
            client.subscribe([(leaf, 1) for leaf in leaves])

    def _subscribed(self, _client: Any, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        refused = any(reason.is_failure for reason in reasons)
        self._post(LineDown(self._path.name, self._not_allowed()) if refused else LineUp(self._path.name))

    def _published(self, _client: Any, _data: Any, _mid: int, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._post(LineDown(self._path.name, self._not_allowed()))

    def _failed(self, _client: Any, _data: Any) -> None:
        where = f"{self._path.host}:{self._path.port}"
        # paho calls this inside its `except OSError`, and hands us nothing: the error is the one being handled.
        self._post(LineDown(self._path.name, f"no connection to {where}: {sys.exception()}; trying again"))

    def _disconnected(self, _client: Any, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if not self._accepted:  # the end of a connection that was refused: that was told
            return
        if reason.value == _TAKEN_OVER:
            detail = f"another program took the client id {self._client_id}: is a second centre running?"
        else:
            detail = f"connection lost ({reason}); trying again"
        self._post(LineDown(self._path.name, detail))

    def _message(self, _client: Any, _data: Any, message: mqtt.MQTTMessage) -> None:
        self._post(Message(self._path.name, message.topic, bytes(message.payload), message.retain))

    def _not_allowed(self) -> str:
        return (
            f"the broker's ACL does not let us read {self._root}/… or write {self._root}/ack: "
            "a centre needs a user of its own, the unit's may do neither"
        )

    def _refusal(self, reason: Any) -> str:
        where = f"{self._path.host}:{self._path.port}"
        if reason.value in _NOT_AUTHORISED:
            return f"the broker at {where} refuses us ({reason}): check [tls] in the unit file, and the broker's users"
        return f"the broker at {where} refuses us ({reason}); trying again"


def _tls(name: str, tls: Tls) -> ssl.SSLContext:
    try:
        return client_context(tls, check_time=True)  # what the unit trusts, the centre trusts
    except UplinkError as error:
        raise UplinkError(f"path {name}: {error}") from None
