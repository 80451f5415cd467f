"""What the command line says on stderr begins with a capital letter, as a sentence does."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from daypass.cli.runtime import errors
from daypass.cli.runtime.errors import Refusal

SOURCE = Path(errors.__file__).parent
MODULES = sorted([*SOURCE.rglob("*.py"), *(SOURCE.parent / "common").rglob("*.py")])
SPEAKING = {"say", "note", "ProxyError"} | {
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


def spoken(module: Path) -> Iterator[str]:
    for call in ast.walk(ast.parse(module.read_text())):
        if isinstance(call, ast.Call) and call.args:
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in SPEAKING:
                yield from first_words(call.args[0])


GUIDES = sorted((SOURCE.parents[2] / "docs" / "guides").glob("*.md"))


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_what_a_guide_shows_of_stderr_is_what_the_command_line_says(guide: Path) -> None:
    prefix = "daypass: "
    shown = [line.removeprefix(prefix) for line in guide.read_text().splitlines() if line.startswith(prefix)]
    said = {text.removeprefix(prefix).partition("\n")[0] for module in MODULES for text in spoken(module)}

    assert [line for line in shown if not line.startswith(tuple(said - {""}))] == []


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_a_sentence_on_stderr_begins_with_a_capital_letter(module: Path) -> None:
    sentences = [text.removeprefix("daypass: ") for text in spoken(module)]

    # A command is written as it is typed.
    assert [text for text in sentences if text[:1].islower() and not text.startswith("daypass ")] == []
