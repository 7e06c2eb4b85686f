"""Asks the kernel about GPIO lines: who holds them, and (of those that are free) their level.

Rules of this file: a thin probe, straight on the character device (linux/gpio.h, version 2 of its interface, Linux 5.10
and newer), because lgpio can't say who holds a line. A line is claimed as input for the moment of reading and given
back; outputs are never claimed. Which chip carries the 40-pin header is told by its label, as gpiozero tells it.
"""

from __future__ import annotations

import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER_CHIPS = ("pinctrl-bcm2", "pinctrl-rp1")
"""Labels of the chip behind the 40-pin header begin so: Pi 4 and older, Pi 5."""

Bias = Literal["up", "down", "none"]

_CONSUMER = b"nodkald-doctor"
_BIAS_FLAG: Mapping[Bias, int] = {"up": 1 << 8, "down": 1 << 9, "none": 1 << 10}
_USED, _INPUT = 1 << 0, 1 << 2

# struct gpiochip_info: name, label, lines. struct gpio_v2_line_info: name, consumer, offset, num_attrs, flags,
# attributes, padding. struct gpio_v2_line_request: 64 offsets, consumer, config (flags, …), num_lines, …, fd.
_CHIP_INFO = struct.Struct("=32s32sI")
_LINE_INFO = struct.Struct("=32s32sIIQ160s16s")
_LINE_REQUEST = struct.Struct("=I252s32sQ264sII20si")
_LINE_VALUES = struct.Struct("=QQ")


def _command(number: int, size: int, *, reads: bool = True, writes: bool = True) -> int:
    """Return the number of an ioctl of the GPIO device (asm-generic/ioctl.h, type 0xB4)."""
    return (reads << 31) | (writes << 30) | (size << 16) | (0xB4 << 8) | number


_GET_CHIPINFO = _command(0x01, _CHIP_INFO.size, writes=False)
_GET_LINEINFO = _command(0x05, _LINE_INFO.size)
_GET_LINE = _command(0x07, _LINE_REQUEST.size)
_GET_VALUES = _command(0x0E, _LINE_VALUES.size)


@dataclass(frozen=True, slots=True)
class Line:
    """One line: who holds it ("" where nobody does), and its level if it was free and could be read."""

    held_by: str = ""
    high: bool | None = None
    error: str = ""


def header_chip(devices: Path = Path("/dev")) -> Path:
    """Return the chip of the 40-pin header; the first chip where none has a label that we know. Raises OSError."""
    chips = sorted(devices.glob("gpiochip*"))
    for chip in chips:
        if _label(chip).startswith(HEADER_CHIPS):
            return chip
    return chips[0] if chips else devices / "gpiochip0"


def read_lines(chip: Path, lines: Mapping[int, Bias | None]) -> dict[int, Line]:
    """Return each line of `chip`; a bias of None asks only who holds it. Raises OSError if the chip can't be opened."""
    descriptor = os.open(chip, os.O_RDWR | os.O_CLOEXEC)
    try:
        return {offset: _line(descriptor, offset, bias) for offset, bias in lines.items()}
    finally:
        os.close(descriptor)


def _label(chip: Path) -> str:
    descriptor = os.open(chip, os.O_RDWR | os.O_CLOEXEC)
    try:
        answer = fcntl.ioctl(descriptor, _GET_CHIPINFO, bytes(_CHIP_INFO.size))
    finally:
        os.close(descriptor)
    return _text(_CHIP_INFO.unpack(answer)[1])


def _line(chip: int, offset: int, bias: Bias | None) -> Line:
    asked = _LINE_INFO.pack(b"", b"", offset, 0, 0, b"", b"")
    try:
        _, consumer, _, _, flags, _, _ = _LINE_INFO.unpack(fcntl.ioctl(chip, _GET_LINEINFO, asked))
        if flags & _USED:
            return Line(held_by=_text(consumer) or "the kernel")
        return Line() if bias is None else Line(high=_level(chip, offset, bias))
    except OSError as error:
        return Line(error=error.strerror or str(error))


def _level(chip: int, offset: int, bias: Bias) -> bool:
    request = _LINE_REQUEST.pack(offset, b"", _CONSUMER, _INPUT | _BIAS_FLAG[bias], b"", 1, 0, b"", 0)
    line = _LINE_REQUEST.unpack(fcntl.ioctl(chip, _GET_LINE, request))[-1]
    try:
        return bool(_LINE_VALUES.unpack(fcntl.ioctl(line, _GET_VALUES, _LINE_VALUES.pack(0, 1)))[0] & 1)
    finally:
        os.close(line)


def _text(name: bytes) -> str:
    return name.partition(b"\0")[0].decode(errors="replace")
