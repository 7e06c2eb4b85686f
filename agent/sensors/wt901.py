"""WitMotion WT901 frames, sans-I/O: bytes in, frames out, and the encoder that the simulator speaks with.

A frame is 11 bytes: `55`, an id, four int16 (little-endian), and the low byte of the sum of the first ten. The id says
what the words are: 51 acceleration (16 g full scale) and temperature, 52 angular rate, 53 angles, and so on.

Rules of this file:

- 0x55 is a common data byte and proves nothing: a frame counts only when header, id and sum all agree.
- What does not agree is dropped one byte at a time and counted, so whatever comes in leaves as a frame, as garbage, or
  waits as the last ten bytes at most: `11 * good_frames + garbage_bytes + waiting == bytes fed`.
- The sum is one byte, so foreign bytes can make a false frame (1 in 256 of those that have the header and an id).
  Therefore the promise about a valid frame after garbage is exactly this: it is found, unless a false frame that
  began before it covers its beginning. A false frame that begins in the garbage can cover only the first valid frame;
  later ones can only be covered by false frames that begin inside valid frames, on a data byte 0x55.
- The 20-byte `55 61` frames of the BLE 5 models have no sum at all: here they are garbage, on purpose.

Facts: two or more independent public parsers agree on layout, scale and sum. The temperature's scale is from memory,
and some firmware leaves that word unused, so nothing decides on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

HEADER = 0x55
FRAME_BYTES = 11
G_PER_BIT = 16 / 32768
DEG_C_PER_BIT = 1 / 100

_WORDS = Struct("<4h")


class FrameId(IntEnum):
    """What the four words of a frame are."""

    TIME = 0x50
    ACCELERATION = 0x51
    ANGULAR_RATE = 0x52
    ANGLE = 0x53
    MAGNETIC = 0x54
    PORT_STATUS = 0x55
    PRESSURE_HEIGHT = 0x56
    POSITION = 0x57
    GROUND_SPEED = 0x58
    QUATERNION = 0x59
    SATELLITES = 0x5A


_ID_OF = {int(member): member for member in FrameId}


@dataclass(frozen=True, slots=True)
class Acceleration:
    """Proper acceleration in g (-16 to just under 16), in the sensor's axes, and the temperature of its chip."""

    x: float
    y: float
    z: float
    temperature_c: float


@dataclass(frozen=True, slots=True)
class OtherFrame:
    """A valid frame that fall detection does not use, with its four raw int16 words."""

    frame_id: FrameId
    words: tuple[int, int, int, int]


Wt901Frame = Acceleration | OtherFrame


class Wt901Framer:
    """Makes frames of a stream of bytes that may begin, break and end anywhere. `feed` takes anything and never raises.

    `good_frames` and `garbage_bytes` only ever rise.
    """

    def __init__(self) -> None:
        self.good_frames = 0
        self.garbage_bytes = 0
        self._rest = b""

    @property
    def waiting(self) -> int:
        """Bytes kept for the next `feed`: at most ten, since eleven are a frame or begin with garbage."""
        return len(self._rest)

    def feed(self, data: bytes) -> list[Wt901Frame]:
        """Return the frames that `data` completes, oldest first."""
        buffer = self._rest + data
        frames: list[Wt901Frame] = []
        at = 0
        last_start = len(buffer) - FRAME_BYTES
        while at <= last_start:
            frame = _decode(buffer, at)
            if frame is None:
                # The first byte is garbage; so is everything up to the next byte that could be a header.
                following = buffer.find(HEADER, at + 1)
                following = len(buffer) if following < 0 else following
                self.garbage_bytes += following - at
                at = following
            else:
                frames.append(frame)
                at += FRAME_BYTES
        self.good_frames += len(frames)
        rest = buffer[at:]
        if rest and rest[0] != HEADER:  # can't become a frame: count it now, not when eleven bytes have come
            following = rest.find(HEADER)
            following = len(rest) if following < 0 else following
            self.garbage_bytes += following
            rest = rest[following:]
        self._rest = rest
        return frames


def _decode(buffer: bytes, at: int) -> Wt901Frame | None:
    """Return the frame in the eleven bytes from `at`, or None if they are not one."""
    frame_id = _ID_OF.get(buffer[at + 1])
    if buffer[at] != HEADER or frame_id is None:
        return None
    if sum(buffer[at : at + FRAME_BYTES - 1]) & 0xFF != buffer[at + FRAME_BYTES - 1]:
        return None
    words = _WORDS.unpack_from(buffer, at + 2)
    if frame_id is FrameId.ACCELERATION:
        x, y, z, temperature = words
        return Acceleration(x * G_PER_BIT, y * G_PER_BIT, z * G_PER_BIT, temperature * DEG_C_PER_BIT)
    return OtherFrame(frame_id, words)


def encode_acceleration(x: float, y: float, z: float, temperature_c: float = 25.0) -> bytes:
    """Return the frame a sensor sends for `x`, `y`, `z` in g; beyond 16 g it reads full scale, as the sensor does."""
    scaled = (x / G_PER_BIT, y / G_PER_BIT, z / G_PER_BIT, temperature_c / DEG_C_PER_BIT)
    return encode_words(FrameId.ACCELERATION, *(round(max(-32768.0, min(32767.0, word))) for word in scaled))


def encode_words(frame_id: FrameId, *words: int) -> bytes:
    """Return the frame with four raw int16 `words`."""
    body = bytes((HEADER, frame_id)) + _WORDS.pack(*words)
    return body + bytes((sum(body) & 0xFF,))
