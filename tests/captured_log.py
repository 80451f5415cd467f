"""The portal's log, captured in the process of the tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import structlog

from daypass.portal.config.model import LogConfig
from daypass.portal.telemetry import logs


@contextmanager
def captured_log(config: LogConfig | None = None) -> Iterator[StringIO]:
    """Yield the stream to which the portal in this process logs; the previous configuration returns after it.

    Loggers are not cached: modules have theirs for the life of the process, and would write to the stream of
    the first test that logs.
    """
    before = structlog.get_config()
    stream = StringIO()
    logs.configure(stream, config)
    structlog.configure(**{**structlog.get_config(), "cache_logger_on_first_use": False})
    try:
        yield stream
    finally:
        structlog.configure(**before)
