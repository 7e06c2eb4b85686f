"""Logging: one JSON line for each event on stderr, or readable lines where stderr is a terminal.

Rules of this file: no log call can raise or print a secret. What libraries say through `logging` comes out in the
same form, from WARNING on, and so do Python's warnings and the exception that ends a thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

import structlog

from agent.config_faults import mask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict, Processor, WrappedLogger

LEVEL_VARIABLE = "NODKALD_LOG_LEVEL"
LEVELS = ("debug", "info", "warning", "error", "critical")

CENSORED_WORDS = (
    "password",
    "passwd",
    "secret",
    "credential",
    "private_key",
    "authorization",
    "cpr",
    "citizen",
    "person",
    "phone",
)
"""A key with one of these words in it loses its value: secrets, and whatever says who lives here."""

CENSORED_NAMES = frozenset({"payload", "body", "xyz_g", "samples"})
"""A key with one of these names loses its value: events as sent, and motion, which stays out of the disk."""


def configure(level: str | None = None, stream: TextIO | None = None) -> None:
    """Set logging up for the process: from `level` on, else from what NODKALD_LOG_LEVEL says, else `info`."""
    out = _NeverRaises(stream or sys.stderr)
    wanted = (level or os.environ.get(LEVEL_VARIABLE) or "info").lower()
    number = logging.getLevelNamesMapping()[wanted.upper()] if wanted in LEVELS else logging.INFO
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            censor,
            _renderer(colours=out.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=out),  # type: ignore[arg-type]  # because it is file enough: write, flush
        cache_logger_on_first_use=True,
    )
    _take_over_standard_logging()
    if wanted not in LEVELS:
        structlog.get_logger().warning("unknown_log_level", wanted=wanted, using="info", known=LEVELS)


def censor(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Blot out what must not be logged: values under `CENSORED_WORDS`, and anything that looks like a CPR number."""
    return {key: _clean(key, value) for key, value in event.items()}


def _clean(key: str, value: Any) -> Any:
    if key in CENSORED_NAMES or any(word in key.lower() for word in CENSORED_WORDS):
        return "[censored]"
    if isinstance(value, dict):
        return {inner: _clean(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(key, item) for item in value]
    return mask(value) if isinstance(value, str) else value


def _renderer(*, colours: bool) -> Processor:
    if colours:
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(default=repr, ensure_ascii=False)


class _NeverRaises:
    """A text stream whose reader may have gone away: a log line is not worth a call."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with _ignoring_a_lost_stream():
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with _ignoring_a_lost_stream():
            self._stream.flush()

    def isatty(self) -> bool:
        with _ignoring_a_lost_stream():
            return self._stream.isatty()
        return False


@contextlib.contextmanager
def _ignoring_a_lost_stream() -> Iterator[None]:
    with contextlib.suppress(OSError, ValueError):  # ValueError: the stream is closed
        yield


class _ToStructlog(logging.Handler):
    """Hands the records of libraries (paho, gpiozero) and of `warnings` to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            log = structlog.get_logger()
            say = log.error if record.levelno >= logging.ERROR else log.warning
            say("library_message", library=record.name, message=record.getMessage(), exc_info=record.exc_info)
        except Exception:  # noqa: BLE001 - a library's malformed record must not fail the code that it logs from
            self.handleError(record)


def _take_over_standard_logging() -> None:
    root = logging.getLogger()
    for handler in [h for h in root.handlers if isinstance(h, _ToStructlog)]:
        root.removeHandler(handler)
    root.addHandler(_ToStructlog(logging.WARNING))
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = False
    threading.excepthook = _log_dead_thread


def _log_dead_thread(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "?"
    structlog.get_logger().critical("thread_died", thread=name, exc_info=args.exc_value)
