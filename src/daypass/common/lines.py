"""Messages of several lines, written in one."""


def one_line(text: str) -> str:
    """Return the lines of *text* in one, separated by `; ` where a line does not end with punctuation."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    joined = ""
    for line in filter(None, lines):
        separator = "" if not joined else " " if joined.endswith((".", "?", "!", ":", ";", ",")) else "; "
        joined += separator + line
    return joined
