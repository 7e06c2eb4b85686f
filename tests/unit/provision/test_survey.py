"""The board, its pins and its serial ports."""

from __future__ import annotations

import fcntl
import os
import threading
import tty
from typing import TYPE_CHECKING

import pytest

from agent.config_files import load_profile
from agent.provision.gpio_lines import Chip, header_chip, refuse_wrong_pins
from agent.provision.refusal import Refused
from agent.provision.survey import Heard, board, listen, serial_devices, stable_ports
from agent.sensors.wt901 import encode_acceleration

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Wire:
    """A serial port with something at its other end."""

    def __init__(self) -> None:
        self.far, self.near = os.openpty()
        tty.setraw(self.near)
        self.path = os.ttyname(self.near)
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def speak(self, sentence: bytes) -> None:
        def go_on() -> None:
            while not self._end.wait(0.01):
                os.write(self.far, sentence)

        self._thread = threading.Thread(target=go_on, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join(5)
        os.close(self.far)
        os.close(self.near)


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()
    yield wire
    wire.close()


def test_a_wearable_is_recognised(wire: Wire) -> None:
    wire.speak(encode_acceleration(0.0, 0.0, 1.0))
    assert listen(wire.path) == Heard(115200)


@pytest.mark.parametrize("sentence", [b"", b"$GPGGA,123519,4807.038,N*47\r\n", b"\x55" * 11, bytes(range(256))])
def test_what_is_no_wearable_is_not_taken_for_one(wire: Wire, sentence: bytes) -> None:
    if sentence:
        wire.speak(sentence)
    assert listen(wire.path, bauds=(115200,), each_s=0.2) == Heard()


def test_a_port_that_is_in_use_or_gone_says_so(wire: Wire, tmp_path: Path) -> None:
    fcntl.flock(wire.near, fcntl.LOCK_EX)
    assert "another program uses the port" in (listen(wire.path).fault or "")
    assert "no such device" in (listen(str(tmp_path / "gone")).fault or "")
    assert "no serial port" in (listen(str(tmp_path)).fault or "")


def test_a_port_is_named_by_its_id_or_by_its_place(tmp_path: Path) -> None:
    for name in ("ttyUSB0", "ttyUSB1"):
        (tmp_path / name).touch()
    for kind in ("by-id", "by-path"):
        (tmp_path / kind).mkdir()
    (tmp_path / "by-id" / "usb-1a86-port0").symlink_to(tmp_path / "ttyUSB0")
    (tmp_path / "by-id" / "usb-FTDI_0102031234-port0").symlink_to(tmp_path / "ttyUSB1")  # looks like a CPR number
    (tmp_path / "by-path" / "platform-usb-1").symlink_to(tmp_path / "ttyUSB0")
    (tmp_path / "by-path" / "platform-usb-2").symlink_to(tmp_path / "ttyUSB1")
    assert stable_ports(tmp_path) == (str(tmp_path / "by-id/usb-1a86-port0"), str(tmp_path / "by-path/platform-usb-2"))


def test_every_port_is_listened_to(tmp_path: Path, wire: Wire) -> None:
    (tmp_path / "by-id").mkdir()
    (tmp_path / "by-id" / "usb-wearable").symlink_to(wire.path)
    wire.speak(encode_acceleration(0.1, 0.2, 0.9))
    assert [(device.path, device.heard) for device in serial_devices(tmp_path)] == [
        (str(tmp_path / "by-id/usb-wearable"), Heard(115200))
    ]
    assert serial_devices(tmp_path / "none") == ()


def test_the_board_tells_its_name(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"Raspberry Pi 4 Model B Rev 1.4\0")
    assert board(model) == "Raspberry Pi 4 Model B Rev 1.4"
    assert board(tmp_path / "none") == ""


def test_pins_that_are_free_or_held_by_the_unit_itself_are_right() -> None:
    refuse_wrong_pins(load_profile("pi4-cords"), Chip("pinctrl-bcm2711", 58, {17: "lg", 14: "uart", 2: ""}))


@pytest.mark.parametrize(
    ("chip", "words"),
    [
        (Chip("pinctrl-bcm2711", 58, {4: "onewire@0"}), "sounder on BCM 4, but that pin is used by onewire@0"),
        (Chip("pinctrl-bcm2711", 58, {17: ""}), "bathroom-cord on BCM 17, but that pin is used by another driver"),
        (Chip("tps-gpio", 8, {}), "bathroom-cord on BCM 17, but tps-gpio has only 8 lines"),
    ],
)
def test_a_pin_that_is_taken_or_not_there_is_named(chip: Chip, words: str) -> None:
    with pytest.raises(Refused, match=words):
        refuse_wrong_pins(load_profile("pi4-cords"), chip)


def test_the_kernels_answers_are_read_where_linux_gpio_h_puts_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Numbers and offsets as a C program prints them that includes linux/gpio.h (6.1).
    def kernel(_: int, request: int, asked: bytes) -> bytes:
        if request == 0x8044B401:
            return b"gpiochip0".ljust(32, b"\0") + b"pinctrl-bcm2711".ljust(32, b"\0") + (58).to_bytes(4, "little")
        assert request == 0xC100B405
        assert len(asked) == 256
        used = int.from_bytes(asked[64:68], "little") == 4
        answer = bytearray(256)
        answer[32:43] = b"onewire@0\0\0" if used else bytes(11)
        answer[72] = 0b11 if used else 0b10
        return bytes(answer)

    monkeypatch.setattr(fcntl, "ioctl", kernel)
    (tmp_path / "gpiochip0").touch()
    assert header_chip(tmp_path) == Chip("pinctrl-bcm2711", 58, {4: "onewire@0"})


def test_a_machine_without_gpio_is_told_where_to_go(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="on the unit's Raspberry Pi"):
        header_chip(tmp_path)
    (tmp_path / "gpiochip0").touch()  # something that is no controller has no pins
    assert header_chip(tmp_path).lines == 0
