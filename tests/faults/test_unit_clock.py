"""A whole unit whose wall clock is wrong, by libfaketime: 1970, 2038 and beyond, stepped by years, over TLS.

Needs Debian's package `libfaketime`. Monotonic time is left alone, as it is on a real machine. Whether the clock is
synchronised is what the kernel says; here a file stands in for it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.events import CallData
from tests.broker.mosquitto import HOST, tls_lines
from tests.broker.paths import tls_table
from tests.broker.pki import make_ca
from tests.broker.test_tls import LONG_AGO
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from agent.events import CloudEvent
    from tests.broker.conftest import MakeBroker
    from tests.broker.mosquitto import Mosquitto

CORD = "bathroom-cord"
NOON = "2026-11-21 12:00:00"


class Elsewhen(Home):
    """A home whose clock is set by `set_clock`, before and while it runs."""

    def __init__(self, directory: Path, *paths: object) -> None:
        super().__init__(directory, *paths)  # type: ignore[arg-type]  # as Home's own
        library = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)
        if library is None:
            pytest.skip("there is no libfaketime on this machine: install the package `libfaketime` to run this test")
        self._time = directory / "time"
        self._synced = directory / "synced"
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._time),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_DONT_RESET": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "UTC",
        }
        self.prelude = (
            "import pathlib; from agent import system_clock; system_clock.SYNC_READ_EVERY_S = 0.1; "
            f"system_clock.kernel_clock_synced = pathlib.Path({str(self._synced)!r}).exists"
        )

    def set_clock(self, wall: str, *, synced: bool) -> None:
        self._time.write_text(f"@{wall}\n")
        if synced:
            self._synced.touch()
        else:
            self._synced.unlink(missing_ok=True)


def call(event: CloudEvent) -> CallData:
    assert isinstance(event.data, CallData)
    return event.data


@pytest.mark.parametrize("wall", ["1970-01-01 00:00:10", "2038-01-19 03:14:00", "2106-02-07 06:28:00"])
def test_a_unit_calls_at_any_hour_of_history(tmp_path: Path, broker: Mosquitto, wall: str) -> None:
    home = Elsewhen(tmp_path, broker.port)
    home.set_clock(wall, synced=False)
    with Centre(broker.port) as centre, home:
        home.pull_and_release(CORD)
        raised = centre.wait("call.raised")
        assert raised.time.startswith(wall[:13].replace(" ", "T"))
        assert call(raised).clock_synced is False
        eventually(lambda: home.stored("call") == [])


def test_a_call_goes_on_while_the_clock_jumps_and_is_stamped_again_once(tmp_path: Path, broker: Mosquitto) -> None:
    home = Elsewhen(tmp_path, broker.port)
    home.prelude += "; from agent.uplink import call_lane; call_lane.ROUND_AFTER_S = call_lane.RESEND_FIRST_S = 1.0"
    home.set_clock("1970-01-01 00:00:10", synced=False)
    with Centre(broker.port, answers=False) as centre, home:
        home.pull_and_release(CORD)
        raised = centre.wait("call.raised")
        assert raised.time.startswith("1970-01-01T00:00:1")
        home.set_clock("2037-06-01 00:00:00", synced=False)  # some years on, and back: nobody knows the time yet
        home.pull_and_release(CORD)
        home.set_clock(NOON, synced=True)
        eventually(lambda: corrections(centre, raised.id)[-1:] != [None])
        home.set_clock("2027-11-21 12:00:00", synced=True)
        copies = len(centre.copies(raised.id))
        eventually(lambda: len(centre.copies(raised.id)) > copies)
        known = {c for c in corrections(centre, raised.id) if c}
        assert len(known) == 1
        assert known.pop().startswith(("2026-11-21T11:59:", "2026-11-21T12:00:0"))
        assert [call(event).repeat for event in centre.of("call.raised")] == [0, 1]
        uptimes = [call(event).uptime_ms for event in centre.of("call.raised")]
        assert uptimes[1] - uptimes[0] < 10_000, "by the clock sixty-seven years lie between them"


def corrections(centre: Centre, event_id: str) -> list[str | None]:
    found = (call(event).delivery for event in centre.copies(event_id))
    return [delivery.corrected_time if delivery else None for delivery in found]


def test_in_1970_every_certificate_is_from_the_future_and_the_call_goes_out(
    tmp_path: Path, make_broker: MakeBroker
) -> None:
    ca = make_ca(tmp_path, "ca")
    server = ca.issue("broker", alt_names=f"IP:{HOST}")
    unit = ca.issue("u-test0001")
    broker = make_broker(*tls_lines(ca, server), "require_certificate true", "use_identity_as_username true")
    home = Elsewhen(tmp_path, {"port": broker.port, "tls": tls_table(ca, unit)})
    home.set_clock("1970-01-01 00:00:10", synced=False)
    with home:
        eventually(lambda: home.logged("path_up"))
        assert "u'u-test0001'" in broker.log


def test_without_a_clock_a_wrong_ca_is_refused_and_with_one_an_expired_broker(
    tmp_path: Path, make_broker: MakeBroker
) -> None:
    ca, other = make_ca(tmp_path, "ca"), make_ca(tmp_path, "other")
    expired = tls_lines(ca, ca.issue("broker", alt_names=f"IP:{HOST}", valid=LONG_AGO))
    one, two = make_broker(*expired), make_broker(*expired)
    home = Elsewhen(tmp_path, {"port": one.port, "tls": tls_table(other)}, {"port": two.port, "tls": tls_table(ca)})
    home.set_clock("1970-01-01 00:00:10", synced=False)
    with home:
        eventually(lambda: home.logged("path_up"))
        assert [line["path"] for line in home.logged("path_up")] == ["secondary"]
        eventually(lambda: any("not in tls.ca" in line["detail"] for line in home.logged("path_down")))
        tomorrow = datetime.now(tz=UTC) + timedelta(days=1)  # within the life of the CA, which was made just now
        home.set_clock(f"{tomorrow:%Y-%m-%d %H:%M:%S}", synced=True)
        two.restart()
        eventually(lambda: any("has expired" in line["detail"] for line in home.logged("path_down")), within=20)
