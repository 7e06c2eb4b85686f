"""`nodkald replay`: recorded motion through the same core, on a virtual clock, as fast as it goes.

Each file is a stretch of motion of its own; the files are played one after another into one unit, so its budget for
uncertain triggers goes on; calls end with their file. One JSON line for each trigger, one where the sensor is found
not worn and one where it is worn again, and one for each file, on standard output. A second look that makes a call of
an uncertain trigger gives that trigger another line, with `second_look`; what second looks add to calls stands in the
file's line, under `second_look`.

Rules of this file: it decides nothing. What it prints is what fall detection told the core; the core is stepped with
every batch, answer and tick, as on the unit. How the samples are cut into batches changes no result, so quiet motion
goes in large pieces.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

import agent
from agent import core, second_look
from agent.assessment import Assessed, FallDetection, Signal, Verdict
from agent.calls import Calls
from agent.clock import ManualClock, Now
from agent.config import BrokerPath, UnitFile, Uplink
from agent.config_files import load_profile
from agent.core_state import Setup
from agent.effects import Effect, Log, Score, StoreEvent
from agent.errors import ConfigError, ModelError, RecordingError
from agent.events import Fault
from agent.inference import detector
from agent.inference.cards import check_binding
from agent.inference.resample import GAP_S, Floats
from agent.inference.runner import Broken
from agent.inference.start import judged_by
from agent.inference.stillness import Stillness
from agent.inference.worker import Load, load_shipped
from agent.profiles import Profile, Wt901
from agent.readings import Item, ModelState, MotionBatch, Restored, Scored, ScoringFailed, Stored, Tick
from agent.recordings import HEADER, HIGHEST_RATE_HZ, LOWEST_RATE_HZ, read_recording
from agent.wearing import Phase

_QUIET_G = 1.2  # raw |a| under this makes no trigger, whatever the resampler adds
_QUIET_S, _BUSY_S = 300.0, 4.0
_PATIENCE_S = 10.0  # the model answers at once, but the clock jumps from batch to batch: its deadline must outlast one
_SETTLED_S = 15.0  # quiet for so long: no trigger is still under way
_PAUSE_S = 3.0  # between files: a gap, but no silent sensor
_RATE_MARGIN = 1.03
_USUAL_G = (0.3, 2.0)  # at rest the largest axis of three has 0.58 to 1 g
_ENOUGH = 100_000  # samples to see that: a day has millions

Scorer = Callable[[Any], float]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `nodkald replay`."""
    parser.add_argument("--profile", required=True, metavar="P", help="name of a shipped profile, or path of one")
    parser.add_argument("--sensor", required=True, metavar="S", help="the profile's wearable that the motion is from")
    parser.add_argument("--no-budget", action="store_true", help="uncertain triggers are suppressed without a limit")
    parser.add_argument("--jsonl", action="store_true", help="one JSON object a line (this is the only format)")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.csv", help=f"header {HEADER}, 18 to 200 Hz")


def run(args: argparse.Namespace) -> int:
    """Replay; return 0, or 1 if a file can't be read (the others are still played)."""
    profile = load_profile(args.profile)
    unit = Unit(profile, args.sensor, _wearable(profile, args.sensor), budget=not args.no_budget)
    code = 0
    for path in args.files:
        try:
            times, xyz = read_motion(path)
        except RecordingError as error:
            sys.stderr.write(f"{error}\n")
            code = 1
            continue
        sys.stderr.writelines(f"{path}: {doubt}\n" for doubt in _doubts(xyz))
        for line in unit.play(str(path), times, xyz):
            sys.stdout.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
        sys.stdout.flush()
    return code


def read_motion(path: Path) -> tuple[Floats, Floats]:
    """Return times and samples of a recording; RecordingError as `agent.recordings` words it.

    A sample that is no number is kept: fall detection leaves it out, as it would on the unit.
    """
    try:
        with path.open(encoding="utf-8-sig") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a file without samples: `read_recording` says it better
            header = file.readline().strip().replace(" ", "")
            table = np.loadtxt(file, delimiter=",", ndmin=2, dtype=np.float64, comments=None)
    except (OSError, ValueError):
        header, table = "", np.empty((0, 0))
    if header == HEADER and table.shape[1:] == (4,) and len(table) > 1 and _rate_is_known(table[:, 0]):
        return table[:, 0], table[:, 1:]
    samples = np.array(read_recording(path))  # says what is wrong, by file and line
    return samples[:, 0], samples[:, 1:]


def _rate_is_known(times: Floats) -> bool:
    steps = np.diff(times)
    if not (steps > 0).all():
        return False
    return LOWEST_RATE_HZ / _RATE_MARGIN <= 1 / float(np.median(steps)) <= HIGHEST_RATE_HZ * _RATE_MARGIN


def _doubts(xyz: Floats) -> Iterator[str]:
    """Yield what makes these look unlike a worn sensor's motion in g. They are judged all the same."""
    is_number = np.isfinite(xyz).all(axis=1)
    lost = len(xyz) - np.count_nonzero(is_number)
    if lost:
        yield f"{lost} of {len(xyz)} samples hold a value that is no number; they are left out"
    some = xyz[is_number][:: 1 + len(xyz) // _ENOUGH] if lost else xyz[:: 1 + len(xyz) // _ENOUGH]
    usual = float(np.median(np.abs(some).max(axis=1))) if len(some) else 1.0
    if not _USUAL_G[0] <= usual <= _USUAL_G[1]:
        yield f"the largest axis is {usual:.3g} in the median, and about 1 where it is in g: is it in another unit?"


def _wearable(profile: Profile, sensor: str) -> Wt901:
    wearable = profile.wearables.get(sensor)
    if wearable is None:
        there = ", ".join(sorted(profile.wearables)) or "none"
        raise ConfigError([f"profile {profile.name} has no wearable {sensor!r}; its wearables: {there}"])
    misplaced = [fault for fault in check_binding(profile) if "body_position" in fault]
    if misplaced:
        raise ConfigError(misplaced)
    return wearable


@dataclass(frozen=True, slots=True)
class _Listened:
    """Fall detection with somebody listening to what it tells the core."""

    detection: FallDetection
    heard: list[Assessed]

    def step(self, item: Item, now: Now) -> tuple[_Listened, Sequence[Signal | Effect]]:
        after, out = self.detection.step(item, now)
        self.heard.extend(signal for signal in out if isinstance(signal, Assessed))
        return _Listened(after, self.heard), out

    def next_deadline(self) -> float | None:
        return self.detection.next_deadline()


class Unit:
    """A unit on a virtual clock: nothing leaves it, and its disk and its model answer at once.

    `load` gives the model in place of the shipped one; threshold and trigger stay those of the shipped card.
    """

    def __init__(
        self, profile: Profile, sensor: str, wearable: Wt901, *, budget: bool, load: Load | None = None
    ) -> None:
        self._sensor, self._clock = sensor, ManualClock()
        self._heard: list[Assessed] = []
        self._wearing: list[tuple[float, Phase]] = []
        self._looks: list[Log] = []
        nowhere = Uplink(paths=(BrokerPath(name="nowhere", host="127.0.0.1", port=1),))
        unit_file = UnitFile(
            schema_version=1, tenant="replay", unit_id="u-replay", profile=profile.name, uplink=nowhere
        )
        setup = Setup(unit_file, profile, boot_id="replay", machine_boot="", seed=bytes(32), version=agent.__version__)
        patient = wearable.model_copy(update={"fall": wearable.fall.model_copy(update={"deadline_s": _PATIENCE_S})})
        detection, _ = detector.start(
            {sensor: judged_by(patient)}, None, self._clock.now(), id_prefix="replay.", budget=budget
        )
        state, effects = core.start(setup, Restored(boot_count=1), self._clock.now())
        self._state = core.with_stillness(core.with_falls(state, _Listened(detection, self._heard)), Stillness())
        self._carry_out(effects)
        self._model = self._load(wearable.fall.model, load or load_shipped)

    def play(self, name: str, times: Floats, xyz: Floats) -> Iterator[dict[str, Any]]:
        """Play one file from now on; yield its lines."""
        totals = {"triggers": 0, "calls": 0, "suppressed": 0}
        doubted: dict[str, tuple[float, Assessed]] = {}
        added = list[dict[str, Any]]()
        begun = self._clock.now().mono + _PAUSE_S
        for at_s, told in self.assess(times, xyz):
            yield from self._worn_or_not(name)
            totals["triggers"] += 1
            totals["calls" if told.assessment.verdict.is_call else "suppressed"] += 1
            if told.assessment.verdict is Verdict.UNCERTAIN:
                doubted[told.trigger_id] = at_s, told
            yield {"file": name, **_line(at_s, told)}
        yield from self._worn_or_not(name)
        for look in self.second_looks():
            seen = second_look.Seen(
                second_look.Phase(look.fields["phase"]), look.fields["seconds"], look.fields["posture_deg"]
            )
            at_s = round(look.fields["at"] - begun + float(times[0]), 3)
            raised = doubted.get(look.fields["raises"] or "")
            if raised is None:
                reason = second_look.reason(seen)
                added.append({"t_s": at_s, "phase": seen.phase.value, "reason": reason.en, "reason_da": reason.da})
                continue
            totals["calls"] += 1
            totals["suppressed"] -= 1
            again = replace(raised[1], assessment=second_look.weigh(raised[1].assessment, seen))
            yield {"file": name, **_line(raised[0], again), "second_look": {"t_s": at_s, "phase": seen.phase.value}}
        summary = {"duration_s": round(float(times[-1] - times[0]), 3), **totals}
        yield {"file": name, "summary": summary, **({"second_look": added} if added else {})}

    def assess(self, times: Floats, xyz: Floats) -> Iterator[tuple[float, Assessed]]:
        """Play one recording from now on; yield each trigger with its impact in seconds of the recording."""
        shift = self._clock.now().mono + _PAUSE_S - float(times[0])
        self._state = replace(self._state, calls=Calls(self._state.calls.pre_alarm_s))
        for start, stop in _batches(times, xyz):
            at = times[start:stop] + shift
            self._advance_to(float(at[-1]))
            before = self._state.wearing[self._sensor].phase
            self._step(MotionBatch(self._sensor, at, xyz[start:stop]))
            self._look_whether_worn(before, shift)
            yield from self._told(shift)
        self._clock.advance(2 * GAP_S)
        self._step(Tick())
        yield from self._told(shift)

    def second_looks(self) -> list[Log]:
        """Return what second looks have said since this was last asked; `raises` is the trigger that became a call."""
        said, self._looks = self._looks, []
        return said

    def _told(self, shift: float) -> list[tuple[float, Assessed]]:
        told = [(one.impact_at - shift, one) for one in self._heard]
        self._heard.clear()
        return told

    def _look_whether_worn(self, before: Phase, shift: float) -> None:
        after = self._state.wearing[self._sensor]
        if (before is Phase.NOT_WORN) is (after.phase is Phase.NOT_WORN):
            return
        at = after.still_until if after.phase is Phase.NOT_WORN else self._clock.now().mono
        self._wearing.append((at - shift, after.phase))

    def _worn_or_not(self, name: str) -> Iterator[dict[str, Any]]:
        for at_s, phase in self._wearing:
            begins = phase is Phase.NOT_WORN
            yield {"file": name, "t_s": round(at_s, 3), "fault": Fault.SENSOR_NOT_WORN.value, "begins": begins}
        self._wearing.clear()

    def _advance_to(self, mono: float) -> None:
        self._clock.advance(max(0.0, mono - self._clock.now().mono))

    def _step(self, item: Item) -> None:
        self._state, effects = core.step(self._state, item, self._clock.now())
        if self._state.falls is None:
            raise ModelError(
                f"fall detection broke: {self._state.no_falls_because.en}; please report it with the recording"
            )
        self._carry_out(effects)

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Score):
                self._step(self._answer(effect))
            elif isinstance(effect, StoreEvent):
                self._step(Stored((effect.event.event_id,)))
            elif isinstance(effect, Log) and effect.event == "second_look":
                self._looks.append(effect)

    def _load(self, name: str, load: Load) -> Scorer | None:
        try:
            card, model = load(name)
        except Broken as error:
            self._step(ModelState(self._sensor, failing=True, detail=str(error), name=name))
            sys.stderr.write(f"{error}\n")
            return None
        self._step(ModelState(self._sensor, failing=False, detail=model.runtime, name=card.label, sha256=card.sha256))
        return model.score

    def _answer(self, request: Score) -> Scored | ScoringFailed:
        try:
            if self._model is None:
                return ScoringFailed(request.trigger_id, "model_missing", "there is no model")
            return Scored(request.trigger_id, self._model(request.window), 0.0)
        except Broken as error:
            return ScoringFailed(request.trigger_id, error.code.value, str(error))


def _line(at_s: float, told: Assessed) -> dict[str, Any]:
    answer = told.assessment
    return {
        "t_s": round(at_s, 3),
        "peak_g": told.peak_g,
        "verdict": answer.verdict.value,
        "score": answer.score,
        "threshold": answer.threshold,
        "call": answer.verdict.is_call,
        "reasons": [reason.en for reason in answer.reasons],
        "reasons_da": [reason.da for reason in answer.reasons],
    }


def _batches(times: Floats, xyz: Floats) -> Iterator[tuple[int, int]]:
    """Cut a recording into batches: long ones where nothing can trigger, of 4 s where something may."""
    with np.errstate(over="ignore"):  # absurd values are left out later
        busy = times[(xyz * xyz).sum(axis=1) > _QUIET_G * _QUIET_G]
    start = 0
    while start < len(times):
        now = times[start]
        last_busy = np.searchsorted(busy, now, side="right") - 1
        settled = last_busy < 0 or now - busy[last_busy] > _SETTLED_S
        following = busy[last_busy + 1] if last_busy + 1 < len(busy) else np.inf
        until = min(following, now + _QUIET_S) if settled and following > now + _BUSY_S else now + _BUSY_S
        stop = max(start + 1, int(np.searchsorted(times, until)))
        yield start, stop
        start = stop
