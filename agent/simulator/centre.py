"""`nodkald centre`: a reference response centre in the terminal, for integrators and for training technicians.

It connects to every broker path of a unit file, shows what the unit sends, and answers as the contract asks: `received`
for every copy of an event once it is stored in a journal (`--store`, by default `centre.jsonl` in the unit's
`state_dir`), `accepted` and `closed` when the operator says so. With `--no-ack` it only listens, and stores nothing.

Rules of this file: the shell around `centre_state.step`: one queue, one thread that owns the state; connections and
keys only put items in. Exit code 0 after SIGINT, SIGTERM or `q`; 2 for a wrong unit file or argument; 1 where the store
or the TLS files can't be used.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.clock import Now
from agent.config_files import DEFAULT_UNIT_FILE, load_unit
from agent.errors import ConfigError, StorageError
from agent.simulator import centre_jsonl, centre_screen, centre_view
from agent.simulator.centre_link import Link
from agent.simulator.centre_messages import EventSeen, Keep, KeepFailed, Kept, Operator, SendAck, Tick
from agent.simulator.centre_state import Centre, Policy, step
from agent.simulator.centre_store import Journal
from agent.uplink.topics import Topics

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from agent.config import UnitFile
    from agent.simulator.centre_messages import Effect, Item, Json, Note

TICK_S = 0.25
_KEYS = {"a": Operator("accept"), "c": Operator("close")}


class _Quit:
    """Someone asked the centre to end."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Describe the command line of `nodkald centre`."""
    parser.add_argument("--unit-file", type=Path, default=DEFAULT_UNIT_FILE, metavar="U", help="the unit to listen to")
    parser.add_argument("--no-ack", action="store_true", help="only listen: acknowledge nothing, store nothing")
    parser.add_argument(
        "--accept-after",
        type=float,
        metavar="S",
        help="accept a call S seconds after its first event (default: never)",
    )
    parser.add_argument(
        "--close-after",
        type=float,
        metavar="S",
        help="close a call S seconds after it was accepted (default: never)",
    )
    parser.add_argument("--jsonl", action="store_true", help="one JSON object a line for every message, no timeline")
    parser.add_argument(
        "--store", type=Path, metavar="FILE", help="journal of what was received (default: centre.jsonl in state_dir)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the centre until it is told to end; raises ConfigError, StorageError or UplinkError where it can't start."""
    if args.no_ack and (args.accept_after is not None or args.close_after is not None):
        raise ConfigError(["--no-ack acknowledges nothing; leave out --accept-after and --close-after"])
    unit = load_unit(args.unit_file).unit_file
    policy = Policy(
        root=Topics(unit.tenant, unit.unit_id).root,
        acknowledge=not args.no_ack,
        accept_after_s=args.accept_after,
        close_after_s=args.close_after,
    )
    journal = None if args.no_ack else Journal(args.store or unit.state_dir / "centre.jsonl", time.time())
    return _Shell(unit, policy, journal, jsonl=args.jsonl).run()


class _Shell:
    """Carries out what the state decides."""

    def __init__(self, unit: UnitFile, policy: Policy, journal: Journal | None, *, jsonl: bool) -> None:
        self._unit = unit
        self._policy = policy
        self._journal = journal
        self._jsonl = jsonl
        self._inbox: queue.SimpleQueue[Item | _Quit] = queue.SimpleQueue()
        self._links = {path.name: Link(path, policy.root, unit.unit_id, self._inbox.put) for path in unit.uplink.paths}
        self._on_terminal = not jsonl and sys.stdout.isatty() and sys.stdin.isatty()
        self._screen = centre_screen.Screen(live=self._on_terminal)
        self._state = Centre(policy)

    def run(self) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._inbox.put(_Quit()))
        with contextlib.ExitStack() as stack:
            if self._journal is not None:
                stack.callback(self._journal.close)
                for record in self._journal.records:
                    self._state, _ = step(self._state, Kept(record), _now())
            if self._on_terminal:
                stack.enter_context(centre_screen.keys(self._pressed))
            for link in self._links.values():
                stack.callback(link.stop)
                link.start()
            try:
                self._loop()
            except BrokenPipeError:  # whoever read our output has gone: so do we, without Python's complaint at exit
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0

    def _loop(self) -> None:
        while True:
            try:
                item = self._inbox.get(timeout=TICK_S)
            except queue.Empty:
                item = Tick()
            if isinstance(item, _Quit):
                return
            now = _now()
            self._state, effects = step(self._state, item, now)
            self._carry_out(effects, now)
            if self._on_terminal:
                calls = self._state.open_calls
                lines = [centre_view.open_call(call, now.mono, self._unit.language) for call in calls]
                self._screen.foot([*lines, centre_view.keys(len(calls), self._unit.language)])

    def _carry_out(self, effects: Iterable[Effect], now: Now) -> None:
        failed: set[str] = set()
        for effect in effects:
            if isinstance(effect, Keep):
                self._keep(effect, failed)
            elif isinstance(effect, SendAck):
                if effect.ack.get("event_id") not in failed:
                    self._acknowledge(effect, now)
            else:
                self._tell(effect, now)

    def _keep(self, effect: Keep, failed: set[str]) -> None:
        if self._journal is None:
            return
        try:
            self._journal.keep(effect.record)
        except StorageError as error:
            failed |= {effect.event_id} if effect.event_id else set()
            self._inbox.put(KeepFailed(effect.event_id, str(error)))

    def _acknowledge(self, effect: SendAck, now: Now) -> None:
        self._links[effect.path].send(effect.ack)
        if self._jsonl:
            _write(centre_jsonl.ack_as_json(effect.ack, f"{self._policy.root}/ack", effect.path))
        elif effect.ack["ack"] != "received":
            self._screen.line(centre_view.ack_line(effect.ack, now.wall, self._unit.language))

    def _tell(self, note: Note, now: Now) -> None:
        if self._jsonl:
            _write(centre_jsonl.as_json(note))
        elif not (
            isinstance(note, EventSeen) and "sequence" not in note.event
        ):  # heartbeat and state would drown the rest
            self._screen.line(centre_view.line(note, now.wall, self._unit.language))

    def _pressed(self, key: str) -> None:
        if key == "q":
            self._inbox.put(_Quit())
        elif key in _KEYS:
            self._inbox.put(_KEYS[key])


def _write(value: Json | dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False, separators=(",", ":")), flush=True)


def _now() -> Now:
    return Now(time.monotonic(), time.time())
