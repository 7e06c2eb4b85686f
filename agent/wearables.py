"""Between the stillness watch and the faults: what the core does with a wearable that nobody wears.

Rules of this file: the watch is a guest. Whatever it raises, it is shown out and whether a sensor is worn is unknown;
falls and calls go on. Calls are looked at, never touched.
"""

from __future__ import annotations

from dataclasses import replace

from agent import wearing
from agent.readings import MotionBatch
from agent.turn import Turn
from agent.wearing import FAULT_OF, Wearing


def take(turn: Turn, batch: MotionBatch) -> None:
    """Show a batch of motion to the watch, and act on what it saw."""
    watch = turn.state.stillness
    if watch is None or batch.sensor not in turn.state.wearing:
        return
    try:
        watch, stretches = watch.step(batch)
    except Exception as error:  # noqa: BLE001 - a guest: what it can't see must not end what others can
        _give_up(turn, f"{type(error).__name__}: {error}")
        return
    turn.state = replace(turn.state, stillness=watch)
    for stretch in stretches:
        under_way = bool(turn.state.calls.of_sensor(stretch.sensor))
        limits = turn.state.setup.wearing_limits_of(stretch.sensor)
        known = turn.state.wearing[stretch.sensor]
        _become(turn, stretch.sensor, wearing.saw(known, stretch, limits, call_under_way=under_way))


def dropped(turn: Turn, sensor: str, at: float) -> None:
    """Note that fall detection saw the sensor itself fall."""
    known = turn.state.wearing.get(sensor)
    if known is not None:
        _become(turn, sensor, wearing.saw_drop(known, at))


def lost(turn: Turn, sensor: str) -> None:
    """Note that nothing readable comes from the sensor."""
    known = turn.state.wearing.get(sensor)
    if known is not None:
        _become(turn, sensor, wearing.lost(known))


def _become(turn: Turn, sensor: str, after: Wearing) -> None:
    before = turn.state.wearing[sensor]
    if after is before:
        return
    turn.state = replace(turn.state, wearing={**turn.state.wearing, sensor: after})
    if after.phase is not before.phase:
        turn.change_fault(FAULT_OF.get(before.phase), FAULT_OF.get(after.phase), sensor, wearing.describe(after))


def _give_up(turn: Turn, reason: str) -> None:
    turn.log("error", "stillness_watch_failed", detail=reason[:200])
    turn.state = replace(turn.state, stillness=None)
    for sensor in turn.state.wearing:
        _become(turn, sensor, Wearing())
