"""The composition root: the only file that wires everything together, and the thread that owns all state.

Rules of this file: order of start is order of importance. First the outbox (quick, and without it no sequence), then
the cords: from there on a call is possible. Then uplink and indicators, and in a thread of its own everything that
takes long to load: the wearable and the model. No decision is made here; effects are handed to the worker that does
them.
"""

from __future__ import annotations

import fcntl
import os
import threading
import uuid
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

import agent
from agent import core, memory, unclean_end
from agent.arming import Arming
from agent.clock import Now
from agent.config_files import Unit
from agent.core_state import CoreState, Setup
from agent.effects import (
    Abandon,
    Connect,
    Effect,
    KeepWindow,
    Log,
    Publish,
    Restart,
    Score,
    Show,
)
from agent.errors import NodkaldError
from agent.events import Online
from agent.indicators import Indicators
from agent.loading import FallsLoaded, load_falls
from agent.mailbox import Mailbox
from agent.notify import notify
from agent.readings import Edge, Item, Level, LinkDown, LinkUp, ModelState, Restored, StorageTrouble, StorageWell, Tick
from agent.sensors.driver import Driver
from agent.sensors.gpio import ContactDriver, PinWatch
from agent.sensors.pins import Pins
from agent.sensors.registry import Wiring, make_driver
from agent.status.board import Board
from agent.status.socket import SOCKET_NAME, StatusSocket
from agent.system_clock import SystemClock, machine_boot
from agent.uplink.envelope import rfc3339
from agent.uplink.mqtt import MqttPath
from agent.uplink.storage import StorageEffect, StorageWorker
from agent.uplink.topics import LEAVES_DOWN
from agent.windows.start import Windows
from agent.workers import Worker, Workers

if TYPE_CHECKING:
    from agent.inference.worker import ModelWorker
    from agent.simulator.home import SimulatedHome
    from agent.simulator.socket import HomeSocket

log = structlog.get_logger()

AWAKE_S = 0.001
"""How long before the end of a debounce the core stops sleeping: a wake-up takes some tenths of a millisecond."""

_TO_DISK = 1
"""The place of what the storage worker does, among the effects of a step."""

STEP_FAILURES = 3
"""A core that fails this often in a row will not be right next time: the process ends, to be started anew."""


class AlreadyRunning(NodkaldError):  # noqa: N818 - says what is the case, and reads well where it is raised
    """Another agent uses the same runtime directory."""


class App:
    """A running unit."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._clock = SystemClock()
        self._mailbox = Mailbox()
        self._stopping = threading.Event()
        self._failures = 0
        self._boot_id = str(uuid.uuid4())
        self._started_wall = self._clock.now().wall
        unit_file, profile = unit.unit_file, unit.profile
        unit_file.runtime_dir.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(unit_file.runtime_dir / "agent.lock")
        self._setup = Setup(unit_file, profile, self._boot_id, machine_boot(), os.urandom(32), agent.__version__)
        self._pins = Pins(profile.pins, unit_file.runtime_dir)
        self._storage = StorageWorker(
            unit_file.state_dir / "outbox.db", unit_file.uplink.outbox_limit_mb * 1_000_000, self.post, self._clock
        )
        self._home: SimulatedHome | None = None
        self._home_socket: HomeSocket | None = None
        if profile.simulated:
            self._simulate()
        self._contacts = [self._driver(name) for name in profile.contacts]
        self._wearables: dict[str, Driver] = {}
        self._pinned = [driver for driver in self._contacts if isinstance(driver, ContactDriver)]
        self._pin_watch = PinWatch(self._pinned, self._clock)
        shown = self._home.shown if self._home else None
        self._indicators = Indicators(profile.light, profile.sounder, self._pins, self._clock, shown)
        self._paths = {path.name: self._path(path) for path in unit_file.uplink.paths}
        self._models: ModelWorker | None = None
        self._windows = Windows(unit_file, self._clock)
        self._board = Board(self._clock)
        self._status = StatusSocket(unit_file.runtime_dir / SOCKET_NAME, self._board.snapshot)
        self._workers = Workers()
        self._restored = Restored(boot_count=0)
        self._state: CoreState
        self._arming: Arming

    def post(self, item: Item) -> None:
        """Put an item into the mailbox: what every driver and worker is given."""
        self._mailbox.put(item)

    def stop(self) -> None:
        """Ask the unit to end cleanly. May be called from a signal handler or any thread."""
        self._stopping.set()
        self._mailbox.wake()

    def run(self) -> int:
        """Run until `stop`; return the exit code."""
        self._restored = restored = self._storage.load()
        self._state, effects = core.start(self._setup, restored, self._clock.now())
        for contact in self._contacts:
            contact.start()
        unit, profile = self._setup.unit.unit_id, self._setup.profile.name
        self._arming = Arming(self._pinned, unit=unit, profile=profile, boot=restored.boot_count)
        self._arming.tell()
        self._pin_watch.start()
        self._indicators.start()
        self._look_after_workers()
        self._carry_out(effects)
        self._status.start()
        threading.Thread(target=self._load_falls, name="loader", daemon=True).start()
        try:
            while not self._stopping.is_set():
                self._turn()
        finally:
            self._shut_down()
        return 0

    # ------------------------------------------------------------ the thread that owns all state

    def _turn(self) -> None:
        now = self._clock.now()
        self._workers.look(now.mono)
        ahead = self._think_ahead(now)
        item = self._next_item(core.next_deadline(self._state, now), ahead)
        now = self._clock.now()
        try:
            # An edge or level says that a contact moved, or may have: what was thought ahead is void.
            if ahead is not None and now.mono >= ahead.at and not isinstance(item, Edge | Level):
                self._state = ahead.state
                self._carry_out(ahead.effects)
            if isinstance(item, FallsLoaded):
                effects = self._take_falls(item)
            else:
                self._state, effects = core.step(self._state, Tick() if item is None else item, now)
        except Exception:
            self._failures += 1
            log.exception("core_failed", item=type(item).__name__, in_a_row=self._failures)
            if self._failures >= STEP_FAILURES:
                raise
            return
        self._failures = 0
        self._carry_out(effects)
        if isinstance(item, LinkUp | LinkDown):
            self._arming.tell()
        if isinstance(item, ModelState):
            memory.give_back()  # everything is loaded now

    def _next_item(self, due: float, ahead: core.Ahead | None) -> Item | None:
        """Wait until `due` for an item; for the end of a debounce wait awake, because a sleeper oversleeps."""
        if ahead is None or ahead.at > due:
            return self._mailbox.get(due - self._clock.now().mono)
        item = self._mailbox.get(ahead.at - AWAKE_S - self._clock.now().mono)
        while item is None and self._clock.now().mono < ahead.at and not self._stopping.is_set():
            item = self._mailbox.get(0)
        return item

    def _think_ahead(self, now: Now) -> core.Ahead | None:
        try:
            return core.hands_ahead(self._state, now)
        except Exception:  # the step itself comes to it in time, and is counted if it fails too
            log.exception("core_failed_ahead")
            return None

    def _take_falls(self, loaded: FallsLoaded) -> Any:
        if loaded.detection is None:
            self._state, effects = core.without_falls(self._state, loaded.reason, self._clock.now())
            return effects
        self._state = core.with_falls(self._state, loaded.detection)
        if loaded.stillness is not None:
            self._state = core.with_stillness(self._state, loaded.stillness)
        if loaded.models is not None:
            self._take_models(loaded.models)
        return loaded.effects

    def _carry_out(self, effects: Any) -> None:
        for place, together in groupby(sorted(effects, key=_place), _place):
            # What goes to the disk goes there in one transaction: no event without the note of its call.
            for effect in [tuple(together)] if place == _TO_DISK else together:
                try:
                    self._do(effect)
                except Exception:  # one effect that can't be done must not keep the others from being done
                    log.exception("effect_failed", effect=type(effect).__name__)
        self._board.show(self._state, effects)

    def _do(self, effect: Effect | tuple[StorageEffect, ...]) -> None:
        match effect:
            case Publish(path=path):
                self._paths[path].publish(effect)
                os.sched_yield()  # the kernel and a broker on this machine go before our own disk and log
            case tuple():
                self._storage.submit(*effect)
            case Show():
                self._indicators.show(effect)
            case Connect(path, patient):
                self._paths[path].connect(patient=patient)
            case Abandon(path):
                self._paths[path].abandon()
            case Score() if self._models is not None:
                self._models.submit(effect)
            case KeepWindow():
                self._windows.submit(effect)
            case Restart(reason):
                log.warning("restarting", reason=reason)
                self.stop()
            case Log(level, event, fields):
                getattr(log, level)(event, **fields)

    # ------------------------------------------------------------ workers that hang, and how each is mended in place

    def _look_after_workers(self) -> None:
        # The pins can't be mended from here: `Workers` stops pinging systemd, which starts the unit anew.
        self._workers.add("pins", Worker(self._pin_watch.busy_since, mend=lambda _: None))
        self._workers.add("storage", Worker(self._storage.busy_since, self._mend_storage, self._storage_works))
        for name, path in self._paths.items():
            self._workers.add(f"uplink:{name}", Worker(path.busy_since, partial(self._mend_path, name)))

    def _mend_storage(self, seconds: float) -> None:
        """Nothing is lost: the core keeps every event that it has no `Stored` for, and sends from memory."""
        self.post(StorageTrouble(f"the disk has not answered for {seconds:.0f} s", full=False))

    def _storage_works(self) -> None:
        self.post(StorageWell())

    def _mend_path(self, name: str, seconds: float) -> None:
        """A resolver that never returns holds the thread of an attempt: it is left behind, and the core tries again."""
        self._paths[name].disconnect("a thread hung, in the name look-up or the TLS library", hung_for_s=seconds)

    def _start_wearable(self, name: str) -> None:
        driver = self._wearables[name] = self._driver(name)
        self._workers.add(f"wearable:{name}", Worker(driver.busy_since, partial(self._mend_wearable, name)))
        driver.start()

    def _mend_wearable(self, name: str, _seconds: float) -> None:
        threading.Thread(target=self._wearables[name].stop, name=f"abandon-{name}", daemon=True).start()
        self._start_wearable(name)

    def _take_models(self, models: ModelWorker) -> None:
        self._models = models
        self._workers.add("model", Worker(models.busy_since, partial(self._mend_model, models)))
        if models.shadow is not None:
            self._workers.add("shadow", Worker(models.shadow.busy_since, models.shadow.give_up))

    def _mend_model(self, models: ModelWorker, seconds: float) -> None:
        for sensor in self._setup.profile.wearables:
            self.post(ModelState(sensor, failing=True, detail=f"the model has not answered for {seconds:.0f} s"))
        self._take_models(models.anew())

    # ------------------------------------------------------------ building

    def _driver(self, name: str) -> Driver:
        config = self._setup.profile.sensors[name]
        port = self._unit.port_of(name) if name in self._setup.profile.wearables else None
        return make_driver(Wiring(name, config, port, self._pins, self.post, self._clock))

    def _path(self, path: Any) -> MqttPath:
        topics = self._setup.topics
        return MqttPath(
            self._setup.unit,
            path,
            will=(topics.online(path.name), self._online(path.name, online=False)),
            subscriptions=[topics.up(leaf) for leaf in LEAVES_DOWN],
            post=self.post,
            clock=self._clock,
        )

    def _online(self, path: str, *, online: bool) -> bytes:
        since = rfc3339(self._started_wall)
        return Online(online=online, path=path, boot_id=self._boot_id, since=since).model_dump_json().encode()

    def _simulate(self) -> None:
        from agent.simulator.home import SimulatedHome  # noqa: PLC0415 - never loaded by a real unit
        from agent.simulator.socket import HomeSocket  # noqa: PLC0415 - never loaded by a real unit

        runtime_dir = self._unit.unit_file.runtime_dir
        self._home = SimulatedHome(self._unit.profile, runtime_dir, self._pins)
        self._home_socket = HomeSocket(self._home, runtime_dir / "sim.sock")
        self._home_socket.start()
        self._home.start()

    def _load_falls(self) -> None:
        """Start the wearables, then load what judges them: slow, and no cord waits for it."""
        self._windows.begin(self._workers)
        wearables = self._setup.profile.wearables
        if not wearables:
            return
        try:
            for name in wearables:
                self._start_wearable(name)
            loaded = load_falls(
                self._unit,
                self._restored.notes,
                self._clock,
                self.post,
                boot_id=self._boot_id,
                around=self._windows.around,
            )
        except Exception as error:
            log.exception("fall_detection_not_loaded")
            loaded = FallsLoaded(None, reason=f"fall detection can't be loaded: {type(error).__name__}: {error}")
        self._mailbox.put(loaded)  # type: ignore[arg-type]  # no item of the core's: `_turn` takes it out again

    # ------------------------------------------------------------ the end

    def _shut_down(self) -> None:
        notify("STOPPING=1")
        for driver in (*self._contacts, *self._wearables.values()):
            driver.stop()
        self._status.stop()
        self._pin_watch.stop()
        if self._models is not None:
            self._models.stop()
        self._windows.stop()
        for name, path in self._paths.items():
            path.close(self._online(name, online=False))
        self._storage.submit(unclean_end.clean_stop())
        if not self._storage.stop():
            log.error("storage_not_drained")
        self._indicators.stop()
        if self._home_socket is not None:
            self._home_socket.stop()
        if self._home is not None:
            self._home.stop()
        self._pins.close()
        self._lock.close()
        log.info("stopped")


def _place(effect: Effect) -> int:
    """Publishes first and log lines late, for disk and stream may block; what only a consent asks for comes last."""
    if isinstance(effect, Publish | StorageEffect):
        return 0 if isinstance(effect, Publish) else _TO_DISK
    return 3 if isinstance(effect, Log) else 4 if isinstance(effect, KeepWindow) else 2


def _lock(path: Path) -> Any:
    """Hold the runtime directory for this process; two agents would both claim the pins and both count boots."""
    handle = path.open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.close()
        raise AlreadyRunning(f"{path}: another agent is running with this runtime_dir; stop it first") from error
    return handle
