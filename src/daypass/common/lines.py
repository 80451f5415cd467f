"""Joining the lines of a message into one."""


def one_line(text: str) -> str:
    """Return the lines of *text* as one line, separated by `; ` after lines without final punctuation."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    joined = ""
    for line in filter(None, lines):
        separator = "" if not joined else " " if joined.endswith((".", "?", "!", ":", ";", ",")) else "; "
        joined += separator + line
    return joined
