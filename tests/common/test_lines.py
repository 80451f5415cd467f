"""Joining the lines of a message."""

import pytest

from daypass.common.lines import one_line

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
