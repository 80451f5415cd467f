"""Python's own messages as events: warnings, messages of libraries, and errors that nothing catches."""

import logging
import sys
import threading
from types import TracebackType

import structlog

from daypass.common.lines import one_line
from daypass.portal.telemetry.error_events import log_error

_log = structlog.get_logger("portal.python")


def log_python_messages() -> None:
    """Log them from now on; otherwise they are several lines of plain text among the lines of the log."""
    # Not below warnings, whatever the level of the log is: AWS's library writes signed requests at debug.
    logging.basicConfig(level=logging.WARNING, handlers=[_Handler()], force=True)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_crash
    threading.excepthook = _log_crash_of_thread


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Log *record* of the standard library's logging."""
        is_error = record.levelno >= logging.ERROR
        (_log.error if is_error else _log.warning)(
            "message of a library",
            library=record.name,
            message=one_line(_text(record)),
            exc_info=record.exc_info,
        )


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # an error in a library's message must not become one of its caller
        return str(record.msg)


def _log_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        log_error("process", error)


def _log_crash_of_thread(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None:
        log_error(f"thread {crash.thread.name if crash.thread else ''}", crash.exc_value)
