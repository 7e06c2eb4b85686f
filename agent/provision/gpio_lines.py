"""Whether the board's GPIO has the pins of a profile free, asked of the kernel without taking a line.

Rules of this file: the character device's own ioctls (linux/gpio.h, v2), read-only. A running nodkald holds its lines
as `lg` (lgpio's name), which is no fault.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agent.provision.refusal import Refused, refused_by_system

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.profiles import Profile

HEADER_LINES = 28
OWN_CONSUMER = "lg"

_GET_CHIPINFO = 0x8044B401
_GET_LINEINFO = 0xC100B405
_CHIP = struct.Struct("=32s32sI")
_LINE = struct.Struct("=32s32sIIQ160s16s")
_USED = 1


@dataclass(frozen=True, slots=True)
class Chip:
    """A GPIO controller: who uses which of its lines; the value is "" where its user gave no name."""

    label: str
    lines: int
    users: Mapping[int, str]


def header_chip(devices: Path = Path("/dev")) -> Chip:
    """Return the controller behind the 40-pin header. Raises Refused where there is none, or it may not be opened."""
    found = sorted(devices.glob("gpiochip*"))
    if not found:
        raise Refused(
            "Denne maskine har ingen GPIO (/dev/gpiochip0 findes ikke). Kør kommandoen på enhedens Raspberry Pi, "
            "eller vælg profilen simulated-home til øvelse.",
            "This machine has no GPIO (/dev/gpiochip0 does not exist). Run the command on the unit's Raspberry Pi, "
            "or choose the profile simulated-home for practice.",
        )
    try:
        chips = [_chip(path) for path in found]
    except OSError as error:
        raise refused_by_system(error, devices / "gpiochip0") from error
    # A Pi 4's header is pinctrl-bcm2711 and a Pi 5's pinctrl-rp1, whatever number the kernel gave it.
    return next((chip for chip in chips if chip.label.startswith("pinctrl-")), chips[0])


def refuse_wrong_pins(profile: Profile, chip: Chip) -> None:
    """Raise Refused if a pin of the profile is not there, or another program or driver has it."""
    pins = {name: contact.pin for name, contact in profile.contacts.items()}
    pins |= {"light": profile.light.pin, "sounder": profile.sounder.pin}
    for name, pin in pins.items():
        if pin >= chip.lines:
            raise Refused(
                f"Profilen sætter {name} på BCM {pin}, men {chip.label} har kun {chip.lines} ben. "
                "Vælg en anden profil.",
                f"The profile puts {name} on BCM {pin}, but {chip.label} has only {chip.lines} lines. "
                "Choose another profile.",
            )
        user = chip.users.get(pin, OWN_CONSUMER)
        if user != OWN_CONSUMER:
            raise Refused(
                f"Profilen sætter {name} på BCM {pin}, men det ben bruges af {user or 'en anden driver'}. Frigør det "
                "(se dtoverlay i /boot/firmware/config.txt), eller vælg en anden profil.",
                f"The profile puts {name} on BCM {pin}, but that pin is used by {user or 'another driver'}. "
                "Free it (see dtoverlay in /boot/firmware/config.txt), or choose another profile.",
            )


def _chip(path: Path) -> Chip:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        raw = fcntl.ioctl(fd, _GET_CHIPINFO, bytes(_CHIP.size))
        _, label, lines = _CHIP.unpack(raw)
        users: dict[int, str] = {}
        for offset in range(min(lines, HEADER_LINES)):
            asked = _LINE.pack(b"", b"", offset, 0, 0, b"", b"")
            _, consumer, _, _, flags, _, _ = _LINE.unpack(fcntl.ioctl(fd, _GET_LINEINFO, asked))
            if flags & _USED:
                users[offset] = _text(consumer)
    except OSError as error:
        if error.errno in (errno.ENOTTY, errno.EINVAL):  # not a GPIO controller, or a kernel before 5.10
            return Chip(path.name, 0, {})
        raise
    finally:
        os.close(fd)
    return Chip(_text(label), lines, users)


def _text(raw: bytes) -> str:
    return raw.split(b"\0", 1)[0].decode(errors="replace")
