"""A whole unit is upgraded, and downgraded, while a call waits in its outbox: the schema changes, and the call arrives.

The newer program is this one with a migration more, of the kinds that a real one will have: a column, an index, and
rows that are rewritten.
"""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING

import pytest

from agent.uplink import migrations
from agent.uplink.rescue import spare_of
from tests.home import Centre, Home
from tests.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from tests.broker.mosquitto import Mosquitto

CORD, BUTTON = "bathroom-cord", "bedroom-button"
MIGRATION = """
ALTER TABLE events ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;
UPDATE events SET urgency = 1 + is_call;
CREATE INDEX events_by_urgency ON events (urgency, sequence);
CREATE TABLE visits (started REAL NOT NULL, ended REAL) STRICT;
"""
_PROGRAM = "from agent.uplink import migrations\nknown = migrations.load()\nmigrations.load = lambda: {versions}"
FIRST_RELEASED = _PROGRAM.format(versions="known[:1]")
NEWER = _PROGRAM.format(versions=f"(*known, {MIGRATION!r})")
NEWER_VERSION = len(migrations.load()) + 1


def version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def leave_a_call_behind(home: Home, sensor: str, *, program: str, killed: bool) -> str:
    """Let this program store a call while no broker is there; return the event's id."""
    home.prelude = program
    with home:
        home.pull_and_release(sensor)
        eventually(lambda: home.logged("indication")[-1]["light"] == "line_down")
        eventually(lambda: len(home.stored("call.raised")) == 1)
        ((event_id, _),) = home.stored("call.raised")
        if killed:
            home.kill()
        else:
            assert home.stop() == 0
    return event_id


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_an_outbox_of_the_first_release_is_migrated_and_its_call_arrives(
    tmp_path: Path, broker: Mosquitto, *, killed: bool
) -> None:
    home = Home(tmp_path, broker.port)
    broker.stop()
    left = leave_a_call_behind(home, CORD, program=FIRST_RELEASED, killed=killed)
    assert version(home.outbox) == 1
    broker.start()
    home.prelude = NEWER
    with Centre(broker.port) as centre, home:
        raised = centre.wait("call.raised")
        assert raised.id == left
        eventually(lambda: home.stored("call.raised") == [])
        home.pull_and_release(BUTTON)
        after = centre.wait("call.raised", 2)
        assert (int((raised.sequence or "")[:8]), int((after.sequence or "")[:8])) == (1, 2), "boots are counted on"
        assert not [event for event in centre.of("tech.fault") if "storage" in str(event.data)]
        assert home.stop() == 0
    assert version(home.outbox) == NEWER_VERSION
    assert sorted(file.name for file in home.outbox.parent.iterdir()) == ["outbox.db"]


def test_an_older_program_delivers_what_a_newer_one_left_and_the_newer_one_goes_on(
    tmp_path: Path, broker: Mosquitto
) -> None:
    home = Home(tmp_path, broker.port)
    broker.stop()
    first = leave_a_call_behind(home, CORD, program=NEWER, killed=False)
    broker.start()
    home.prelude = ""
    with Centre(broker.port) as centre, home:  # the downgrade
        assert centre.wait("call.raised").id == first
        assert "install the newer nodkald again" in (getattr(centre.fault("storage.failing").data, "detail", "") or "")
        eventually(lambda: home.stored("call.raised", spare_of(home.outbox)) == [])  # stopped sooner, it is sent again
        assert home.stop() == 0
    assert version(home.outbox) == NEWER_VERSION, "the newer program's file is left as it is"
    broker.stop()
    home.prelude = ""
    with home:
        home.pull_and_release(BUTTON)
        eventually(lambda: home.logged("indication")[-1]["light"] == "line_down")
        assert home.stop() == 0
    broker.start()
    home.prelude = NEWER
    with Centre(broker.port) as centre, home:  # and upgraded again
        raised = centre.wait("call.raised")
        assert raised.subject == BUTTON
        eventually(lambda: home.stored("call.raised") == [])
        assert [event.subject for event in centre.of("call.raised")] == [BUTTON], "what was delivered is not sent again"
        assert home.stop() == 0
    assert sorted(file.name for file in home.outbox.parent.iterdir()) == ["outbox.db"]
