"""The reference of the logs lists every event and every field in the source."""

import ast
import re
from pathlib import Path

import daypass.portal

SOURCE = Path(daypass.portal.__file__).parent
PAGE = (SOURCE.parents[2] / "docs" / "reference" / "logs.md").read_text()

METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
LOGGERS = {"log", "_log"}

# Fields of a line that are no keyword of a call: those of the access log, which a test of it lists.
OTHER = {
    *("timestamp", "level", "event", "logger", "pid", "exception"),
    *("request_id", "method", "route", "path", "status", "duration_ms", "bytes", "channel", "address"),
    *("user_agent", "user", "token_kind", "tenant", "issuance_id", "code", "reason", "cause", "remedy"),
    *("dropped", "trace_id", "certificate", "not_after"),
}


def documented(heading: str) -> set[str]:
    """Return the names in the first column of the table below each heading that begins like that."""
    parts = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    chosen = [part for part in parts if heading in part.partition("\n")[0].lower()]
    return {name for part in chosen for name in re.findall(r"^\| `(.+?)` \|", part, re.MULTILINE)}


def is_logger(node: ast.expr) -> bool:
    """Return whether an expression is a logger of structlog."""
    if isinstance(node, ast.IfExp):
        return False
    if isinstance(node, ast.Name):
        return node.id in LOGGERS
    if isinstance(node, ast.Attribute):
        return ast.unparse(node) == "self.log"
    return isinstance(node, ast.Call) and ast.unparse(node.func).endswith("get_logger")


def methods(node: ast.expr) -> list[ast.Attribute]:
    """Return the methods of loggers that are called: two for `(log.warning if x else log.info)(...)`."""
    chosen = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]
    found = [one for one in chosen if isinstance(one, ast.Attribute)]
    return [one for one in found if one.attr in METHODS and is_logger(one.value)]


def logging_calls() -> list[ast.Call]:
    """Return every call in the portal that writes a line."""
    trees = [ast.parse(module.read_text()) for module in sorted(SOURCE.rglob("*.py"))]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in calls if methods(call.func)]


def test_every_event_has_a_row_and_every_row_an_event() -> None:
    calls = logging_calls()
    named = [call.args[0].value for call in calls if isinstance(call.args[0], ast.Constant)]

    assert len(named) == len(calls) > 10, "the name of an event is a literal, so that it can be searched for"
    assert {*named, "log lines dropped"} == documented("events")


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    used = {word.arg for call in logging_calls() for word in call.keywords if word.arg is not None}

    assert (used - {"exc_info"}) | OTHER == documented("fields")
