"""The unit's decisions: `step(state, item, now) -> (state, effects)`.

Rules of this file: pure. One kind of item, one function; what several share is in `agent/turn.py`, what a part
decides by itself is in that part's file. Nothing here imports `agent/inference`: fall detection is handed in
(`with_falls`), and when it breaks, the plain threshold stands in. After every item, time is let pass for every part,
and light and sounder are set if they changed.

                    ┌ contacts ──► calls ┐
item, now ─► step ──┤ falls ─────► calls ├──► announce ──► outbox and delivery ──► effects
                    ├ supervision ► faults┘                        ▲
                    └ acks, PUBACKs, paths, storage ───────────────┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agent import (
    call_notes,
    calls,
    commands,
    contacts,
    falls,
    housekeeping,
    statistics,
    supervision,
    unclean_end,
    wearables,
)
from agent.assessment import FallDetection
from agent.calls import Calls
from agent.clock import Now
from agent.core_state import CoreState, Setup
from agent.downlink import Malformed, parse_ack
from agent.effects import Effect
from agent.events import EvictedRange, Fault, Online
from agent.ids import Entropy
from agent.readings import (
    Downlink,
    Edge,
    Evicted,
    Item,
    Level,
    LinkDown,
    LinkQuality,
    LinkUp,
    ModelState,
    MotionBatch,
    PathDown,
    PathUp,
    PubAck,
    Restored,
    Scored,
    ScoringFailed,
    ShadowScored,
    ShadowState,
    StorageTrouble,
    StorageWell,
    Stored,
    Subscribed,
    TechnicalPage,
    Tick,
)
from agent.sensors import debounce
from agent.sensors.debounce import ContactState
from agent.statistics import Statistics
from agent.supervision import Supervised
from agent.turn import Turn
from agent.uplink import delivery
from agent.uplink.envelope import rfc3339
from agent.wearing import StillnessWatch, Wearing

Step = tuple[CoreState, Sequence[Effect]]


@dataclass(frozen=True, slots=True)
class Ahead:
    """State and effects as they will be at `at` (monotonic seconds) if no contact moves until then."""

    at: float
    state: CoreState
    effects: Sequence[Effect]


def start(setup: Setup, restored: Restored, now: Now) -> Step:
    """Return the state of a unit that was just switched on, with what the last boot left in the outbox."""
    entropy = Entropy(setup.seed)
    names = tuple(path.name for path in setup.unit.uplink.paths)
    state = CoreState(
        setup=setup,
        entropy=entropy,
        boot_count=restored.boot_count,
        calls=Calls(setup.unit.pre_alarm.seconds),
        delivery=delivery.begin(names, setup.boot_id, Entropy(setup.seed[::-1]), restored.calls, now),
        statistics=Statistics(now.mono),
        contacts={name: ContactState() for name in setup.profile.contacts},
        supervised={name: Supervised(supervision.Phase.STARTING, now.mono) for name in setup.profile.sensors},
        wearing={name: Wearing() for name in setup.profile.wearables},
        started_at=now.mono,
        heartbeat_at=now.mono,
    )
    turn = Turn(state, now)
    unclean_end.begin(turn, restored.notes)
    _restore_calls(turn, restored)
    housekeeping.pass_time(turn)
    return turn.state, turn.effects


def with_falls(state: CoreState, detection: FallDetection) -> CoreState:
    """Hand the core its fall detection, as soon as it is loaded."""
    return replace(state, falls=detection)


def with_stillness(state: CoreState, watch: StillnessWatch) -> CoreState:
    """Hand the core what tells a sensor that nobody wears, as soon as it is loaded."""
    return replace(state, stillness=watch)


def without_falls(state: CoreState, reason: str, now: Now) -> Step:
    """Tell the core that fall detection can't be had: the plain threshold stays, and the fault is reported."""
    turn = Turn(state, now)
    falls.give_up(turn, reason)
    housekeeping.pass_time(turn)
    return turn.state, turn.effects


def step(state: CoreState, item: Item, now: Now) -> Step:
    """Return the state after `item` at `now`, and what is to be done, in order."""
    if isinstance(item, ShadowState | ShadowScored):
        return _shadow(state, item), ()
    turn = Turn(state, now)
    _take(turn, item)
    housekeeping.pass_time(turn)
    return turn.state, turn.effects


def _take(turn: Turn, item: Item) -> None:
    match item:
        case Edge() | Level():
            contacts.observe(turn, item)
            if isinstance(item, Level):
                _life(turn, item.sensor)
        case MotionBatch() | Scored() | ScoringFailed() | ModelState():
            _motion(turn, item)
        case LinkUp() | LinkDown() | LinkQuality():
            _link(turn, item)
        case PathUp() | PathDown() | Subscribed() | PubAck():
            _path(turn, item)
        case Downlink():
            _downlink(turn, item)
        case Stored() | StorageTrouble() | StorageWell() | TechnicalPage() | Evicted() | Restored():
            _storage(turn, item)
        case Tick():
            falls.take(turn, item)


def _shadow(state: CoreState, item: ShadowState | ShadowScored) -> CoreState:
    """Count what a model in the shadow says. Nothing else comes of it: no effect, and not even time passes."""
    if isinstance(item, ShadowState):
        return replace(state, shadow=item)
    return replace(state, statistics=statistics.compare(state.statistics, item))


def hands_ahead(state: CoreState, now: Now) -> Ahead | None:
    """Return what becomes of a contact whose debounce is running if it holds to its end; None if none is running.

    A pull is thought through while its debounce runs, so that nothing but sending is left to do when it ends.
    """
    configs = state.setup.profile.contacts
    due = [debounce.settles_at(known, configs[name]) for name, known in state.contacts.items()]
    at = min((moment for moment in due if moment is not None), default=None)
    if at is None:
        return None
    turn = Turn(state, replace(now, mono=at, wall=now.wall + at - now.mono))
    contacts.pass_time(turn)
    return Ahead(at, turn.state, turn.effects)


def next_deadline(state: CoreState, now: Now) -> float:
    """Return the monotonic second at which the next `Tick` is due; never more than a second away."""
    return housekeeping.next_deadline(state, now.mono)


# ---------------------------------------------------------------- motion and supervision


def _life(turn: Turn, sensor: str) -> None:
    known = turn.state.supervised.get(sensor)
    if known is not None:
        housekeeping.supervise(turn, sensor, supervision.saw_life(known, turn.now.mono))


def _motion(turn: Turn, item: MotionBatch | Scored | ScoringFailed | ModelState) -> None:
    if isinstance(item, MotionBatch):
        _life(turn, item.sensor)
    falls.take(turn, item)
    if isinstance(item, MotionBatch):
        wearables.take(turn, item)


def _link(turn: Turn, item: LinkUp | LinkDown | LinkQuality) -> None:
    known = turn.state.supervised.get(item.sensor)
    if known is None:
        return
    match item:
        case LinkUp():
            known = supervision.saw_link(known, up=True)
        case LinkDown():
            known = supervision.saw_link(known, up=False, detail=item.detail)
            turn.log("warning", "sensor_link_lost", sensor=item.sensor, detail=item.detail)
        case LinkQuality():
            weight = item.garbage_bytes + item.lost_samples * supervision.BYTES_PER_LOST_SAMPLE
            limits = turn.state.setup.limits_of(item.sensor)
            known = supervision.saw_garbage(known, limits, turn.now.mono, weight)
    housekeeping.supervise(turn, item.sensor, known)


# ---------------------------------------------------------------- uplink


def _path(turn: Turn, item: PathUp | PathDown | Subscribed | PubAck) -> None:
    state, now = turn.state, turn.now
    if item.path not in state.delivery.paths:
        return
    match item:
        case PathUp(path, maximum_packet):
            turn.deliver(delivery.path_up(state.delivery, path, maximum_packet, now))
            turn.close_fault(Fault.UPLINK_LOST, path)
            birth = Online(online=True, path=path, boot_id=state.setup.boot_id, since=rfc3339(now.wall))
            topic = state.setup.topics.online(path)
            turn.publish(topic, birth.model_dump_json(), path=path, retain=True, content_type="application/json")
            turn.state = replace(turn.state, picture="", heartbeat_at=now.mono)
            turn.log("info", "path_up", path=path)
        case PathDown(path, detail, refused, beside):
            before = state.delivery.paths[path]
            turn.deliver(delivery.path_down(state.delivery, path, detail, now, refused=refused, beside=beside))
            if refused:
                turn.open_fault(Fault.UPLINK_REFUSED, path, detail)
            level = "warning" if before.is_up else ("debug" if before.detail == detail else "info")
            event = "path_not_renewed" if beside else "path_down"
            turn.log(level, event, path=path, detail=detail, refused=refused)
        case Subscribed(path, refused, detail):
            if refused:
                turn.open_fault(Fault.UPLINK_REFUSED, path, detail)
        case PubAck(path, token, code):
            turn.deliver(delivery.puback(state.delivery, path, token, code, now))


def _downlink(turn: Turn, item: Downlink) -> None:
    if item.leaf == "cmd":
        commands.take(turn, item)
        return
    if item.leaf != "ack":
        return
    ack = parse_ack(item.payload)
    if isinstance(ack, Malformed):
        turn.state = replace(turn.state, malformed=turn.state.malformed + 1)
        turn.log("warning", "ack_malformed", path=item.path, reason=ack.reason)
        return
    now = turn.now
    if ack.ack == "received":
        ids = frozenset((*ack.event_ids, *((ack.event_id,) if ack.event_id else ())))
        turn.deliver(delivery.received(turn.state.delivery, ids, item.path, now))
        return
    call_id = ack.call_id or ""
    if call_id not in turn.state.calls.by_id:
        turn.log("info", "ack_for_unknown_call", ack=ack.ack, call_id=call_id)
    elif ack.ack == "accepted":
        turn.carry_out(calls.accepted(turn.state.calls, call_id, now.mono))
    else:
        turn.carry_out(calls.closed(turn.state.calls, call_id, ack.outcome or "closed_by_centre"))


# ---------------------------------------------------------------- storage


def _restore_calls(turn: Turn, restored: Restored) -> None:
    """Take up the open and the unfinished calls of the last boot."""
    found = []
    for key, body in restored.notes.items():
        if key.startswith(call_notes.PREFIX):
            call = call_notes.from_note(body, turn.now, turn.state.setup.machine_boot)
            if call is None:
                turn.log("error", "call_note_unreadable", key=key)
            else:
                found.append(call)
    undelivered = frozenset(event.call_id for event in restored.calls if event.call_id is not None)
    found.sort(key=lambda call: call.first_at)
    turn.carry_out(calls.restore(turn.state.calls, found, undelivered, turn.now.mono))


def _storage(turn: Turn, item: Stored | StorageTrouble | StorageWell | TechnicalPage | Evicted | Restored) -> None:
    state, now = turn.state, turn.now
    match item:
        case Restored():
            # The outbox could not be read at start and can now: what it held goes on from here.
            turn.deliver(delivery.restored_late(state.delivery, item.calls, now))
            _restore_calls(turn, item)
            unclean_end.tell(turn, item.notes)
            turn.state = replace(turn.state, restored_late=item)
            falls.catch_up(turn)
        case Stored(event_ids):
            entries = state.delivery.calls.entries
            turn.events_safe([entries[known].event.call_id for known in event_ids if known in entries])
            after = delivery.stored(turn.state.delivery, frozenset(event_ids))
            turn.state = replace(turn.state, delivery=after)
        case StorageTrouble(detail, full):
            turn.state = replace(turn.state, storage=detail)
            turn.open_fault(Fault.STORAGE_FULL if full else Fault.STORAGE_FAILING, "outbox", detail)
            turn.deliver(delivery.storage_changed(turn.state.delivery, now, works=False))
        case StorageWell():
            turn.state = replace(turn.state, storage="ok")
            turn.deliver(delivery.storage_changed(turn.state.delivery, now, works=True))
            turn.close_fault(Fault.STORAGE_FAILING, "outbox")
            turn.close_fault(Fault.STORAGE_FULL, "outbox")
        case TechnicalPage(events, more):
            turn.deliver(delivery.page_came(state.delivery, events, now, more=more))
        case Evicted(first, last, count):
            known = state.evicted
            merged = EvictedRange(
                first=known.first if known else first, last=last, count=count + (known.count if known else 0)
            )
            turn.state = replace(turn.state, evicted=merged, evicted_at=now.mono)
            turn.open_fault(
                Fault.STORAGE_FULL, "outbox-limit", "technical events are being evicted: the outbox is full"
            )
