"""Two paths: publishing goes on where the centre's `received` comes from, and comes back to the first without haste."""

from __future__ import annotations

import pytest

from agent.clock import Now
from agent.effects import Light
from agent.ids import Entropy
from agent.readings import PathDown, PubAck
from agent.uplink import delivery, paths
from agent.uplink.call_lane import ROUND_AFTER_S
from tests.home_bench import HomeBench
from tests.unit.uplink.events import event

TWO = ("primary", "secondary")


def ways(home: HomeBench, kind: str = "call.raised") -> list[str]:
    """Return the paths of all copies of one kind that reached a centre or its broker, in order."""
    return [e["data"]["delivery"]["path"] for e in home.centre if e["type"].endswith(kind)]


def with_a_dead_centre_behind_the_primary() -> HomeBench:
    home = HomeBench(TWO)
    home.advance(60.0)
    home.deaf.add("primary")
    home.centre.clear()
    return home


def test_a_centre_that_is_dead_behind_a_living_broker_is_passed_by() -> None:
    home = with_a_dead_centre_behind_the_primary()
    home.pull()
    home.advance(ROUND_AFTER_S + 0.1)
    assert ways(home) == ["primary", "secondary"]
    assert home.light is Light.RECEIVED
    home.centre.clear()
    home.pull("bedroom-button")
    assert ways(home) == ["secondary"], "and the next call does not wait 15 s again"
    assert home.state.delivery.paths["primary"].is_up, "though it stays connected and subscribed"


def test_technical_events_move_too_where_no_received_comes() -> None:
    home = with_a_dead_centre_behind_the_primary()
    home.fail_disk()
    home.mend_disk()
    assert set(ways(home, "tech.fault")) == {"primary"}
    home.advance(40.0)
    assert "secondary" in ways(home, "tech.fault")
    assert home.state.delivery.active == "secondary"
    assert not home.disk.events, "the centre has them all"


def test_the_primary_is_asked_with_copies_and_comes_back_when_its_centre_does() -> None:
    home = with_a_dead_centre_behind_the_primary()
    home.pull()
    home.advance(20.0)
    assert home.state.delivery.active == "secondary"
    for _ in range(3):  # it stays away: one copy in a minute, and the call itself never waits
        home.advance(paths.ASK_EVERY_S + 1)
        home.centre.clear()
        home.pull()
        assert ways(home) == ["secondary", "primary"]
        assert home.light is Light.RECEIVED
        home.pull()
        assert ways(home) == ["secondary", "primary", "secondary"]
    home.deaf.clear()
    home.advance(paths.ASK_EVERY_S + 1)
    home.pull()
    assert home.state.delivery.active == "secondary", "not at once"
    home.advance(paths.STEADY_AFTER_S - 2)
    assert home.state.delivery.active == "secondary"
    home.advance(5.0)
    assert home.state.delivery.active == "primary"
    home.centre.clear()
    home.pull()
    assert ways(home) == ["primary"]


def test_technical_events_alone_bring_the_primary_back() -> None:
    home = with_a_dead_centre_behind_the_primary()
    home.fail_disk()
    home.mend_disk()
    home.advance(120.0)
    home.deaf.clear()
    home.fail_disk()
    home.mend_disk()
    home.advance(paths.STEADY_AFTER_S + 2)
    assert home.state.delivery.active == "primary"


def test_an_ack_over_a_path_on_which_nothing_went_out_proves_nothing() -> None:
    """A centre that listens to both brokers answers on both; that says nothing about what it hears on the first."""
    home = with_a_dead_centre_behind_the_primary()
    home.pull()
    home.advance(20.0)
    home.centre.clear()
    home.pull()
    (raised,) = home.seen("call.raised")
    home.ack("received", event_ids=[raised["id"]], path="primary")
    assert home.state.delivery.paths["primary"].doubted


def test_where_no_centre_answers_each_path_has_its_turn() -> None:
    home = HomeBench(TWO)
    home.deaf.update(TWO)
    home.pull()
    home.advance(500.0)
    assert ways(home) == ["primary", "secondary", "primary", "secondary", "primary", "secondary"]
    home.centre.clear()
    home.deaf.discard("secondary")
    home.advance(600.0)
    home.advance(600.0)
    assert not len(home.state.delivery.calls)
    assert home.state.delivery.active == "secondary"


def test_a_broker_that_answers_after_ten_seconds_is_half_open_while_a_call_waits() -> None:
    home = HomeBench(TWO)
    home.auto = False
    home.pull()
    first = home.unanswered[-1]
    home.advance(5.2)
    assert ways(home)[-1] == "secondary"
    home.advance(5.0)
    home.step(PubAck(first.path, first.token, 0))  # too late: nobody waits for it
    raised = home.seen("call.raised")
    assert len(raised) == 1, "the same event on both"
    home.ack("received", event_ids=[raised[0]["id"]], path="secondary")
    assert not len(home.state.delivery.calls)


def test_a_slow_broker_is_left_alone_while_no_call_waits() -> None:
    home = HomeBench(TWO)
    home.auto = False
    home.fail_disk()
    home.advance(10.0)
    assert home.state.delivery.paths["primary"].is_up
    home.answer_broker()
    home.advance(15.0)
    assert home.state.delivery.paths["primary"].is_up


@pytest.mark.parametrize("up_for_s", [5.0, 20.0, 45.0])
def test_a_primary_that_flaps_draws_nothing_to_and_fro(up_for_s: float) -> None:
    home = HomeBench(TWO)
    home.advance(60.0)
    moves = 0
    before = home.state.delivery.active
    for _ in range(60):
        home.cut("primary")
        home.advance(5.0)
        moves += home.state.delivery.active != before
        before = home.state.delivery.active
        home.connect("primary")
        for _ in range(5):
            home.advance(up_for_s / 5)
            moves += home.state.delivery.active != before
            before = home.state.delivery.active
    assert moves <= 3, "each loss doubles how long it must hold"
    home.advance(paths.STEADY_CEILING_S + 60)
    assert home.state.delivery.active == "primary", "and once it holds, it is the first again"


def test_both_lines_down_and_whichever_comes_first_has_everything_in_order() -> None:
    home = HomeBench(TWO)
    home.cut("primary")
    home.cut("secondary")
    assert home.light is Light.LINE_DOWN
    for _ in range(5):
        home.pull()
    home.connect("secondary")
    assert ways(home) == ["secondary"] * 5
    raised = [e for e in home.centre if e["type"].endswith("call.raised")]
    assert [e["data"]["repeat"] for e in raised] == list(range(5))
    assert home.light is Light.RECEIVED
    home.connect("primary")
    assert ways(home) == ["secondary"] * 5, "what the centre has does not go out again"


def test_a_path_that_is_lost_in_the_very_step_takes_nothing_with_it() -> None:
    home = HomeBench(TWO)
    home.auto = False
    home.pull()
    home.advance(ROUND_AFTER_S)
    home.step(PathDown("primary", "lost"))
    home.step(PathDown("secondary", "lost"))
    assert home.state.delivery.active is None
    home.auto = True
    home.connect("primary")
    assert not len(home.state.delivery.calls)


def test_what_a_doubted_path_remembers_has_a_bound() -> None:
    made = delivery.begin(TWO, "boot-1", Entropy(bytes(32)), (), Now(0, 0))
    path = paths.doubt(paths.went_up(paths.connecting(made.paths["primary"], 0.0), 0.0, None), "first", 1.0)
    for number in range(1000):
        path = paths.ask(path, event(number).event_id, float(number))
    assert len(path.asked) == paths.ASKED
    assert paths.confirmed(path, frozenset({"first"}), 2000.0).doubted, "long forgotten"
    assert not paths.confirmed(path, frozenset({"tech-1-999"}), 2000.0).doubted
