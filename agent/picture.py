"""The whole picture of a unit, for the retained `…/state`.

Rules of this file: pure; reads the core's state and changes nothing.
"""

from __future__ import annotations

from agent.clock import Now
from agent.core_state import CoreState
from agent.events import ModelPicture, OpenFault, PathState, QueueState, SensorState, StateData
from agent.uplink.envelope import rfc3339


def paint(state: CoreState, now: Now) -> StateData:
    """Return the picture at `now`."""
    setup = state.setup
    return StateData(
        boot_id=setup.boot_id,
        uptime_ms=int(now.mono * 1000),
        clock_synced=now.synced,
        version=setup.version,
        profile=setup.profile.name,
        simulated=setup.profile.simulated,
        walk_test=state.walk_test is not None,
        calls=tuple(call.call_id for call in state.calls.under_way() if call.is_open),
        sensors={name: _sensor(state, name, now) for name in setup.profile.sensors},
        paths={
            name: PathState(up=path.is_up, active=name == state.delivery.active, detail=path.detail)
            for name, path in state.delivery.paths.items()
        },
        queue=QueueState(
            calls=len(state.delivery.calls),
            technical=state.delivery.technical.unconfirmed or bool(state.delivery.technical.queue),
            evicted=(state.evicted.count if state.evicted else 0) + state.delivery.technical.lost,
            storage=state.storage,
        ),
        model=_model(state),
        malformed_messages=state.malformed,
        faults=tuple(
            OpenFault(fault=known.fault, sensor=known.subject, since=rfc3339(known.since), detail=known.detail)
            for known in state.faults.values()
        ),
    )


def what_changed(picture: StateData) -> str:
    """Return the picture without what changes by itself, for comparison."""
    steady = picture.model_copy(
        update={
            "uptime_ms": 0,
            "sensors": {
                name: sensor.model_copy(update={"last_sign_of_life_s": None})
                for name, sensor in picture.sensors.items()
            },
            "queue": picture.queue.model_copy(update={"technical": False}),
        }
    )
    return steady.model_dump_json()


def _sensor(state: CoreState, name: str, now: Now) -> SensorState:
    config = state.setup.profile.sensors[name]
    supervised = state.supervised[name]
    contact = state.contacts.get(name)
    wearing = state.wearing.get(name)
    age = None if supervised.last_life is None else round(now.mono - supervised.last_life, 1)
    return SensorState(
        type=config.type,
        room=state.setup.room_of(name),
        link=supervised.phase.value,
        last_sign_of_life_s=age,
        active=bool(contact and contact.pulled),
        worn=wearing.worn if wearing else None,
    )


def _model(state: CoreState) -> ModelPicture:
    known = next(iter(state.models.values()), None)
    if known is None:
        has_wearable = bool(state.setup.profile.wearables)
        return ModelPicture(
            name=None, sha256=None, failing=False, detail=state.no_falls_because.en if has_wearable else "no wearable"
        )
    return ModelPicture(name=known.name, sha256=known.sha256, failing=known.failing, detail=known.detail)
