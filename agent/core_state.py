"""The state of a unit, all of it, and what it is made of at start.

Rules of this file: data only; `agent/core.py` moves it. Everything is immutable, so a state can be kept, compared and
replayed from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.assessment import FallDetection
from agent.call_table import Origin
from agent.calls import Calls
from agent.config import Room, UnitFile
from agent.effects import Show
from agent.events import EvictedRange, Fault
from agent.health import OpenFault
from agent.ids import Entropy
from agent.profiles import Profile
from agent.readings import ModelState, Restored, ShadowState
from agent.second_look import Look
from agent.sensors.debounce import ContactState
from agent.statistics import Statistics
from agent.supervision import Limits, Supervised
from agent.texts import Text
from agent.uplink.delivery_state import Delivery
from agent.uplink.topics import Topics
from agent.walk_test import WalkTest
from agent.wearing import Limits as WearingLimits
from agent.wearing import StillnessWatch, Wearing

NOT_LOADED_YET = Text("faldvurderingen er ikke indlæst endnu", "fall detection is not loaded yet")
CONTACT_LIMITS = Limits(silent_after_s=10.0, garbled_above_bytes_per_minute=1)
"""A contact's level is read every second; ten missed readings are a dead pin."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What does not change while the process runs."""

    unit: UnitFile
    profile: Profile
    boot_id: str
    """This start of the process."""
    machine_boot: str
    """This start of the machine: within it, monotonic time goes on through a restart of the process."""
    seed: bytes
    version: str

    @property
    def topics(self) -> Topics:
        """The unit's topics."""
        return Topics(self.unit.tenant, self.unit.unit_id)

    def origin_of(self, sensor: str) -> Origin:
        """Return what a call of this sensor says about where it comes from."""
        contact = self.profile.contacts.get(sensor)
        if contact is None:
            return Origin("automatic", "fall", sensor, self.room_of(sensor))
        return Origin("manual", contact.type, sensor, self.room_of(sensor))

    def room_of(self, sensor: str) -> Room:
        """Return where a sensor hangs."""
        return self.unit.room_of(sensor, self.profile)

    def limits_of(self, sensor: str) -> Limits:
        """Return when silence and garbage of a sensor become faults."""
        wearable = self.profile.wearables.get(sensor)
        if wearable is None:
            return CONTACT_LIMITS
        return Limits(wearable.silent_after_s, wearable.garbled_above_bytes_per_minute)

    def wearing_limits_of(self, wearable: str) -> WearingLimits:
        """Return how long a wearable may rest before it is not worn."""
        config = self.profile.wearables[wearable]
        return WearingLimits(config.not_worn_after_s, config.not_worn_after_drop_s)


@dataclass(frozen=True, slots=True)
class CoreState:
    """One unit at one moment."""

    setup: Setup
    entropy: Entropy
    boot_count: int
    calls: Calls
    delivery: Delivery
    statistics: Statistics
    contacts: Mapping[str, ContactState]
    supervised: Mapping[str, Supervised]
    wearing: Mapping[str, Wearing]
    next_number: int = 1
    faults: Mapping[tuple[Fault, str | None], OpenFault] = field(default_factory=dict)
    falls: FallDetection | None = None
    """None until it is loaded, and after it broke: then the plain threshold stands in."""
    stillness: StillnessWatch | None = None
    """None until it is loaded, and after it broke: then whether a sensor is worn is unknown."""
    restored_late: Restored | None = None
    """What the disk answered only after the start, until fall detection has taken its part of it."""
    no_falls_because: Text = NOT_LOADED_YET
    looks: Mapping[str, Look] = field(default_factory=dict)
    """By sensor: the second look that is going on, or the last one. A restart ends it: nothing of it is kept."""
    plain_trigger_at: Mapping[str, float] = field(default_factory=dict)
    models: Mapping[str, ModelState] = field(default_factory=dict)
    shadow: ShadowState | None = None
    """The model that is tried beside the live one; read by the day's summary alone."""
    storage: str = "ok"
    evicted: EvictedRange | None = None
    evicted_at: float | None = None
    walk_test: WalkTest | None = None
    shown: Show | None = None
    silenced: bool = False
    malformed: int = 0
    commands_at: tuple[float, ...] = ()
    restart_wanted: bool = False
    started_at: float = 0.0
    heartbeat_at: float = 0.0
    picture: str = ""
    """The last published state without its times, to tell whether it changed."""
    picture_at: float = 0.0
