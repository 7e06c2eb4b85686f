"""A path whose look-up of the broker's name hung was left behind: when it returns after all, it disturbs nobody."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

from agent.readings import PathDown, PubAck
from tests.broker.paths import Path, topic
from tests.waiting import eventually

if TYPE_CHECKING:
    import pytest

    from tests.broker.mosquitto import Mosquitto

NAME = "localhost"


def test_a_look_up_that_returns_late_does_not_end_the_connection_that_took_its_place(
    broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, go_on = threading.Event(), threading.Event()
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:
        if host == NAME:
            hangs.set()
            assert go_on.wait(20)
        return real("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with Path(broker.port, host=NAME) as abandoned, Path(broker.port) as other:
        abandoned.mqtt.connect()
        assert hangs.wait(10)
        abandoned.mqtt.disconnect("its thread hung")
        other.up()
        go_on.set()
        eventually(lambda: abandoned.mqtt.busy_since() is None)
        other.publish(topic("tech"))
        other.inbox.wait(PubAck)
        assert not other.inbox.all(PathDown)
        assert "already connected" not in broker.log
