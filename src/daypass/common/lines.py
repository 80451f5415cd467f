"""Texts as one line, safe to print."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def one_line(text: str) -> str:
    """Return the lines of *text* as one line, separated by `; ` after lines without final punctuation."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    joined = ""
    for line in filter(None, lines):
        separator = "" if not joined else " " if joined.endswith((".", "?", "!", ":", ";", ",")) else "; "
        joined += separator + line
    return joined


def printable_line(
    text: str, longest: int | None = None, replacement: "str | Callable[[str], str]" = _REPLACEMENT
) -> str:
    """Return *text* with its unprintable characters replaced, then cut to *longest* characters.

    Line breaks and control characters are unprintable, so the result is one line that a terminal only shows.
    *replacement* is a text, or a function that returns the text for a character.
    """
    if not text.isprintable():
        replace = replacement if callable(replacement) else lambda _: replacement
        text = "".join(letter if letter.isprintable() else replace(letter) for letter in text)
    return text if longest is None else text[:longest]
