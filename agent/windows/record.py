"""A kept window as bytes: what is encrypted on the unit, and what the municipality finds when it opens one.

    {"format": "nodkald-window", "version": 1, ...}     one line of JSON: `Header`
    zlib stream                                         rows of t_s, ax_g, ay_g, az_g as little-endian doubles

Rules of this file: pure. Samples are what the sensor's driver handed in, to the last bit: not resampled, not filtered,
in the sensor's own axes. No name of a person, home or room; a field is added with a reason in
docs/operations/consent.md. Any bytes give a record or a RecordingError.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, ValidationError

from agent.effects import KeepWindow
from agent.errors import RecordingError
from agent.profiles import SensorName, Strict
from agent.recordings import Sample

LARGEST_HEADER = 65_536
LARGEST_MOTION = 4_000_000
"""Bytes, unpacked: ten times the longest window at 200 Hz. A file that claims to hold more is none of ours."""

_ROW = struct.Struct("<4d")


class HeaderTrigger(Strict):
    """A trigger in the window, and what became of it; None where no assessment came."""

    impact_at: float = Field(description="seconds, on the clock of the samples")
    peak_g: float = Field(description="the largest |a| on the 50 Hz grid")
    over_reference: bool = Field(description="whether a plain threshold sensor would have called")
    verdict: str | None = Field(default=None, description="confirmed, unverified, uncertain or false_alarm")
    score: float | None = Field(default=None, description="the model's answer, 0 to 1")
    threshold: float | None = Field(default=None, description="what it was held against")
    model: str | None = Field(default=None, description="name and version of the model")
    model_sha256: str | None = Field(default=None, description="hash of its file")


class Header(Strict):
    """What a kept window says about itself."""

    format: Literal["nodkald-window"] = Field(default="nodkald-window", description="that this is one")
    version: Literal[1] = Field(default=1, description="of this format")
    unit_id: str = Field(description="the unit's random id")
    consent: str = Field(description="the reference of the consent under which it was kept")
    sensor: SensorName = Field(description="the sensor's name in the profile")
    at: str = Field(description="when the first trigger was, UTC, to the second: what the centre's event is found by")
    software: str = Field(description="version of the software that kept it")
    samples: int = Field(ge=0, description="rows of motion that follow")
    triggers: tuple[HeaderTrigger, ...] = Field(min_length=1, description="oldest first")


@dataclass(frozen=True, slots=True)
class Record:
    """A kept window: its header, and its samples, oldest first."""

    header: Header
    samples: tuple[Sample, ...]


def samples_of(window: KeepWindow) -> tuple[Sample, ...]:
    """Return the window's samples out of its batches: each once, in the order of time."""
    cut = (
        (float(t), float(x), float(y), float(z))
        for batch in window.batches
        for t, (x, y, z) in zip(batch.times, batch.xyz_g, strict=True)
        if window.begin <= t <= window.end
    )
    return tuple(sorted({sample[0]: sample for sample in cut}.values()))


def encode(record: Record) -> bytes:
    """Return the record's bytes."""
    rows = b"".join(_ROW.pack(*sample) for sample in record.samples)
    return record.header.model_dump_json(exclude_none=True).encode() + b"\n" + zlib.compress(rows)


def decode(content: bytes) -> Record:
    """Return the record that these bytes are. Raises RecordingError where they are none."""
    line, found, packed = content.partition(b"\n")
    if not found or len(line) > LARGEST_HEADER:
        raise RecordingError("is no kept window: it does not begin with a line of JSON")
    try:
        header = Header.model_validate_json(line, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "header"
        raise RecordingError(f"is no kept window that this version can read ({where}: {first['msg']})") from error
    unpacker = zlib.decompressobj()
    try:
        rows = unpacker.decompress(packed, LARGEST_MOTION)
    except zlib.error as error:
        raise RecordingError(f"its motion is damaged ({error})") from error
    if not unpacker.eof or unpacker.unused_data or len(rows) != header.samples * _ROW.size:
        raise RecordingError("its motion is damaged (not as long as its header says)")
    return Record(header, tuple(_ROW.iter_unpack(rows)))
