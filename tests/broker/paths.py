"""A broker path under test: its configuration, its inbox, and the effects as the core would send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from agent.clock import ManualClock, Now
from agent.config import UnitFile
from agent.effects import Publish
from agent.readings import PathUp
from agent.system_clock import SystemClock
from agent.uplink.mqtt import MqttPath
from tests.inbox import Inbox

if TYPE_CHECKING:
    from agent.clock import Clock
    from tests.broker.pki import Ca, Identity

TENANT = "aabenraa"
WILL = b'{"online": false, "by": "will"}'
FAREWELL = b'{"online": false, "by": "us"}'


def topic(leaf: str, unit_id: str = "u-test0001") -> str:
    return f"nk/v1/{TENANT}/{unit_id}/{leaf}"


def tls_table(ca: Ca, identity: Identity | None = None) -> dict[str, str]:
    table = {"ca": str(ca.certificate)}
    return table if identity is None else {**table, "certificate": str(identity.certificate), "key": str(identity.key)}


class UnsyncedClock:
    """Real monotonic time, and a wall clock that was never set."""

    def __init__(self) -> None:
        self._clock = SystemClock()

    def now(self) -> Now:
        now = self._clock.now()
        return Now(now.mono, ManualClock().now().wall, synced=False)


class SyncedClock(UnsyncedClock):
    """Real monotonic time, and a wall clock that can be trusted, whatever machine the tests run on."""

    def now(self) -> Now:
        now = super().now()
        return Now(now.mono, now.wall, synced=True)


class LateClock(UnsyncedClock):
    """A clock that is not synchronised until it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.synced = False

    def now(self) -> Now:
        now = super().now()
        return Now(now.mono, now.wall, self.synced)


class Path:
    """An `MqttPath` with an inbox. Use it in a `with`: it ends with the block."""

    def __init__(
        self,
        port: int,
        *,
        unit_id: str = "u-test0001",
        synced: bool = True,
        host: str = "127.0.0.1",
        keepalive_s: int = 30,
        closing_s: float = 1.0,
        clock: Clock | None = None,
        **keys: Any,
    ) -> None:
        unit = UnitFile.model_validate(
            {
                "schema": 1,
                "tenant": TENANT,
                "unit_id": unit_id,
                "profile": "simulated-home",
                "uplink": {"paths": [{"name": "primary", "host": host, "port": port, **keys}]},
            }
        )
        # Copied in unchecked: a test can't wait for the shortest keepalive that a unit file may ask for.
        path = unit.uplink.paths[0].model_copy(update={"keepalive_s": keepalive_s})
        self.inbox = Inbox()
        self.mqtt = MqttPath(
            unit,
            path,
            will=(topic("online/primary", unit_id), WILL),
            subscriptions=[topic("ack", unit_id), topic("cmd", unit_id)],
            post=self.inbox.post,
            clock=clock or (SyncedClock() if synced else UnsyncedClock()),
        )
        self._closing_s = closing_s
        self._token = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.mqtt.close(FAREWELL, self._closing_s)

    def up(self) -> PathUp:
        """Connect, and wait until the broker took us."""
        before = len(self.inbox.all(PathUp))
        self.mqtt.connect()
        return self.inbox.wait(PathUp, before + 1)

    def publish(self, to: str, payload: bytes = b"{}", **keys: Any) -> int:
        """Publish with the next token, and return it."""
        self._token += 1
        self.mqtt.publish(Publish("primary", self._token, to, payload, **keys))
        return self._token
