"""Visits a broker as a second client of the unit, and asks the response centre for one receipt.

Client id `{unit_id}-doctor.{path}`: brokers disconnect an older client of the same id, so the running unit's own
(`{unit_id}-{path}`) must never be used; a dot can't stand in a path's name. The rights are the unit's, because they go
by the certificate. Nothing lasting is left on the broker: clean start, no will, nothing retained.

The receipt: one `tech.test` on `…/tech`, answered by the centre's `received` on `…/ack`. Only that proves the whole
way, there and back. It is numbered 1 in a boot of its own (boot count 0, which no start of the unit has), so that the
centre sees no hole in `sequence`. A running unit hears that receipt, too, and ignores an id that is not its own.

Rules of this file: a thin probe with one deadline; what it means is `agent/doctor/broker.py`'s to say.
"""

from __future__ import annotations

import json
import os
import socket
import ssl
import time
import uuid
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from paho.mqtt.subscribeoptions import SubscribeOptions

from agent.effects import Publish
from agent.errors import UplinkError
from agent.events import EventType, TestData
from agent.ids import Entropy
from agent.uplink import refusals
from agent.uplink.envelope import copy_to_send, for_outbox, make_event, sequence
from agent.uplink.mqtt_link import Link, PublishProperties, make_client
from agent.uplink.tls import client_context
from agent.uplink.topics import Topics

if TYPE_CHECKING:
    from paho.mqtt.client import Client

    from agent.clock import Now
    from agent.config import BrokerPath, UnitFile

CONNECT_WITHIN_S = 3.0
WITHIN_S = 5.5
KEEPALIVE_S = 30
NO_SUBSCRIBER = 0x10
"""Reason code of a PUBACK (MQTT 5): the broker has it, and nobody has subscribed to it."""
DETAIL = "nodkald doctor asks for a receipt"


class Stage(StrEnum):
    """How far the visit came."""

    FILES = "files"
    NAME = "name"
    TCP = "tcp"
    TLS = "tls"
    LOGIN = "login"
    SENDING = "sending"
    RECEIPT = "receipt"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Visit:
    """What happened. `stage` is where it stopped, or DONE."""

    stage: Stage
    detail: str = ""
    refused: bool = False
    code: int | None = None
    """Reason code of the login (stage LOGIN) or of the publish (from SENDING on), where there was one."""
    login_s: float = 0.0
    receipt_s: float = 0.0


class _Guest:
    """One visit, driven by one thread."""

    def __init__(self, unit: UnitFile, path: BrokerPath, now: Now) -> None:
        self._path = path
        self._now = now
        self._topics = Topics(unit.tenant, unit.unit_id)
        self._client_id = f"{unit.unit_id}-doctor.{path.name}"
        self._boot_id = str(uuid.uuid4())
        self._began = time.monotonic()
        self._sent_at = 0.0
        self._event_id = ""
        self._over = False
        self.visit = Visit(Stage.FILES)

    def go(self) -> Visit:
        """Make the visit; never raises."""
        link = Link()
        client: Client | None = None
        try:
            client = self._arrive(link)
            while not self._over and self._left() > 0:
                if client.loop(min(0.1, self._left())) and not self._over:
                    raise link.cause.error or ConnectionError("closed by the broker")
            if client.is_connected():
                client.disconnect()
        except (OSError, UplinkError, UnicodeError) as error:
            cause = link.cause.error if isinstance(link.cause.error, OSError) else error
            failure = refusals.of_error(cause, self._path.host, self._path.port, CONNECT_WITHIN_S)
            self.visit = replace(
                self.visit, stage=_stage_of(cause, self.visit.stage), detail=failure.detail, refused=failure.refused
            )
        finally:
            link.release()
        return self.visit

    def _left(self) -> float:
        return WITHIN_S - (time.monotonic() - self._began)

    def _arrive(self, link: Link) -> Client:
        if self._path.tls is not None:
            link.context = client_context(self._path.tls, check_time=self._now.synced)
        self.visit = replace(self.visit, stage=Stage.TCP)
        client = make_client(self._client_id, link, will=None, mqtt5=self._mqtt5, lasting=False)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.connect_timeout = CONNECT_WITHIN_S
        if self._mqtt5:
            client.connect(self._path.host, self._path.port, KEEPALIVE_S, clean_start=True)
        else:
            client.connect(self._path.host, self._path.port, KEEPALIVE_S)
        self.visit = replace(self.visit, stage=Stage.LOGIN)
        return client

    def _end(self, **known: Any) -> None:
        self._over = True
        self.visit = replace(self.visit, **known)

    @property
    def _mqtt5(self) -> bool:
        return self._path.protocol == "mqtt5"

    def _on_connect(self, client: Client, _link: Link, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            failure = refusals.of_connack(code.value)
            self._end(detail=failure.detail, refused=failure.refused, code=code.value)
            return
        self.visit = replace(self.visit, stage=Stage.SENDING, login_s=time.monotonic() - self._began)
        topic = self._topics.up("ack")
        client.subscribe([(topic, SubscribeOptions(qos=1))] if self._mqtt5 else [(topic, 1)])

    def _on_subscribe(self, client: Client, _link: Link, _mid: int, codes: list[Any], _properties: Any) -> None:
        refused = [code.value for code in codes if code.is_failure]
        if refused:
            detail = f"the broker does not let us listen to ack (code 0x{refused[0]:02x})"
            self._end(detail=detail, refused=True, code=refused[0])
            return
        event_id, body = self._question()
        self._event_id, self._sent_at = event_id, time.monotonic()
        topic = self._topics.up("tech")
        properties = None
        if self._mqtt5:
            told = (("type", EventType.TECH_TEST.value), ("id", event_id), ("sequence", sequence(0, 1)))
            properties = PublishProperties(Publish(self._path.name, 0, topic, body, user_properties=told))
        client.publish(topic, body, qos=1, properties=properties)

    def _on_publish(self, _client: Client, _link: Link, _mid: int, code: Any, _properties: Any) -> None:
        self.visit = replace(self.visit, code=code.value)
        if code.is_failure:
            detail = f"the broker did not take a message on tech (code 0x{code.value:02x})"
            self._end(detail=detail, refused=True)
        elif code.value == NO_SUBSCRIBER:
            self._end(stage=Stage.RECEIPT)  # nobody can answer: it is not waited for
        elif self.visit.stage is Stage.SENDING:  # the receipt may overtake the PUBACK
            self.visit = replace(self.visit, stage=Stage.RECEIPT)

    def _on_message(self, _client: Client, _link: Link, message: Any) -> None:
        try:
            ack = json.loads(message.payload)
        except (ValueError, RecursionError):
            return
        if not isinstance(ack, dict) or ack.get("ack") != "received":
            return
        ids = ack.get("event_ids")
        if self._event_id in (ack.get("event_id"), *(ids if isinstance(ids, list) else ())):
            self._end(stage=Stage.DONE, receipt_s=time.monotonic() - self._sent_at)

    def _question(self) -> tuple[str, bytes]:
        """Return the id and the bytes of the test event."""
        now = self._now
        _, event_id = Entropy(os.urandom(32)).uuid7(now.wall)
        data = TestData(
            boot_id=self._boot_id, uptime_ms=int(now.mono * 1000), clock_synced=now.synced, ok=True, detail=DETAIL
        )
        made = make_event(self._topics, EventType.TECH_TEST, event_id, None, data, now, sequence(0, 1))
        event = for_outbox(self._topics, made, now, call_id=None)
        return event_id, copy_to_send(event, attempt=1, path=self._path.name, boot_id=self._boot_id, now=now)


def visit(unit: UnitFile, path: BrokerPath, now: Now) -> Visit:
    """Visit the broker of `path`, for `WITHIN_S` at most beside the resolver's own time."""
    return _Guest(unit, path, now).go()


def _stage_of(error: BaseException, reached: Stage) -> Stage:
    if isinstance(error, UplinkError):
        return Stage.FILES
    if isinstance(error, socket.gaierror | UnicodeError):
        return Stage.NAME
    return Stage.TLS if isinstance(error, ssl.SSLError) else reached
