"""Logs on stderr, one event a line: JSON for machines, plainer on a terminal; with a net for secrets."""

import logging
import re
import sys
from typing import TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRETS = re.compile(r"(daypass_[a-z]{3,4}_|Bearer\s+|SigninToken=)[A-Za-z0-9._~+/%=-]+")


def configure(stream: TextIO = sys.stderr) -> None:
    """Send what is logged to *stream*; to be called once, before anything is."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            *_renderers(for_people=stream.isatty()),
            scrub,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )


def _renderers(*, for_people: bool) -> list[Processor]:
    if not for_people:
        return [structlog.processors.JSONRenderer()]
    # A person's terminal obeys what it is sent, so values are shown escaped.
    return [structlog.dev.ConsoleRenderer(colors=False, repr_native_str=True)]


def scrub(_logger: WrappedLogger, _method: str, line: str | EventDict) -> str:
    """The line without what looks like a secret: a second net, for none should come this far."""
    return _SECRETS.sub(r"\1***", str(line))
