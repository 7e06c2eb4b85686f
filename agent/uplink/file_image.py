"""The rows in an outbox's file and its write-ahead log, read from the bytes, however damaged both are.

Rules of this file: pure, bytes in and rows out, and no input is an error. Each page is read for itself: the pages that
would lead to it are not needed. Only leaves of tables count, and of those only rows that their page still points to;
`PRAGMA secure_delete` sees to it that no page keeps what was deleted. SQLite stops at the first wrong frame of a log;
here a wrong frame is left out alone, because what follows it may be a call. Each frame is checked from the checksum
that the one before it bears. Frames after the last commit are left out. Layout: sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator

PAGE = 4096
"""SQLite's page size since 3.12, which no outbox of ours changes."""

Value = int | float | bytes | None
Page = Callable[[int], bytes]
"""Returns the page of a number, counted from 1; anything else than `PAGE` bytes if there is none."""

_FILE_HEADER = 100
_LOG_HEADER = 32
_FRAME_HEADER = 24
_MAGIC = b"\x37\x7f\x06"
_BIG_ENDIAN_MAGIC = _MAGIC + b"\x83"
_LEAF = 0x0D
_MOST_INLINE = PAGE - 35
_LEAST_INLINE = (PAGE - 12) * 32 // 255 - 23
_MOST_PAYLOAD = 2**20
"""No event is larger: what says so is damaged, and may lead round in circles."""
_INT_BYTES = (0, 1, 2, 3, 4, 6, 8)


def committed_pages(log: bytes) -> dict[int, bytes]:
    """Return the newest whole and committed copy of each page in a write-ahead log.

    Frames of an earlier use of the log lie behind those of the present one: its salts, in the header, tell them apart.
    Where the header is damaged the first whole frame says which salts are the present ones.
    """
    kept: dict[int, bytes] = {}
    waiting: dict[int, bytes] = {}
    order = ">" if log[:4] == _BIG_ENDIAN_MAGIC else "<"
    is_a_log = len(log) >= _LOG_HEADER and log.startswith(_MAGIC)
    header_is_whole = is_a_log and log[24:32] == _checksum(order, bytes(8), log[:24])
    salts = log[16:24] if header_is_whole else None
    before = log[24:32]
    for at in range(_LOG_HEADER, len(log) - _FRAME_HEADER - PAGE + 1, _FRAME_HEADER + PAGE):
        header, page = log[at : at + _FRAME_HEADER], log[at + _FRAME_HEADER : at + _FRAME_HEADER + PAGE]
        number, size_after_commit = struct.unpack_from(">II", header)
        known = salts is None or header[8:16] == salts
        if known and number and _checksum(order, before, header[:8] + page) == header[16:24]:
            salts = header[8:16]
            waiting[number] = page
            if size_after_commit:
                kept.update(waiting)
                waiting = {}
        before = header[16:24]
    return kept


def rows(page_of: Page, number: int) -> Iterator[list[Value] | None]:
    """Give the rows of page `number` if it is a leaf of a table; text as bytes, None for a row that can't be read."""
    page = page_of(number)
    start = _FILE_HEADER if number == 1 else 0
    if len(page) != PAGE or page[start] != _LEAF:
        return
    (count,) = struct.unpack_from(">H", page, start + 3)
    for cell in range(min(count, (PAGE - start - 8) // 2)):
        (at,) = struct.unpack_from(">H", page, start + 8 + 2 * cell)
        try:
            yield _record(_payload(page_of, page, at))
        except (ValueError, IndexError, struct.error):
            yield None


def _payload(page_of: Page, page: bytes, at: int) -> bytes:
    size, at = _varint(page, at)
    _, at = _varint(page, at)
    inline = size
    if size > _MOST_PAYLOAD:
        raise ValueError("it is larger than any row of ours")
    if size > _MOST_INLINE:
        inline = _LEAST_INLINE + (size - _LEAST_INLINE) % (PAGE - 4)
        inline = inline if inline <= _MOST_INLINE else _LEAST_INLINE
    payload = bytearray(page[at : at + inline])
    if inline < size:
        (following,) = struct.unpack_from(">I", page, at + inline)
        while len(payload) < size:
            more = page_of(following)
            if len(more) != PAGE:
                raise ValueError("its pages end too soon")
            payload += more[4 : 4 + size - len(payload)]
            (following,) = struct.unpack_from(">I", more)
    if len(payload) != size:
        raise ValueError("it goes over the end of its page")
    return bytes(payload)


def _record(payload: bytes) -> list[Value]:
    header_size, at = _varint(payload, 0)
    body, values = header_size, list[Value]()
    while at < header_size:
        kind, at = _varint(payload, at)
        size = 8 if kind == 7 else _INT_BYTES[kind] if kind < 7 else 0 if kind < 12 else (kind - 12) // 2
        raw = payload[body : body + size]
        if len(raw) != size:
            raise ValueError("it ends too soon")
        values.append(_value(kind, raw))
        body += size
    return values


def _value(kind: int, raw: bytes) -> Value:
    if kind == 0:
        return None
    if kind == 7:
        number: float = struct.unpack(">d", raw)[0]
        return number
    if kind >= 12:
        return raw
    return int.from_bytes(raw, signed=True) if raw else kind - 8  # 8 and 9 are the numbers 0 and 1


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for used in range(8):
        value = value << 7 | data[at + used] & 0x7F
        if data[at + used] < 0x80:
            return value, at + used + 1
    return value << 8 | data[at + 8], at + 9


def _checksum(order: str, before: bytes, data: bytes) -> bytes:
    one, two = struct.unpack(">II", before)
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        one = (one + even + two) & 0xFFFFFFFF
        two = (two + odd + one) & 0xFFFFFFFF
    return struct.pack(">II", one, two)
