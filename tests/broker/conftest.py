"""Fixtures for tests against a real mosquitto; what they hand out is explained in the modules beside this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from tests.broker.mosquitto import Mosquitto, program
from tests.broker.pki import Ca, Identity, make_ca

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class MakeBroker(Protocol):
    def __call__(self, *lines: str, port: int | None = None) -> Mosquitto: ...


@pytest.fixture
def make_broker(tmp_path: Path) -> Iterator[MakeBroker]:
    """Start brokers with further lines of mosquitto.conf; they end with the test."""
    program()
    made: list[Mosquitto] = []

    def make(*lines: str, port: int | None = None) -> Mosquitto:
        made.append(Mosquitto(tmp_path / f"mosquitto-{len(made)}", *lines, port=port))
        return made[-1].start()

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def broker(make_broker: MakeBroker) -> Mosquitto:
    """A plain broker without persistence."""
    return make_broker()


@pytest.fixture(scope="session")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Ca:
    return make_ca(tmp_path_factory.mktemp("pki"), "test-ca")


@pytest.fixture(scope="session")
def server_identity(ca: Ca) -> Identity:
    """The broker's certificate, for 127.0.0.1 and not for localhost."""
    return ca.issue("broker", alt_names="IP:127.0.0.1")


@pytest.fixture(scope="session")
def unit_identity(ca: Ca) -> Identity:
    return ca.issue("u-test0001")
