"""A broker whose answers come late: an impatient attempt ends, a patient one gets there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agent.readings import PathDown, PathUp
from agent.uplink import mqtt
from tests.broker.mosquitto import tls_lines
from tests.broker.paths import Path, tls_table
from tests.trials.proxy import Proxy

if TYPE_CHECKING:
    from tests.broker.conftest import MakeBroker
    from tests.broker.pki import Ca, Identity

LATE_S = 0.6


@pytest.mark.parametrize("secure", [True, False])
def test_only_a_patient_attempt_reaches_a_slow_broker(
    make_broker: MakeBroker,
    ca: Ca,
    server_identity: Identity,
    unit_identity: Identity,
    monkeypatch: pytest.MonkeyPatch,
    secure: bool,  # noqa: FBT001 - a table's column
) -> None:
    monkeypatch.setattr(mqtt, "STEP_TIMEOUT_S", LATE_S / 2)
    monkeypatch.setattr(mqtt, "PATIENT_S", 10 * LATE_S)
    broker = make_broker(*(tls_lines(ca, server_identity) if secure else ()))
    tls: dict[str, Any] = {"tls": tls_table(ca, unit_identity)} if secure else {}
    with Proxy(broker.port) as proxy, Path(proxy.port, closing_s=0.1, keepalive_s=1, **tls) as path:
        proxy.delay_s = LATE_S
        path.mqtt.connect()
        assert path.inbox.wait(PathDown).detail.startswith("no answer")
        path.mqtt.connect(patient=True)
        path.inbox.wait(PathUp)
