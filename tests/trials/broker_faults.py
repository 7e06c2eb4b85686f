"""How a way is broken, and how it is mended: one context manager for each thing that a broker trial does to one.

Rules of this file: entering breaks, leaving mends, and both return at once but for the start of a broker.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.broker.raw_broker import CONNECT, RawBroker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.trials.broker_round import Breaks
    from tests.trials.broker_site import Way

NO_MQTT = ord("\x16") >> 4
"""The first byte of a TLS ClientHello, taken for the type of an MQTT packet."""


@contextmanager
def killed(way: Way) -> Iterator[None]:
    way.broker.kill()
    yield
    way.broker.start()


@contextmanager
def stopped(way: Way) -> Iterator[None]:
    way.broker.stop()
    yield
    way.broker.start()


@contextmanager
def restarted_while_the_centre_is_away(way: Way) -> Iterator[None]:
    """What the broker takes meanwhile, and acknowledges, waits for the centre on the broker alone."""
    way.centre.leave()
    yield
    way.broker.restart()
    way.centre.come_back()


@contextmanager
def frozen(way: Way) -> Iterator[None]:
    way.broker.freeze()
    yield
    way.broker.thaw()


@contextmanager
def swallowed(way: Way) -> Iterator[None]:
    assert way.proxy is not None
    way.proxy.swallows = True
    yield
    way.proxy.swallows = False


def slowed(delay_s: float) -> Breaks:
    @contextmanager
    def broken(way: Way) -> Iterator[None]:
        assert way.proxy is not None
        way.proxy.delay_s = delay_s
        yield
        way.proxy.delay_s = 0.0

    return broken


def answering(words: bytes) -> Breaks:
    @contextmanager
    def broken(way: Way) -> Iterator[None]:
        assert way.proxy is not None
        with RawBroker({CONNECT: words, NO_MQTT: words}) as other:
            way.proxy.lead_to(other.port)
            yield
            way.proxy.lead_to(way.port)

    return broken


def _reconfigured(way: Way, **changes: str) -> Iterator[None]:
    way.broker.stop()
    way.broker.configure(*way.lines(**changes))
    way.broker.start()
    yield
    way.broker.stop()
    way.broker.configure(*way.lines())
    way.broker.start()


@contextmanager
def trusting_another_ca(way: Way) -> Iterator[None]:
    yield from _reconfigured(way, cafile=str(way.pki.stranger.certificate))


@contextmanager
def with_a_strangers_certificate(way: Way) -> Iterator[None]:
    stranger = way.pki.stranger_broker
    yield from _reconfigured(way, certfile=str(stranger.certificate), keyfile=str(stranger.key))


@contextmanager
def wanting_a_password(way: Way) -> Iterator[None]:
    passwords = way.directory / "passwords"
    passwords.touch(mode=0o600)
    yield from _reconfigured(way, use_identity_as_username="false", password_file=str(passwords))


def limited(word: str, limit_bytes: int) -> Breaks:
    @contextmanager
    def broken(way: Way) -> Iterator[None]:
        yield from _reconfigured(way, **{word: str(limit_bytes)})

    return broken


def without(right: str) -> Breaks:
    @contextmanager
    def broken(way: Way) -> Iterator[None]:
        shipped = way.acl.read_text()
        way.grant("".join(line for line in shipped.splitlines(keepends=True) if not line.startswith(right)))
        way.broker.reload()
        yield
        way.grant(shipped)
        way.broker.reload()

    return broken
