"""What a broker trial breaks: brokers as docs/operations/mosquitto sets them up, the unit that uses them, the centre.

Rules of this file: real mosquitto, real unit process, and between them a `Proxy` only where the trial needs one.
A *way* is one path of the unit with the broker and the centre at its end. The centre comes back as fast as it can
(0.1 to 0.5 s), and its moments are known, so that its own absence is never blamed on the unit.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from agent.config import Tls
from agent.effects import Light
from agent.events import CallData, CloudEvent
from agent.uplink.tls import client_context
from tests.broker.mosquitto import HOST, OPERATIONS, Mosquitto, free_port, shipped_lines, tls_lines
from tests.broker.pki import Ca, Identity, make_ca
from tests.home import Home
from tests.trials.centre import WORDS, TimedCentre
from tests.trials.lights import Lights
from tests.trials.proxy import Proxy
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from agent.uplink.tls import ClientContext

NAMES = ("primary", "secondary")
SOON_S = 60.0
_PATH_CHANGES = {"path_up": True, "path_answers": True, "path_down": False, "path_silent": False}
"""What the unit logs of a path, and whether it counts as connected from there on."""


@dataclass(frozen=True)
class Pki:
    """Who may speak with whom: made once for a trial."""

    ca: Ca
    broker: Identity
    unit: Identity
    centre: Identity
    stranger: Ca
    """An authority that nobody here trusts, and its certificate for the broker's address."""
    stranger_broker: Identity

    @classmethod
    def make(cls, directory: Path) -> Pki:
        """Make everything below `directory`."""
        directory.mkdir()
        ca, stranger = make_ca(directory, "trial-ca"), make_ca(directory, "stranger")
        return cls(
            ca,
            ca.issue("broker", alt_names=f"IP:{HOST}"),
            ca.issue("u-test0001"),
            ca.issue("centre"),
            stranger,
            stranger.issue("broker", alt_names=f"IP:{HOST}"),
        )


class WatchedCentre(TimedCentre):
    """A `TimedCentre` with a lasting session; notes since when it listens, and which call each word was about."""

    def __init__(self, port: int, topic: str, *, tls: ClientContext | None) -> None:
        self.words: list[tuple[float, str, Light]] = []
        """(moment, event id or call id, word as a light)"""
        self.subscribed_at = self.lost_at = 0.0
        self._context = tls
        super().__init__(port, topic, tls=tls, lasting=True)
        self.subscribed_at = time.monotonic()
        self.client.on_subscribe = self._on_subscribe
        self.client.on_disconnect = self._on_disconnect
        self.client.on_connect_fail = self._on_connect_fail

    def say(self, leaf: str, body: Mapping[str, Any] | bytes) -> None:
        """Publish to the unit, and note about which call."""
        said = json.loads(body) if isinstance(body, bytes) else body
        if leaf == "ack" and said.get("ack") in WORDS:
            about = str(said.get("call_id") or said.get("event_id"))
            self.words.append((time.monotonic(), about, WORDS[said["ack"]]))
        super().say(leaf, body)

    def leave(self) -> None:
        """Go away; the session stays on the broker."""
        self.client.disconnect()
        self.client.loop_stop()
        self.client._reset_sockets(sockpair_only=True)  # paho leaves these open when its loop starts again
        self.lost_at = time.monotonic()

    def come_back(self) -> None:
        """Go on with the session, if the broker still has it."""
        self.client.reconnect()
        self.client.loop_start()

    def _on_subscribe(self, *_: object) -> None:
        self.subscribed_at = time.monotonic()

    def _on_disconnect(self, *_: object) -> None:
        self.lost_at = time.monotonic()

    def _on_connect_fail(self, *_: object) -> None:
        if self._context is not None and self._context.wrapped is not None:
            self._context.wrapped.close()  # paho leaves the socket of a failed handshake open


@dataclass
class Way:
    """One path of the unit, and what is at its end."""

    name: str
    directory: Path
    pki: Pki
    secure: bool
    changes: Mapping[str, str]
    """Lines of the broker's configuration that differ in this trial, by their first word."""
    port: int = field(default_factory=free_port)
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True)
        self.acl = self.directory / "acl"
        self.grant((OPERATIONS / "acl").read_text())
        self.broker = Mosquitto(self.directory / "mosquitto", *self.lines(), port=self.port)
        self.centre: WatchedCentre

    def lines(self, **changes: str) -> list[str]:
        """Return mosquitto.conf as it is shipped, but for ports, paths, and what this trial changes; "" takes out."""
        kept = shipped_lines()
        if self.secure:
            own = [*tls_lines(self.pki.ca, self.pki.broker), f"acl_file {self.acl}"]
        else:
            kept = [line for line in kept if not line.startswith(("tls_", "require_", "use_identity", "allow_"))]
            own = ["allow_anonymous true"]
        place = f"persistence_location {self.directory / 'mosquitto'}/"
        lines = [f"listener {self.port} {HOST}", *own, place, *kept]
        for word, line in {**self.changes, **changes}.items():
            lines = [known for known in lines if known.split()[0] != word] + ([f"{word} {line}"] if line else [])
        return lines

    def grant(self, rights: str) -> None:
        """Write the ACL file."""
        self.acl.write_text(rights)
        self.acl.chmod(0o600)

    def open(self) -> None:
        """Start the broker, and the centre at it."""
        self.broker.start()
        context = None
        if self.secure:
            own = self.pki.centre
            tls = Tls(ca=self.pki.ca.certificate, certificate=own.certificate, key=own.key)
            context = client_context(tls, check_time=True)
        self.centre = WatchedCentre(self.port, "nk/v1/aabenraa/#", tls=context)

    def close(self) -> None:
        """End both."""
        self.centre.close()
        self.broker.kill()

    def table(self) -> dict[str, object]:
        """Return the path's table for the unit file."""
        port = self.port if self.proxy is None else self.proxy.port
        if not self.secure:
            return {"port": port}
        unit = self.pki.unit
        return {"port": port, "tls": {"ca": self.pki.ca.certificate, "certificate": unit.certificate, "key": unit.key}}

    def served_again(self, broke_at: float, *, centre_was_cut: bool) -> float:
        """Return when this way, mended just now, leads to the centre again: the later of its two ends."""
        mended_at = time.monotonic()
        if not centre_was_cut:
            return mended_at
        eventually(lambda: self.centre.subscribed_at > max(broke_at, self.centre.lost_at), within=SOON_S)
        return max(mended_at, self.centre.subscribed_at)


class Site:
    """A unit with its ways, all running; use it in a `with`."""

    def __init__(
        self,
        directory: Path,
        pki: Pki,
        *,
        ways: int,
        secure: bool = True,
        proxied: bool = False,
        changes: Mapping[str, str] | None = None,
    ) -> None:
        directory.mkdir()
        self._stack = contextlib.ExitStack()
        self.ways = [Way(name, directory / name, pki, secure, changes or {}) for name in NAMES[:ways]]
        for way in self.ways:
            way.proxy = Proxy(way.port) if proxied else None
        self.home = Home(directory, *(way.table() for way in self.ways))
        self.lights = Lights(directory)

    def __enter__(self) -> Self:
        with self._stack:
            for way in self.ways:
                if way.proxy is not None:
                    self._stack.enter_context(way.proxy)
                self._stack.callback(way.broker.kill)
                way.open()
                self._stack.callback(way.close)
            self._stack.callback(self.home.__exit__, None, None, None)
            self.home.launch()
            eventually(lambda: self.home.logged("armed"), within=SOON_S, every=0.1)
            self._stack.enter_context(self.lights)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    # ------------------------------------------------------------ what came

    def events(self) -> dict[str, CloudEvent]:
        """Return every event that went through the outbox, by id, whichever centre has it."""
        seen = [event for way in self.ways for event in list(way.centre.seen) if event.id in way.centre.arrived]
        return {event.id: event for event in seen if event.sequence is not None}

    def raised(self, known: frozenset[str] = frozenset()) -> list[CloudEvent]:
        """Return each `call.raised` but the `known` ones, of hands or not, in the order in which the unit made them."""
        found = [e for e in self.events().values() if e.type.value.endswith("call.raised") and e.id not in known]
        return sorted(found, key=lambda event: event.sequence or "")

    def arrived(self, event_id: str) -> float:
        """Return when the first centre had it."""
        return min(way.centre.arrived[event_id] for way in self.ways if event_id in way.centre.arrived)

    def said(self, call_id: str) -> list[tuple[float, Light]]:
        """Return what the centres told the unit about one call, in order."""
        own = {call_id, *(event.id for event in self.raised() if call_of(event) == call_id)}
        return sorted(
            ((at, light) for way in self.ways for at, about, light in list(way.centre.words) if about in own),
            key=lambda entry: entry[0],
        )

    def active(self) -> Way:
        """Return the way on which the last event came."""
        found = max(self.raised(), key=lambda event: self.arrived(event.id), default=None)
        delivery = found.data.delivery if found is not None and isinstance(found.data, CallData) else None
        return next((way for way in self.ways if delivery is not None and way.name == delivery.path), self.ways[0])

    # ------------------------------------------------------------ what the unit says

    def path_changes(self) -> list[tuple[float, str, bool]]:
        """Return (monotonic seconds, path, whether it came up) of each change, as the unit's log has them."""
        offset = time.time() - time.monotonic()
        return sorted(
            (datetime.fromisoformat(line["timestamp"]).timestamp() - offset, line["path"], came)
            for event, came in _PATH_CHANGES.items()
            for line in self.home.logged(event)
        )

    def all_up(self) -> bool:
        """Whether every path is connected, as the unit sees it."""
        last = {path: up for _, path, up in self.path_changes()}
        return len(last) == len(self.ways) and all(last.values())

    def unconnected(self, since: float, until: float) -> list[tuple[float, float]]:
        """Return the times between `since` and `until` in which the unit had no path at all."""
        up: set[str] = set()
        found: list[tuple[float, float]] = []
        alone_since = since
        for at, path, came in [*self.path_changes(), (until, "", True)]:
            if came and not up and at > since:
                found.append((max(since, alone_since), min(at, until)))
            if path in up and not came and len(up) == 1:
                alone_since = at
            (up.add if came else up.discard)(path)
        return [(begin, end) for begin, end in found if end > begin]


def call_of(event: CloudEvent) -> str:
    """Return the id of the call that an event is about."""
    assert isinstance(event.data, CallData)
    return event.data.call_id
