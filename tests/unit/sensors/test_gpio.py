"""Contacts on pins: raw edges with the kernel's time, levels every second, and a dead pin that is only reported."""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gpiozero.pins.local
import pytest
from gpiozero.pins.mock import MockPin

from agent.clock import ManualClock
from agent.errors import SensorError
from agent.profiles import Button, PullCord
from agent.readings import Edge, Item, Level, LinkDown, LinkUp
from agent.sensors.gpio import ContactDriver, PinWatch
from agent.sensors.pins import RETRY_S, Pins
from agent.system_clock import SystemClock
from tests.waiting import eventually

CORD = PullCord(type="pull_cord", pin=17, contact="normally_closed")


class Home:
    """A driver on a mock pin, with a clock that stands still far from the mock pin's own."""

    def __init__(self, config: PullCord | Button, pins: Pins) -> None:
        self.posted: list[Item] = []
        self.clock = ManualClock(mono=1e9)
        self.pins = pins
        self.driver = ContactDriver("cord", config, pins, self.posted.append, self.clock)

    @property
    def pin(self) -> Any:
        return self.pins.factory().pin(17)

    def closed(self) -> list[bool]:
        return [item.closed for item in self.posted if isinstance(item, Edge | Level)]


@pytest.fixture
def pins(tmp_path: Path) -> Pins:
    return Pins("mock", tmp_path)


@pytest.mark.parametrize(("bias", "high_is_closed"), [("up", False), ("none", False), ("down", True)])
def test_the_wiring_decides_which_level_is_closed(pins: Pins, bias: str, *, high_is_closed: bool) -> None:
    home = Home(CORD.model_copy(update={"bias": bias}), pins)
    home.driver.start()
    home.posted.clear()
    home.pin.drive_high()
    home.pin.drive_low()
    home.pin.drive_high()
    assert home.closed()[-2:] == [not high_is_closed, high_is_closed]
    home.driver.look()
    assert home.posted[-1] == Level("cord", closed=high_is_closed, at=1e9)


def test_the_level_is_posted_at_start_and_every_bounce_is_an_edge(pins: Pins) -> None:
    home = Home(CORD, pins)
    home.driver.start()
    for _ in range(3):
        home.pin.drive_low()
        home.pin.drive_high()
    assert home.posted[0] == Level("cord", closed=False, at=1e9)
    assert home.posted[1:] == [Edge("cord", closed=c, at=1e9) for c in (True, False) * 3]


@pytest.mark.parametrize(("age_s", "believed"), [(0.0, True), (0.5, True), (1.5, False), (-0.1, False), (-8e8, False)])
def test_an_edge_bears_the_kernels_time_where_it_can_be_believed(pins: Pins, age_s: float, *, believed: bool) -> None:
    home = Home(CORD, pins)
    home.driver.start()
    home.driver._on_change(1e9 - age_s, 0)
    assert home.posted[-1] == Edge("cord", closed=True, at=1e9 - age_s if believed else 1e9)


def test_the_drivers_callback_outlives_a_garbage_collection(pins: Pins) -> None:
    home = Home(CORD, pins)
    home.driver.start()
    gc.collect()
    home.pin.drive_low()
    assert home.closed() == [False, True]


def test_nothing_is_posted_after_stop_and_stop_can_be_called_twice(pins: Pins) -> None:
    home = Home(CORD, pins)
    home.driver.start()
    pin = home.pin
    home.driver.stop()
    home.driver.stop()
    home.posted.clear()
    pin.drive_low()
    home.driver.look()
    assert home.posted == []


def test_a_callback_never_raises_and_the_next_look_reports_it(pins: Pins, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(CORD, pins)

    def post(item: Item) -> None:
        home.posted.append(item)
        assert not isinstance(item, Edge), "mailbox on fire"

    driver = ContactDriver("cord", CORD, pins, post, home.clock)
    driver.start()
    home.pin.drive_low()
    driver.look()
    driver.look()
    assert home.closed() == [False, True, True, True]
    assert capsys.readouterr().out.count("mailbox on fire") == 1


class FailingPins(Pins):
    """A GPIO that is dead until it is told to live."""

    def __init__(self, work_dir: Path) -> None:
        super().__init__("mock", work_dir)
        self.dead = True
        self.asked = 0

    def factory(self) -> Any:
        self.asked += 1
        if self.dead:
            raise SensorError("the GPIO can't be opened (test)")
        return super().factory()


def test_a_dead_gpio_is_one_link_down_and_is_asked_again_later(tmp_path: Path) -> None:
    pins = FailingPins(tmp_path)
    home = Home(CORD, pins)
    home.driver.start()
    for _ in range(60):
        home.clock.advance(1)
        home.driver.look()
    assert home.posted == [LinkDown("cord", 1e9, "the GPIO can't be opened (test)")]
    assert not home.driver.readable
    assert pins.asked == 1 + 4 + 4, "after 1, 2, 4 and 8 s, then every ten"
    pins.dead = False
    now = home.clock.advance(RETRY_S).mono
    home.driver.look()
    assert home.driver.readable
    assert home.posted[1:] == [LinkUp("cord", now), Level("cord", closed=False, at=now)]


def test_a_pin_that_can_not_be_read_is_said_once_and_keeps_its_edges(
    pins: Pins, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(CORD, pins)
    home.driver.start()

    def unreadable(_pin: MockPin) -> bool:
        raise OSError("I/O error (test)")

    with monkeypatch.context() as broken:
        broken.setattr(MockPin, "_get_state", unreadable)
        home.driver.look()
        home.clock.advance(1)
        home.driver.look()
        home.pin.drive_low()
    home.driver.look()
    kinds = [type(item) for item in home.posted]
    assert kinds == [Level, LinkDown, Edge, LinkUp, Level]


def test_the_pins_watch_posts_levels_and_outlives_a_bad_contact(pins: Pins) -> None:
    home = Home(CORD, pins)
    home.driver.start()
    home.pin.when_changed = None  # the edge is lost
    home.pin.drive_low()
    looked = threading.Semaphore(0)
    broken = SimpleNamespace(fail=True)

    def look() -> None:
        looked.release()
        if broken.fail:
            broken.fail = False
            raise RuntimeError("a round fails")

    bad: Any = SimpleNamespace(look=look)
    watch = PinWatch([bad, home.driver], SystemClock(), every_s=0.01)
    assert watch.busy_since() is None
    watch.start()
    for _ in range(3):
        assert looked.acquire(timeout=5)
    assert home.closed()[:2] == [False, True]
    watch.stop()
    watch.stop()


def test_a_pins_watch_that_hangs_is_busy_and_one_that_goes_on_is_not(pins: Pins) -> None:
    hangs, go_on = threading.Event(), threading.Event()

    def look() -> None:
        hangs.set()
        go_on.wait(10)

    bad: Any = SimpleNamespace(look=look)
    watch = PinWatch([bad], SystemClock(), every_s=0.01)
    watch.start()
    assert hangs.wait(5)
    began = watch.busy_since()
    assert began is not None
    assert began > 0
    go_on.set()
    eventually(lambda: watch.busy_since() != began)
    watch.stop()


def test_the_environment_can_not_choose_the_pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "native")
    monkeypatch.setenv("GPIOZERO_MOCK_PIN_CLASS", "mockpwmpin")
    monkeypatch.setenv("GPIOZERO_MOCK_REVISION", "000e")
    factory = Pins("mock", tmp_path).factory()
    assert type(factory.pin(17)) is MockPin
    assert factory.board_info.model == "4B"


def test_a_missing_lgpio_says_so_and_nothing_stands_in_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiozero.pins.lgpio", None)
    before = Path.cwd()
    with pytest.raises(SensorError, match="lgpio is missing"):
        Pins("lgpio", tmp_path / "run").factory()
    assert Path.cwd() == before


def test_a_runtime_dir_that_can_not_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SensorError, match="runtime_dir must be writable"):
        Pins("lgpio", tmp_path / "file" / "run").factory()


class FakeLgpio(SimpleNamespace):
    """The part of the module lgpio that gpiozero uses, on no hardware: flags and levels in dictionaries."""

    def __init__(self) -> None:
        super().__init__(
            BOTH_EDGES=3, RISING_EDGE=1, FALLING_EDGE=2, SET_PULL_NONE=128, SET_PULL_UP=32, SET_PULL_DOWN=64
        )
        self.error = OSError
        self.flags: dict[int, int] = {}
        self.levels: dict[int, int] = {}
        self.callbacks: dict[int, Any] = {}
        self.opened: list[int] = []

    def gpiochip_open(self, chip: int) -> int:
        self.opened.append(chip)
        return 1

    def gpiochip_close(self, _handle: int) -> None:
        self.opened.clear()

    def gpio_claim_input(self, _handle: int, gpio: int, flags: int = 0) -> None:
        self.flags[gpio] = flags

    def gpio_claim_output(self, _handle: int, gpio: int) -> None:
        self.flags[gpio] = 2

    def gpio_claim_alert(self, _handle: int, gpio: int, _edges: int, flags: int) -> None:
        self.flags[gpio] = flags

    def gpio_free(self, _handle: int, gpio: int) -> None:
        del self.flags[gpio]

    def gpio_get_mode(self, _handle: int, gpio: int) -> int:
        return self.flags[gpio]

    def gpio_read(self, _handle: int, gpio: int) -> int:
        return self.levels.get(gpio, 0)

    def callback(self, _handle: int, gpio: int, _edges: int, func: Any) -> SimpleNamespace:
        self.callbacks[gpio] = func
        return SimpleNamespace(cancel=lambda: self.callbacks.pop(gpio, None))


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeLgpio]:
    made = FakeLgpio()
    monkeypatch.setitem(sys.modules, "lgpio", made)  # type: ignore[arg-type]  # because it stands in for a module
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)
    monkeypatch.setattr(gpiozero.pins.local, "get_pi_revision", lambda: 0xC03114)
    yield made
    monkeypatch.delitem(sys.modules, "gpiozero.pins.lgpio", raising=False)


def test_pins_whose_group_comes_a_second_after_the_start_are_had_then(
    tmp_path: Path, fake: FakeLgpio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_: int) -> int:
        raise OSError("can not open gpiochip")

    home = Home(CORD, Pins("lgpio", tmp_path))
    with monkeypatch.context() as boot:
        boot.setattr(fake, "gpiochip_open", forbidden)
        home.driver.start()
    assert isinstance(home.posted[0], LinkDown)
    now = home.clock.advance(1.0).mono
    home.driver.look()
    assert home.posted[1:] == [LinkUp("cord", now), Level("cord", closed=True, at=now)]
    home.pins.close()


def test_a_line_that_another_program_has_is_had_once_it_is_free(
    tmp_path: Path, fake: FakeLgpio, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise OSError("GPIO busy")

    home = Home(CORD, Pins("lgpio", tmp_path))
    with monkeypatch.context() as other:
        other.setattr(fake, "gpio_claim_input", busy)
        home.driver.start()
        home.clock.advance(1.0)
        home.driver.look()
        assert [(type(item), getattr(item, "detail", "")) for item in home.posted] == [(LinkDown, "GPIO busy")]
    now = home.clock.advance(2.0).mono
    home.driver.look()
    assert home.posted[1:] == [LinkUp("cord", now), Level("cord", closed=True, at=now)]
    home.pins.close()


def test_another_cause_is_told_anew(tmp_path: Path, fake: FakeLgpio, monkeypatch: pytest.MonkeyPatch) -> None:
    said = ["can not open gpiochip", "GPIO busy", "GPIO busy"]

    def refuse(*_: object) -> None:
        raise OSError(said.pop(0))

    monkeypatch.setattr(fake, "gpio_claim_input", refuse)
    home = Home(CORD, Pins("lgpio", tmp_path))
    home.driver.start()
    for _ in range(4):
        home.clock.advance(1.0)
        home.driver.look()
    assert [getattr(item, "detail", "") for item in home.posted] == ["can not open gpiochip", "GPIO busy"]
    home.pins.close()


def test_on_lgpio_a_contact_is_claimed_with_its_pull_and_its_edges_come_with_kernel_time(
    tmp_path: Path, fake: FakeLgpio
) -> None:
    pins = Pins("lgpio", tmp_path)
    home = Home(CORD, pins)
    try:
        home.driver.start()
        assert fake.flags[17] == fake.SET_PULL_UP
        assert home.posted == [Level("cord", closed=True, at=1e9)]
        fake.callbacks[17](0, 17, 1, int((1e9 - 0.25) * 1e9))
        assert home.posted[-1] == Edge("cord", closed=False, at=1e9 - 0.25)
        home.driver.stop()
        assert fake.callbacks == {}
    finally:
        pins.close()
    assert fake.opened == []
