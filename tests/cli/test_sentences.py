"""Messages on stderr begin with a capital letter, and guides quote them as they are."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass import cli
from daypass.cli.runtime import errors
from daypass.cli.runtime.errors import Refusal

SOURCE = Path(cli.__file__).parent
MODULES = sorted([*SOURCE.rglob("*.py"), *(SOURCE.parent / "common").rglob("*.py")])
MESSAGE_FUNCTIONS = {"print_message", "debug", "show", "ProxyError"} | {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Refusal)
}


def literal_beginnings(expression: ast.expr) -> Iterator[str]:
    """Yield the literal beginnings of a text; none if it begins with a value, such as a path."""
    if isinstance(expression, ast.Constant) and isinstance(expression.value, str):
        yield expression.value
    elif isinstance(expression, ast.JoinedStr) and expression.values:
        yield from literal_beginnings(expression.values[0])
    elif isinstance(expression, ast.IfExp):
        yield from literal_beginnings(expression.body)
        yield from literal_beginnings(expression.orelse)


def messages_of(module: Path) -> Iterator[str]:
    for call in ast.walk(ast.parse(module.read_text())):
        if isinstance(call, ast.Call) and call.args:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in MESSAGE_FUNCTIONS:
                yield from literal_beginnings(call.args[0])


_DOCS = SOURCE.parents[2] / "docs"
GUIDES = sorted(guide for folder in ("guides", "tutorial") for guide in (_DOCS / folder).glob("*.md"))


def test_messages_and_guides_are_found() -> None:
    found = [text for module in MODULES for text in messages_of(module)]

    assert len(found) > 80
    assert "The browser has the link, and opens the AWS console." in found
    assert "first-day.md" in [guide.name for guide in GUIDES]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_messages_quoted_in_a_guide_are_those_of_the_command_line(guide: Path) -> None:
    prefix = "daypass: "
    quoted = [line.removeprefix(prefix) for line in guide.read_text().splitlines() if line.startswith(prefix)]
    messages = {
        text.removeprefix(prefix).partition("\n")[0] for module in MODULES for text in messages_of(module)
    }

    assert [line for line in quoted if not line.startswith(tuple(messages - {""}))] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_message_on_stderr_begins_with_a_capital_letter(module: Path) -> None:
    messages = [text.removeprefix("daypass: ") for text in messages_of(module)]

    # A message may begin with a command, which is written as the user types it.
    assert [text for text in messages if text[:1].islower() and not text.startswith("daypass ")] == []
