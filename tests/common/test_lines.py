"""Texts as one printable line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daypass.common.lines import one_line, printable_line

LIBPQ = (
    'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused\n'
    "\tIs the server running on that host and accepting TCP/IP connections?\n"
    "Multiple connection attempts failed. All failures were:\n"
    "- host: 'a'\n"
)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("one\n", "one"),
        ("one\r\n\n  two", "one; two"),
        (
            "Missing argument 'SHELL'. Choose from:\n\tbash,\n\tzsh",
            "Missing argument 'SHELL'. Choose from: bash, zsh",
        ),
        (
            LIBPQ,
            'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused; '
            "Is the server running on that host and accepting TCP/IP connections? "
            "Multiple connection attempts failed. All failures were: - host: 'a'",
        ),
    ],
)
def test_lines_without_final_punctuation_are_separated(text: str, line: str) -> None:
    assert one_line(text) == line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", ""),
        ("a name", "a name"),
        ("two\nlines", "two\N{REPLACEMENT CHARACTER}lines"),
        ("\x1b[31mred\0", "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_a_printable_line_has_no_control_characters(text: str, line: str) -> None:
    assert printable_line(text) == line


@given(st.text(), st.integers(0, 20))
def test_every_line_is_printable_and_not_too_long(text: str, longest: int) -> None:
    line = printable_line(text, longest)

    assert line.isprintable()
    assert len(line) <= longest


def test_an_unprintable_character_can_be_removed_or_escaped() -> None:
    assert printable_line("a\nb\tc", 3, " ") == "a b"
    assert printable_line("a\nb\tc", 3, "") == "abc"
    assert printable_line("a\nb", replacement=lambda sign: f"<{ord(sign)}>") == "a<10>b"
