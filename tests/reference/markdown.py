"""Markdown of the reference pages."""

import re
import textwrap
from collections.abc import Iterable, Sequence

_WIDTH = 128
_TOKEN = re.compile(
    r"`[^`]*`"
    r"|(?<![\w`/-])--?[a-z][a-z0-9-]*\b"
    r"|(?<![\w`/])(?:DAYPASS|DUPLO|AWS|SSL|REQUESTS|XDG|PG|GITHUB)_[A-Z_]+(?:=[\w-]+)?"
    r"|\bSTATE_DIRECTORY\b|\bBROWSER\b"
    r"|(?<![\w`])~?/[\w./-]+"
)
"""Code in plain text: a code span, an option, a variable or a path."""


def wrap(paragraph: str) -> str:
    """Return a paragraph in lines of at most 128 characters."""
    return textwrap.fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def wrapped(text: str) -> str:
    """Return a text of several paragraphs and lists, whose paragraphs and items are wrapped."""
    return "\n\n".join(_wrapped_block(block) for block in text.strip().split("\n\n"))


def _wrapped_block(block: str) -> str:
    if block.startswith(("#", "```", "<!--")):
        return block
    if not block.startswith("- "):
        return wrap(block)
    return "\n".join(wrap(item).replace("\n", "\n  ") for item in re.split(r"\n(?=- )", block))


def with_code(text: str) -> str:
    """Return plain text with its options, variables and paths as code."""
    return _TOKEN.sub(lambda token: token[0] if token[0].startswith("`") else _as_code(token[0]), text)


def _as_code(token: str) -> str:
    bare = token.rstrip(".")
    return f"`{bare}`{token[len(bare) :]}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a `|` in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
