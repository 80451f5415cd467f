"""Structured logs on stderr, one event a line: JSON, or plain text on a terminal, with secrets redacted."""

import json
import logging
import os
import re
import sys
from json.encoder import encode_basestring_ascii
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from daypass.portal.config.model import LogConfig, LogFormat
from daypass.portal.redaction import TOKEN
from daypass.portal.telemetry.log_stream import LogStream, timestamp

_SECRETS = re.compile(rf"{TOKEN}|(?P<name>Bearer\s+|SigninToken=)[A-Za-z0-9._~+/%=-]+")


def configure(
    stream: TextIO | LogStream | None = None, config: LogConfig | None = None, *, is_final: bool = True
) -> None:
    """Configure structlog to write to *stream* (stderr); call it before the first event.

    A later call has an effect on the loggers that were used before only if *is_final* is False, for a
    process that logs little.
    """
    stream = sys.stderr if stream is None else stream
    config = LogConfig() if config is None else config
    for_people = stream.isatty() if config.format is LogFormat.AUTO else config.format is LogFormat.CONSOLE
    if isinstance(stream, LogStream):
        stream.writes_json = not for_people
    structlog.configure(
        processors=[stamp, *_renderers(for_people=for_people), redact],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(config.level.upper())),
        logger_factory=lambda name="portal": _NamedLogger(name, stream),
        cache_logger_on_first_use=is_final,
    )


def take_over_stderr() -> LogStream:
    """Replace `sys.stderr` by a `LogStream`, which also gets Python's own messages."""
    stream = LogStream(sys.stderr)
    sys.stderr = stream
    return stream


class _NamedLogger:
    """Writes each line to a stream in one call; the level is a part of the line."""

    def __init__(self, name: str, stream: TextIO | LogStream) -> None:
        self.name = name
        self._write = stream.write

    def msg(self, line: str) -> None:
        """Write *line*."""
        self._write(line + "\n")

    debug = info = warning = error = critical = msg


def stamp(logger: WrappedLogger, level: str, event: EventDict) -> EventDict:
    """Return *event* behind the fields that every line has; a processor of structlog.

    One processor rather than one for each field, because every request passes through it.
    """
    stamped: EventDict = {
        "timestamp": timestamp(),
        "level": level,
        "event": event.pop("event"),
        "logger": logger.name,
        # Asked for each line, because workers are forked after the configuration.
        "pid": os.getpid(),
    }
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, level, event)
    stamped.update(event)
    return stamped


def _renderers(*, for_people: bool) -> list[Processor]:
    if not for_people:
        return [render_json]
    # Values are escaped, because a terminal interprets control sequences.
    return [_escape_traceback, structlog.dev.ConsoleRenderer(colors=False, repr_native_str=True)]


def render_json(_logger: WrappedLogger, _level: str, event: EventDict) -> str:
    """Return *event* as one line of JSON, whatever its values are; a processor of structlog."""
    try:
        # The encoder for the whole dictionary takes twice as long.
        return (
            "{"
            + ", ".join([f"{encode_basestring_ascii(name)}: {_json(event[name])}" for name in event])
            + "}"
        )
    # NaN, which JSON has not, a value that contains itself, or keys that are no text.
    except (TypeError, ValueError, RecursionError):
        return _ENCODER.encode({str(name): _plain(value) for name, value in event.items()})


def _json(value: object) -> str:
    if type(value) is str:
        return encode_basestring_ascii(value)
    if type(value) is int:
        return repr(value)
    return _ENCODER.encode(value)


# ASCII only, so that no character of a value ends a line or is a control character.
_ENCODER = json.JSONEncoder(default=repr, allow_nan=False, check_circular=False)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, str | int) else repr(value)


def _escape_traceback(_logger: WrappedLogger, _level: str, event: EventDict) -> EventDict:
    # It is the only value that is printed as it is, with its line breaks.
    if "exception" in event:
        event["exception"] = "".join(
            letter if letter.isprintable() or letter == "\n" else repr(letter)[1:-1]
            for letter in str(event["exception"])
        )
    return event


def redact(_logger: WrappedLogger | None, _level: str, line: Any) -> str:  # noqa: ANN401  structlog's own type
    """Return the line with secrets redacted: a second line of defence, since none should be logged."""
    text = str(line)
    lower = text.lower()
    # Most lines end here, after a tenth of the time that the search takes: every secret follows one of these.
    # JSON is ASCII. A search that ignores case finds some letters outside ASCII as well.
    if text.isascii() and not ("daypass_" in lower or "bearer" in lower or "signintoken=" in lower):
        return text
    return _SECRETS.sub(r"\g<token>\g<name>***", text)
