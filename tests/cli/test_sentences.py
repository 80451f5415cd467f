"""Messages of the command line on stderr begin with a capital letter, and guides quote them as they are."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass.cli.runtime import errors
from daypass.cli.runtime.errors import Refusal

SOURCE = Path(errors.__file__).parent.parent
MODULES = sorted([*SOURCE.rglob("*.py"), *(SOURCE.parent / "common").rglob("*.py")])
PRINTING = {"print_message", "debug", "write", "ProxyError"} | {
    name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Refusal)
}


def first_words(given: ast.expr) -> Iterator[str]:
    """Yield the literal beginnings of a text; none where it begins with a value, such as a path."""
    if isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield given.value
    elif isinstance(given, ast.JoinedStr) and given.values:
        yield from first_words(given.values[0])
    elif isinstance(given, ast.IfExp):
        yield from first_words(given.body)
        yield from first_words(given.orelse)


def messages(module: Path) -> Iterator[str]:
    for call in ast.walk(ast.parse(module.read_text())):
        if isinstance(call, ast.Call) and call.args:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in PRINTING:
                yield from first_words(call.args[0])


GUIDES = sorted((SOURCE.parents[2] / "docs" / "guides").glob("*.md"))


def test_messages_and_guides_are_found() -> None:
    found = [text for module in MODULES for text in messages(module)]

    assert len(found) > 80
    assert "The browser has the link, and opens the AWS console." in found
    assert "first-day.md" in [guide.name for guide in GUIDES]


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_a_guide_quotes_messages_of_the_command_line_as_they_are(guide: Path) -> None:
    prefix = "daypass: "
    shown = [line.removeprefix(prefix) for line in guide.read_text().splitlines() if line.startswith(prefix)]
    said = {text.removeprefix(prefix).partition("\n")[0] for module in MODULES for text in messages(module)}

    assert [line for line in shown if not line.startswith(tuple(said - {""}))] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_sentence_on_stderr_begins_with_a_capital_letter(module: Path) -> None:
    sentences = [text.removeprefix("daypass: ") for text in messages(module)]

    # A command is written as it is typed.
    assert [text for text in sentences if text[:1].islower() and not text.startswith("daypass ")] == []
