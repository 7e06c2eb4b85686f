"""Log lines: JSON, without secrets and persons, from libraries too; and no log call can fail its caller."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from agent import logs


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    hook, handlers, level = threading.excepthook, logging.root.handlers[:], logging.root.level
    raising = logging.raiseExceptions
    yield
    structlog.reset_defaults()
    threading.excepthook = hook
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.raiseExceptions = raising
    logging.captureWarnings(capture=False)


@pytest.fixture
def out() -> io.StringIO:
    stream = io.StringIO()
    logs.configure("info", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_level_and_utc_time(out: io.StringIO) -> None:
    structlog.get_logger().info("cord_pulled", sensor="bathroom-cord", values=(1, object()))
    structlog.get_logger().debug("not_at_this_level")
    [line] = lines(out)
    assert line["event"] == "cord_pulled"
    assert line["level"] == "info"
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hemmelig"},
        {"broker_password": "hemmelig"},
        {"nested": {"client_secret": "hemmelig"}},
        {"listed": [{"cpr": "hemmelig"}]},
        {"citizen_name": "hemmelig"},
        {"payload": b"hemmelig"},
        {"xyz_g": "hemmelig"},
    ],
)
def test_secrets_persons_and_motion_are_blotted_out(out: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger().info("something", **fields)
    assert "hemmelig" not in out.getvalue()
    assert "[censored]" in out.getvalue()


def test_a_cpr_number_is_blotted_out_wherever_it_stands(out: io.StringIO) -> None:
    structlog.get_logger().info("x 010190-1234", detail="in 0101901234.", many=["010190 1234"], body_position="waist")
    [line] = lines(out)
    assert "0190" not in out.getvalue()
    assert line["body_position"] == "waist"


def test_an_id_that_happens_to_hold_ten_digits_is_still_an_id(out: io.StringIO) -> None:
    call_id = "01a20007-1b61-7832-95dd-0123456789da"
    structlog.get_logger().info("call", call_id=call_id)
    [line] = lines(out)
    assert line["call_id"] == call_id


def test_libraries_and_warnings_come_out_in_the_same_form(out: io.StringIO) -> None:
    library = logging.getLogger("paho.test")
    library.info("chatter")
    library.warning("lost %s", "packet")
    library.log(35, "between levels")
    library.error("malformed %d", "not a number")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old API", stacklevel=1)
    found = [(line["library"], line["level"], line["message"].splitlines()[0]) for line in lines(out)]
    assert found[:2] == [("paho.test", "warning", "lost packet"), ("paho.test", "warning", "between levels")]
    assert "old API" in found[-1][2]
    assert len(found) == 3


def test_the_death_of_a_thread_is_a_line(out: io.StringIO) -> None:
    def die() -> None:
        raise RuntimeError("out of breath")

    thread = threading.Thread(target=die, name="worker-7")
    thread.start()
    thread.join()
    [line] = lines(out)
    assert (line["event"], line["thread"], line["level"]) == ("thread_died", "worker-7", "critical")
    assert "out of breath" in line["exception"]


def test_a_reader_that_has_gone_away_fails_nobody() -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    for stream in (Gone(), io.StringIO()):
        stream.close() if not isinstance(stream, Gone) else None
        logs.configure("info", stream)
        structlog.get_logger().error("still_here")


@pytest.mark.parametrize(
    ("flag", "variable", "seen"),
    [(None, None, 4), ("error", None, 2), (None, "ERROR", 2), ("debug", "error", 5), (None, "loud", 5)],
)
def test_the_level_comes_from_the_flag_then_the_environment(
    monkeypatch: pytest.MonkeyPatch, flag: str | None, variable: str | None, seen: int
) -> None:
    monkeypatch.delenv(logs.LEVEL_VARIABLE, raising=False)
    if variable:
        monkeypatch.setenv(logs.LEVEL_VARIABLE, variable)
    stream = io.StringIO()
    logs.configure(flag, stream)
    log = structlog.get_logger()
    for level in logs.LEVELS:
        getattr(log, level)("said")
    assert len(lines(stream)) == seen


def test_on_a_terminal_the_lines_are_for_people() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    logs.configure("info", stream)
    try:
        raise ValueError("reason")  # noqa: TRY301 - the traceback is what this test is about
    except ValueError:
        structlog.get_logger().exception("went_wrong", sensor="cord")
    text = stream.getvalue()
    assert "went_wrong" in text
    assert "ValueError: reason" in text
    assert not text.startswith("{")
