"""Log lines: the stream that drops and counts them rather than block, their form, level and redaction."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any, TextIO

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from daypass.portal.config.model import LogConfig, LogFormat, LogLevel
from daypass.portal.identity.model import TokenKind
from daypass.portal.identity.tokens import mint, mint_code, mint_device
from daypass.portal.secret import Secret
from daypass.portal.telemetry import logs
from daypass.portal.telemetry.log_stream import LogStream
from daypass.portal.telemetry.logs import redact, render_json
from tests.portal.processes import DAYPASS, Operator, Serving

SMALL = 4096
"""The smallest possible pipe, which is full after some twenty lines."""

REQUESTS = 150
"""A number of requests whose log lines exceed four pages."""


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A pipe without a reader: its read end, and a stream to its write end."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, SMALL)
    with os.fdopen(writing, "w") as stream:
        yield reading, stream


def read_all(reading: int) -> list[str]:
    with os.fdopen(reading) as text:
        return text.read().splitlines()


MINTED: dict[str, Callable[[], Secret]] = {
    **{kind.value: partial(mint, kind) for kind in TokenKind},
    "code": mint_code,
    "device": mint_device,
}


# Parametrized by name, because a generated secret differs in each process that collects the tests.
@pytest.mark.parametrize("kind", MINTED)
def test_each_kind_of_token_is_masked_in_a_log_line(kind: str) -> None:
    secret = MINTED[kind]().reveal()

    assert secret[13:] not in redact(None, "info", json.dumps({"path": f"/oauth/code/{secret}"}))
    # Usernames are case-folded.
    assert secret[13:].lower() not in redact(None, "info", json.dumps({"user": secret.lower()}))
    assert secret[13:].upper() not in redact(None, "info", json.dumps({"user": secret.upper()}))


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer ***"),
        ("/federation?SigninToken=abc%2Fdef&x=1", "/federation?SigninToken=***&x=1"),
        ("a token begins with daypass_pat_", "a token begins with daypass_pat_"),
    ],
)
def test_other_secrets_are_masked_in_a_log_line_and_a_prefix_is_not(line: str, left: str) -> None:
    assert redact(None, "info", line) == left


def test_a_variable_that_a_log_line_names_is_not_masked() -> None:
    assert redact(None, "info", "Set DAYPASS_TLS_CERTIFICATE.") == "Set DAYPASS_TLS_CERTIFICATE."


def test_lines_beyond_the_queue_are_dropped_and_counted(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    log = LogStream(stream, most=2000)
    log.start()
    for number in range(1000):
        log.write(f"line {number} {'x' * 90}\n")
    os.set_blocking(reading, True)
    first = os.read(reading, SMALL).decode()
    while "dropped" not in first:
        first += os.read(reading, SMALL).decode()
    log.write("the last\n")
    log.finish()
    stream.close()
    lines = (first + "\n".join(read_all(reading))).splitlines()
    losses = [json.loads(line) for line in lines if "dropped" in line]
    written = [line for line in lines if line.startswith("line")]

    assert losses[0] == losses[0] | {"level": "warning", "event": "log lines dropped", "pid": os.getpid()}
    assert {*losses[0]} == {"timestamp", "level", "event", "logger", "pid", "dropped"}
    assert losses[0]["dropped"] == 1000 - len(written)
    assert (written[0].split()[1], lines[-1]) == ("0", "the last")


def test_finish_waits_at_most_its_timeout_for_a_full_pipe(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    log = LogStream(stream)
    log.start()
    log.write("x" * (2 * SMALL))

    log.finish(timedelta(milliseconds=1))

    assert os.read(reading, 1) == b"x"
    os.read(reading, SMALL)
    os.read(reading, SMALL)
    os.close(reading)


def test_drain_returns_when_all_lines_are_written(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    log = LogStream(stream)
    log.start()
    log.write("first\n")

    assert log.drain()
    assert os.read(reading, SMALL) == b"first\n"
    log.write("x" * (2 * SMALL))
    assert not log.drain(timedelta(milliseconds=1))
    os.close(reading)
    log.finish()


def test_a_closed_pipe_raises_no_error(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    os.close(reading)
    log = LogStream(stream)
    log.start()
    log.write("to nobody\n")
    log.finish()


def test_before_start_and_after_finish_it_writes_through() -> None:
    out = StringIO()
    log = LogStream(out)
    log.write("before ")
    assert out.getvalue() == "before "
    log.start()
    log.write("queued ")
    log.finish()
    log.write("after")

    assert out.getvalue() == "before queued after"


def test_a_portal_serves_and_stops_although_its_log_is_not_read(operator: Operator, tmp_path: Path) -> None:
    ready, telling = os.pipe()
    reading, writing = os.pipe()
    # In a pipe of a single page, a batch that does not fit is not begun.
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4 * SMALL)
    process = subprocess.Popen(
        [DAYPASS, "portal", "serve", "--ready-fd", str(telling)],
        env={**operator.environment, "DAYPASS_THREADS": "4"},
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stderr=writing,
        pass_fds=[telling],
    )
    os.close(telling)
    os.close(writing)
    try:
        with os.fdopen(ready) as said:
            serving = Serving(process, said.readline().strip(), tmp_path / "none")
        asked = [serving.ask("GET", "/api/v1/me")[0] for _ in range(REQUESTS)]
        alive = serving.ask("GET", "/healthz")[0]
        code = serving.stop()
    finally:
        process.kill()
    lines = [json.loads(line) for line in read_all(reading)[:-1]]

    assert (asked, alive, code) == ([401] * REQUESTS, 200, 0)
    assert 0 < len([line for line in lines if line["event"] == "request"]) < REQUESTS


NASTY = 'dev01\r\n{"level": "error"}\x1b[31m\x00\u202e\u2028\ud800'
ITSELF: dict[str, object] = {}
ITSELF["itself"] = ITSELF


@pytest.fixture
def written() -> Iterator[Callable[[LogConfig], StringIO]]:
    """Configures the log and returns the text that is written; the log of the other tests is restored."""
    before = structlog.get_config()

    def configured(config: LogConfig) -> StringIO:
        out = StringIO()
        logs.configure(out, config)
        return out

    yield configured
    structlog.configure(**before)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (NASTY, NASTY),
        (float("nan"), "nan"),
        (ITSELF, "{'itself': {...}}"),
        ({(1, 2): "a key that is no text"}, "{(1, 2): 'a key that is no text'}"),
        (Secret("canary"), "Secret(***)"),
        (b"\xff\n", "b'\\xff\\n'"),
    ],
    ids=["control characters", "NaN", "cycle", "key", "secret", "bytes"],
)
def test_a_line_is_one_line_of_json_whatever_is_logged(
    written: Callable[[LogConfig], StringIO], value: object, read: object
) -> None:
    out = written(LogConfig())

    structlog.get_logger("portal.test").info("an event", value=value)

    (text,) = out.getvalue().splitlines()
    line = json.loads(text, parse_constant=pytest.fail)
    assert (text.isascii(), text.isprintable()) == (True, True)
    assert [*line] == ["timestamp", "level", "event", "logger", "pid", "value"]
    assert datetime.fromisoformat(line["timestamp"]).tzinfo is UTC
    assert line["timestamp"].endswith("Z")
    assert (line["level"], line["logger"], line["pid"]) == ("info", "portal.test", os.getpid())
    assert line["value"] == read


@pytest.mark.parametrize(
    ("level", "left"),
    [
        (LogLevel.DEBUG, ["debug", "info", "warning", "error"]),
        (LogLevel.INFO, ["info", "warning", "error"]),
        (LogLevel.WARNING, ["warning", "error"]),
        (LogLevel.ERROR, ["error"]),
    ],
)
def test_lines_below_the_level_are_not_written(
    written: Callable[[LogConfig], StringIO], level: LogLevel, left: list[str]
) -> None:
    out = written(LogConfig(level=level))
    log = structlog.get_logger("portal.test")

    for method in (log.debug, log.info, log.warning, log.error):
        method("an event")

    assert [json.loads(line)["level"] for line in out.getvalue().splitlines()] == left


class Terminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


@pytest.mark.parametrize(
    ("stream", "wanted", "is_json"),
    [
        (StringIO, LogFormat.AUTO, True),
        (Terminal, LogFormat.AUTO, False),
        (StringIO, LogFormat.CONSOLE, False),
        (Terminal, LogFormat.JSON, True),
    ],
)
@pytest.mark.usefixtures("written")
def test_the_format_is_the_configured_one_or_fits_the_stream(
    stream: Callable[[], StringIO], wanted: LogFormat, is_json: bool
) -> None:
    out = stream()
    logs.configure(out, LogConfig(format=wanted))

    structlog.get_logger("portal.test").info("an event")

    assert out.getvalue().startswith("{") is is_json


def test_on_a_terminal_no_value_and_no_traceback_can_move_the_cursor(
    written: Callable[[LogConfig], StringIO],
) -> None:
    out = written(LogConfig(format=LogFormat.CONSOLE))

    structlog.get_logger("portal.test").error("an event", value=NASTY, exc_info=ValueError("\x1b[2J\r"))

    text = out.getvalue()
    assert "ValueError: \\x1b[2J\\r" in text
    assert not [letter for letter in text if letter != "\n" and not letter.isprintable()]


PYTHON_ITSELF = """
import asyncio, logging, os, threading, warnings
from daypass.portal.telemetry.logs import take_over_stderr
log = take_over_stderr()
log.start()
warnings.warn("a warning" + "x" * 9000)
logging.getLogger("asyncio").error("a task failed")
crashing = threading.Thread(target=lambda: 1 // 0)
crashing.start()
crashing.join()
os.write(1, b"done")
log.finish()
"""


def test_pythons_own_messages_on_stderr_use_the_log_stream() -> None:
    command = [sys.executable, "-c", PYTHON_ITSELF]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        # Before this test reads what it says on stderr, which is more than a small pipe takes.
        fcntl.fcntl(child.stderr.fileno(), fcntl.F_SETPIPE_SZ, SMALL)
        done = child.stdout.read(4)
        said = child.stderr.read()

    assert (done, child.returncode) == ("done", 0)
    for part in ("a warning", "a task failed", "ZeroDivisionError"):
        assert part in said


AS_EVENTS = """
import logging, threading, warnings
from daypass.portal.telemetry import logs
from daypass.portal.telemetry.python_messages import log_python_messages
logs.configure(logs.take_over_stderr())
log_python_messages()
warnings.warn("a warning\\nof two lines")
logging.getLogger("asyncio").error("a task failed", exc_info=ValueError("why"))
logging.getLogger("botocore").debug("signed request")
logging.getLogger("botocore").error("%d requests", "many")
crashing = threading.Thread(target=lambda: 1 // 0, name="worker")
crashing.start()
crashing.join()
raise RuntimeError("the end")
"""


def test_pythons_own_messages_are_events() -> None:
    command = [sys.executable, "-c", AS_EVENTS]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    warning, task, misused, thread, end = [json.loads(line) for line in ran.stderr.splitlines()]

    assert ran.returncode == 1
    assert (warning["level"], warning["library"]) == ("warning", "py.warnings")
    assert "UserWarning: a warning" in warning["message"]
    assert (task["level"], task["library"], task["message"]) == ("error", "asyncio", "a task failed")
    assert "ValueError: why" in task["exception"]
    assert (misused["library"], misused["message"]) == ("botocore", "%d requests")
    assert (thread["event"], thread["operation"], thread["cause"]) == (
        *("error", "thread worker", "ZeroDivisionError"),
    )
    assert (end["operation"], end["code"]) == ("process", "internal")
    assert "RuntimeError: the end" in end["exception"]


VALUES = st.recursive(
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_a_line_is_what_the_json_encoder_makes_of_it(event: dict[str, Any]) -> None:
    assert render_json(None, "info", event) == json.dumps(event)


PIECES = st.sampled_from(
    ["Bearer ", "bearer ", "SigninToken=", "a.b-c", "daypass_pat_", "DAYPASS_WEB_", "a1b2c3d4", " ", '"']
)


@given(st.lists(PIECES, max_size=6).map("".join))
def test_a_line_that_may_hold_no_secret_is_redacted_like_any_other(line: str) -> None:
    # A letter outside ASCII selects the full search.
    other = " \N{GREEK SMALL LETTER ALPHA}"

    assert redact(None, "info", line + other) == redact(None, "info", line) + other
