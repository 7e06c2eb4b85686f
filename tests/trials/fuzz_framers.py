"""Ten million bytes of fuzz into every framer of `agent/sensors`, and a valid frame after each piece of it.

Rules of this file: framers are found by what they can do (`feed`, `waiting`), so a new one is fuzzed by itself; one
that has no line in `FRAMINGS` is a broken promise, because nobody could tell a valid frame of it. One framer lives
through all of its fuzz, as it would on a bad line for years. A promise that a framer breaks is a lie of the ledger.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import pkgutil
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import agent.sensors
from agent.sensors.wt901 import FRAME_BYTES, FrameId, Wt901Framer, encode_words

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.trials.ledger import Ledger

FUZZ_BYTES = 10_000_000
BLOCK_BYTES = 4096
MARKERS = 8
"""Valid frames after each block."""
FLAT_BYTES = 64 * 1024
"""What the interpreter itself may keep more or less of, between the first tenth of the fuzz and its end."""
TOLD = 20
"""A framer that breaks its promise this often has said enough."""


class Framer(Protocol):
    """What makes frames of bytes."""

    good_frames: int
    garbage_bytes: int

    @property
    def waiting(self) -> int:
        """Bytes kept for the next `feed`."""
        ...

    def feed(self, data: bytes) -> list[Any]:
        """Return the frames that `data` completes."""
        ...


@dataclass(frozen=True, slots=True)
class Framing:
    """How to speak to a framer."""

    frame: Callable[[random.Random], bytes]
    """Makes a valid frame, of any kind and with any values."""
    longest: int
    """Bytes of its longest frame; it may keep one fewer."""
    lost_after_garbage: int
    """Valid frames that a false one, begun in garbage, can cover at most: what the framer's own docstring allows."""


def wt901_frame(rng: random.Random) -> bytes:
    """Return a valid WT901 frame."""
    return encode_words(rng.choice(list(FrameId)), *(rng.randint(-32768, 32767) for _ in range(4)))


FRAMINGS: Mapping[type[Framer], Framing] = {Wt901Framer: Framing(wt901_frame, FRAME_BYTES, lost_after_garbage=1)}


def framers(ledger: Ledger, times: int, rng: random.Random, work: Path) -> str:
    """Fuzz every framer `times` times over with `FUZZ_BYTES` each."""
    del work
    said = []
    for kind in found():
        framing = FRAMINGS.get(kind)
        if framing is None:
            ledger.lies.append(f"{kind.__name__} was not fuzzed: give it a line in FRAMINGS of {__name__}")
            continue
        framer = kind()
        for _ in range(times):
            broken, grown = fuzz(framer, framing, rng, FUZZ_BYTES)
            ledger.lies += [f"{kind.__name__}: {promise}" for promise in broken]
            said.append(
                f"{kind.__name__}: {FUZZ_BYTES:,} bytes, {framer.good_frames:,} frames (of them 8 after every "
                f"{BLOCK_BYTES} bytes), {framer.garbage_bytes:,} bytes of garbage, memory {grown:+,} bytes"
            )
            print(said[-1])
    ledger.times = times
    return "; ".join(said)


def found() -> list[type[Framer]]:
    """Return every framer of `agent/sensors`."""
    kinds: list[type[Framer]] = []
    for module in pkgutil.iter_modules(agent.sensors.__path__, "agent.sensors."):
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__ == module.name and callable(getattr(kind, "feed", None)) and hasattr(kind, "waiting"):
                kinds.append(cast("type[Framer]", kind))
    return kinds


def fuzz(framer: Framer, framing: Framing, rng: random.Random, count: int) -> tuple[list[str], int]:
    """Feed `count` bytes of fuzz; return the promises that were broken, and by how many bytes memory grew meanwhile."""
    broken: list[str] = []
    fed = 0
    at_first: int | None = None
    tracemalloc.start()
    try:
        while fed < count and len(broken) < TOLD:
            block = _block(rng, framing)[: count - fed]
            broken += _block_fed(framer, framing, rng, block)
            fed += len(block)
            if at_first is None and fed >= count // 10:
                at_first = _traced()
        grown = _traced() - (at_first or 0)
    finally:
        tracemalloc.stop()
    if grown > FLAT_BYTES:
        broken.append(f"memory grew by {grown:,} bytes between the first tenth and the end of {fed:,}")
    return broken, grown


def _traced() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


def _block_fed(framer: Framer, framing: Framing, rng: random.Random, block: bytes) -> list[str]:
    """Feed a block and then valid frames, in chunks of any size; return the promises that were broken."""
    broken = []
    begun = framer.good_frames, framer.garbage_bytes, framer.waiting
    marker = _marker(framing, rng)
    ends: list[Any] = []
    for chunk in (*_chunks(rng, block), *_chunks(rng, marker * MARKERS)):
        try:
            ends = [*ends, *framer.feed(chunk)][-MARKERS:]
        except Exception as error:  # noqa: BLE001 - that none is raised is what is being tried
            broken.append(f"{error!r} on {chunk.hex()}")
        if framer.waiting >= framing.longest:
            broken.append(f"keeps {framer.waiting} bytes")
    wanted = type(framer)().feed(marker) * (MARKERS - framing.lost_after_garbage)
    if ends[-len(wanted) :] != wanted:
        broken.append(f"valid frames {marker.hex()} not found after a block that ended with {block[-64:].hex()}")
    good, garbage, waiting = (
        after - before
        for after, before in zip((framer.good_frames, framer.garbage_bytes, framer.waiting), begun, strict=True)
    )
    count = len(block) + len(marker) * MARKERS
    if not garbage + waiting <= count <= good * framing.longest + garbage + waiting:
        broken.append(f"{count} bytes became {good} frames, {garbage} bytes of garbage, and {waiting} that wait")
    return broken


def _marker(framing: Framing, rng: random.Random) -> bytes:
    """Return a valid frame in which no other can begin."""
    while True:
        frame = framing.frame(rng)
        if frame[0] not in frame[1:]:
            return frame


def _chunks(rng: random.Random, data: bytes) -> Iterator[bytes]:
    longest = rng.choice((1, 3, 20, 500, 5000))
    at = 0
    while at < len(data):
        size = rng.randint(1, longest)
        yield data[at : at + size]
        at += size


def _block(rng: random.Random, framing: Framing) -> bytes:
    """Return some `BLOCK_BYTES` of one kind of fuzz, or of several in turn."""
    kinds = (_random, _mutated, _spliced, _headers, _beginnings)
    if rng.random() < 0.5:
        return rng.choice(kinds)(rng, framing, BLOCK_BYTES)
    pieces = bytearray()
    while len(pieces) < BLOCK_BYTES:
        pieces += rng.choice(kinds)(rng, framing, rng.randint(1, 400))
    return bytes(pieces)


def _random(rng: random.Random, framing: Framing, count: int) -> bytes:
    del framing
    return rng.randbytes(count)


def _mutated(rng: random.Random, framing: Framing, count: int) -> bytes:
    stream = bytearray()
    while len(stream) < count:
        stream += framing.frame(rng)
    for _ in range(rng.randint(1, 1 + count // 20)):
        at = rng.randrange(len(stream))
        match rng.randrange(3):
            case 0:
                stream[at] ^= 1 << rng.randrange(8)
            case 1:
                stream[at] = rng.randrange(256)
            case _:
                stream[at:at] = rng.randbytes(rng.randint(1, 5))
    return bytes(stream)


def _spliced(rng: random.Random, framing: Framing, count: int) -> bytes:
    stream = bytearray()
    while len(stream) < count:
        frame = framing.frame(rng)
        begin, end = sorted(rng.randint(0, len(frame)) for _ in range(2))
        stream += frame[begin:end] if rng.random() < 0.8 else frame
    return bytes(stream)


def _headers(rng: random.Random, framing: Framing, count: int) -> bytes:
    head = framing.frame(rng)[: rng.randint(1, 2)]
    return (head * count)[:count]


def _beginnings(rng: random.Random, framing: Framing, count: int) -> bytes:
    """Right beginnings with anything after them: what comes nearest to a false frame."""
    stream = bytearray()
    while len(stream) < count:
        frame = framing.frame(rng)
        kept = rng.randint(1, len(frame) - 1)
        stream += frame[:kept] + rng.randbytes(len(frame) - kept)
    return bytes(stream)
