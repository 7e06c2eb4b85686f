"""Finds motion in bytes: whatever a unit wrote or sent is searched for samples of a known value.

    traces(file.read_bytes(), MARKER) == []      nothing of it is in there

Rules of this file: a sample is known by its three values in every form in which software writes numbers, also inside a
zlib stream and inside base64. `tests/unit/windows/test_motion_traces.py` shows that each of them is found.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib

Xyz = tuple[float, float, float]

MARKER: Xyz = (1277 / 2048, -855 / 2048, 1357 / 2048)
"""A posture (|a| is 1 g) that a WT901 at ±16 g says exactly, and that no text holds by chance."""

BINARY = {
    "doubles": "<3d",
    "big-endian doubles": ">3d",
    "floats": "<3f",
    "big-endian floats": ">3f",
}
WORDS = {"words of the sensor": "<3h", "big-endian words": ">3h"}
DECIMALS = range(4, 13)


def traces(content: bytes, marker: Xyz, *, inside: str = "") -> list[str]:
    """Return the forms in which `marker` stands in `content`."""
    found = [
        f"{inside}{form}"
        for form, needle in needles(marker).items()
        if needle in content or _in_base64(needle, content)
    ]
    texts = {axis: any(_text(value, n) in content for n in DECIMALS) for axis, value in enumerate(marker)}
    if sum(texts.values()) >= 2:  # one of them alone could be another number
        found.append(f"{inside}text")
    for place in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", content):
        unpacker = zlib.decompressobj()
        try:
            unpacked = unpacker.decompress(content[place.start() :], 10_000_000)
        except zlib.error:
            continue
        if unpacked and not inside:
            found += traces(unpacked, marker, inside="zlib: ")
    return found


def needles(marker: Xyz) -> dict[str, bytes]:
    """Return the marker in every binary form: as a whole row, and its first value alone where that is long enough."""
    rows = {form: struct.pack(layout, *marker) for form, layout in BINARY.items()}
    columns = {f"{form}, one axis": struct.pack(layout.replace("3", "1"), marker[0]) for form, layout in BINARY.items()}
    words = {form: struct.pack(layout, *(round(v * 2048) for v in marker)) for form, layout in WORDS.items()}
    return {**rows, **columns, **words}


def _text(value: float, decimals: int) -> bytes:
    return f"{value:.{decimals}f}".encode()


def _in_base64(needle: bytes, content: bytes) -> bool:
    """Whether `needle` stands in base64 text, at whichever of its three alignments."""
    for shift in range(3):
        coded = base64.b64encode(b"\0" * shift + needle)
        certain = coded[4 if shift else 0 : len(coded) // 4 * 4 - 4]  # the ends depend on the neighbours
        if len(certain) >= 8 and certain in content:
            return True
    return False
