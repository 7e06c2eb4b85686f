"""The centre's end of a broker, in a few lines of bare paho: what was published, and a way to publish."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.waiting import eventually

if TYPE_CHECKING:
    import ssl


class Listener:
    def __init__(
        self,
        port: int,
        topic: str = "#",
        *,
        client_id: str = "centre",
        tls: ssl.SSLContext | None = None,
        **connect: Any,
    ) -> None:
        self.messages: list[MQTTMessage] = []
        self.acks: dict[int, int] = {}
        self._subscribed = threading.Event()
        self._topic = topic
        self.client = Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe(self._topic, qos=1)
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        if tls is not None:
            self.client.tls_set_context(tls)
        self.client.connect("127.0.0.1", port, **connect)
        self.client.loop_start()
        assert self._subscribed.wait(10), "no SUBACK"

    def payloads(self, topic: str) -> list[bytes]:
        return [bytes(message.payload) for message in list(self.messages) if message.topic == topic]

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> int:
        """Publish, and return the broker's reason code."""
        mid = self.client.publish(topic, payload, qos=qos, retain=retain).mid
        eventually(lambda: mid in self.acks)
        return self.acks[mid]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, _client: Client, _userdata: Any, message: MQTTMessage) -> None:
        self.messages.append(message)

    def _on_publish(self, _client: Client, _userdata: Any, mid: int, code: Any, _properties: Any) -> None:
        self.acks[mid] = code.value
