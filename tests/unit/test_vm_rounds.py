"""A light that the unit never set is a misreading; one that it set is believed, and may be a lie."""

from __future__ import annotations

from agent.effects import Light
from tests.vm.rounds import MISREAD_S, _in_force

MEANT = [(10.0, Light.READY), (20.0, Light.SENDING), (21.0, Light.RECEIVED), (60.0, Light.READY)]


def test_what_is_in_force_is_what_was_set_before_and_around() -> None:
    assert _in_force(MEANT, 15.0) == {Light.READY}
    assert _in_force(MEANT, 20.5) == {Light.READY, Light.SENDING, Light.RECEIVED}
    assert _in_force(MEANT, 40.0) == {Light.RECEIVED}
    assert _in_force(MEANT, 60.0 - MISREAD_S / 2) == {Light.RECEIVED, Light.READY}
    assert _in_force(MEANT, 500.0) == {Light.READY}
