"""Numbers and lists in English sentences."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 event`, `2 events` or `1,000 events`; *plural* is for irregular nouns."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def enumerated(words: list[str]) -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
