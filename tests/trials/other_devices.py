"""What else comes over a wearable's line: five kinds of garbage, and what other devices say that end up on its port.

Rules of this file: bytes only. Garbage comes as fast as 115,200 baud carries it. The frames of other devices are those
of the vendors' documents, with right sums: a device that is in order and is not ours.
"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

from agent.sensors.wt901 import HEADER, encode_acceleration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.trials.line import Through

BYTES_PER_S = 11_520
FALL_FRAME = bytes.fromhex("01 00 00 00 01 0E 02 F3 01 FE")
"""Seeed MR60FDA2: somebody has fallen. In the language of another sensor, which this profile does not have."""
PRESENT_FRAME = bytes.fromhex("01 00 00 00 01 0F 09 F9 01 FE")
RADAR_FALL = bytes.fromhex("53 59 83 01 00 01 01 32 54 43")
RADAR_QUIET = bytes.fromhex("53 59 83 01 00 01 00 31 54 43")
BUTTON_PRESS = bytes.fromhex("55 00 07 07 01 7A F6 30 FE F0 12 34 30 03 FF FF FF FF 40 00 34")
"""EnOcean ESP3: begins with the header of a WT901."""


# ---------------------------------------------------------------- garbage


def noise_instead(rng: random.Random) -> Through:
    """Random bytes in place of the wearable: its wire is off, and the input floats."""
    return lambda seconds, _: rng.randbytes(int(seconds * BYTES_PER_S))


def noise_between(rng: random.Random) -> Through:
    """Random bytes between the wearable's bursts."""

    def mixed(seconds: float, said: bytes) -> bytes:
        noise = rng.randbytes(max(0, int(seconds * BYTES_PER_S) - len(said)))
        at = rng.randint(0, len(said))
        return said[:at] + noise + said[at:]

    return mixed


def bad_line(rng: random.Random) -> Through:
    """Bytes of the wearable that became others, from one in a hundred to one in three."""
    share = rng.choice((0.01, 0.03, 0.1, 0.3))
    return lambda _, said: bytes(rng.randrange(256) if rng.random() < share else byte for byte in said)


def lossy_line(rng: random.Random) -> Through:
    """Bytes of the wearable that are missing, from one in a hundred to one in three."""
    share = rng.choice((0.01, 0.03, 0.1, 0.3))
    return lambda _, said: bytes(byte for byte in said if rng.random() >= share)


def headers(rng: random.Random) -> Through:
    """Runs of the header byte, of beginnings of frames, and some noise."""

    def run(seconds: float, _: bytes) -> bytes:
        count = int(seconds * BYTES_PER_S)
        beginning = bytes([HEADER, 0x51])[: rng.randint(1, 2)]
        return (beginning * count)[: max(0, count - 40)] + rng.randbytes(40)

    return run


GARBAGE: Mapping[str, Callable[[random.Random], Through]] = {
    "noise in place of the wearable": noise_instead,
    "noise between its bursts": noise_between,
    "damaged bytes": bad_line,
    "missing bytes": lossy_line,
    "runs of headers": headers,
}


# ---------------------------------------------------------------- other devices


def spoken(messages: Iterator[bytes], bytes_per_s: float) -> Through:
    """Say the messages one after the other, at this speed, whatever the wearable says."""
    waiting = bytearray()
    due = 0.0

    def speak(seconds: float, _: bytes) -> bytes:
        nonlocal due
        due += seconds * bytes_per_s
        while len(waiting) < due:
            waiting.extend(next(messages))
        said = bytes(waiting[: int(due)])
        del waiting[: len(said)]
        due -= len(said)
        return said

    return speak


def gps(rng: random.Random) -> Through:
    """A GPS receiver: NMEA 0183, five sentences a second."""

    def sentences() -> Iterator[bytes]:
        for second in itertools.count(rng.randrange(80_000)):
            time = f"{second // 3600 % 24:02d}{second // 60 % 60:02d}{second % 60:02d}.00"
            yield _nmea(f"GPGGA,{time},5502.61{rng.randrange(1000):03d},N,00925.04,E,1,08,0.9,12.4,M,42.1,M,,")
            yield _nmea("GPGSA,A,3,04,05,,09,12,,,24,,,,,2.5,1.3,2.1")
            yield _nmea(f"GPGSV,2,1,08,01,40,083,46,02,17,308,{rng.randrange(20, 50)},12,07,344,39,14,22,228,45")
            yield _nmea("GPVTG,054.7,T,034.4,M,005.5,N,010.2,K")
            yield _nmea(f"GPRMC,{time},A,5502.61,N,00925.04,E,0.1,84.4,211126,,,A")

    return spoken(sentences(), 300)


def modem(rng: random.Random) -> Through:
    """A modem that echoes a program which is looking for one: some 30 bytes a second."""
    words = (b"AT\r\r\nOK\r\n", b"\r\n+CREG: 0,1\r\n", b"\r\nRING\r\n", b"AT+CSQ\r\r\n+CSQ: 17,99\r\n\r\nOK\r\n")
    return spoken((rng.choice(words) for _ in itertools.count()), 30)


def console(rng: random.Random) -> Through:
    """The console of another machine that boots, and boots again."""

    def lines() -> Iterator[bytes]:
        for number in itertools.count():
            uptime = number * 0.013 % 40
            yield f"[{uptime:12.6f}] usb 1-1.{rng.randrange(5)}: new full-speed USB device UUUUQ\r\n".encode()

    return spoken(lines(), 4000)


def fall_radar(rng: random.Random) -> Through:
    """A Seeed MR60FDA2 that sees somebody fall: frames with right sums, ten a second."""
    frames = (rng.choice((FALL_FRAME, PRESENT_FRAME)) for _ in itertools.count())
    return spoken(frames, 100)


def other_radar(rng: random.Random) -> Through:
    """A DFRobot C1001 that is polled, and says that somebody fell."""
    frames = (rng.choice((RADAR_FALL, RADAR_QUIET)) for _ in itertools.count())
    return spoken(frames, 50)


def radio_receiver(rng: random.Random) -> Through:
    """An EnOcean receiver: telegrams that begin as a WT901's frames do."""
    del rng
    return spoken(itertools.repeat(BUTTON_PRESS), 60)


def sums_missing(rng: random.Random) -> Through:
    """A WT901 of the BLE 5 family: frames of 20 bytes that begin `55 61`, with no sum, as if it were falling."""
    return spoken((b"\x55\x61" + rng.randbytes(18) for _ in itertools.count()), 2000)


def modbus(rng: random.Random) -> Through:
    """A Modbus radar: answers to a poll, with CRC."""

    def answers() -> Iterator[bytes]:
        while True:
            body = bytes([1, 3, 4]) + rng.randbytes(4)
            yield body + _modbus_crc(body).to_bytes(2, "little")

    return spoken(answers(), 180)


def wrong_baud(rng: random.Random) -> Through:
    """A WT901 that was set to 9600 baud, heard at 115,200: twelve of our bits are one of its."""

    def heard() -> Iterator[bytes]:
        while True:
            yield _at_12_times_the_baud(encode_acceleration(rng.uniform(-1, 1), rng.uniform(-1, 1), 1.0), rng)

    return spoken(heard(), 960 * 1.2)


OTHERS: Mapping[str, Callable[[random.Random], Through]] = {
    "GPS (NMEA)": gps,
    "modem (AT)": modem,
    "boot console": console,
    "radar (TinyFrame)": fall_radar,
    "radar (53 59)": other_radar,
    "EnOcean receiver": radio_receiver,
    "WT901 BLE (no sums)": sums_missing,
    "Modbus radar": modbus,
    "WT901 at 9600 baud": wrong_baud,
}


def _nmea(body: str) -> bytes:
    total = 0
    for byte in body.encode():
        total ^= byte
    return f"${body}*{total:02X}\r\n".encode()


def _modbus_crc(body: bytes) -> int:
    crc = 0xFFFF
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


def _at_12_times_the_baud(data: bytes, rng: random.Random) -> bytes:
    """Return what a receiver makes of `data` whose bits are twelve of its own long; a broken stop bit makes a 0."""
    bits: list[int] = [1] * rng.randint(0, 24)
    for byte in data:
        for bit in (0, *(byte >> n & 1 for n in range(8)), 1):
            bits += [bit] * 12
    heard, at = bytearray(), 0
    while at + 10 <= len(bits):
        if bits[at]:
            at += 1
            continue
        byte = sum(bits[at + 1 + n] << n for n in range(8))
        heard.append(byte if bits[at + 9] else 0)
        at += 10
        while at < len(bits) and not bits[at] and not bits[at - 1]:
            at += 1  # a break: the line must rise before another byte can begin
    return bytes(heard)
