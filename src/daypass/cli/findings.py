"""What a check found, and what mends it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How bad it is."""

    GOOD = "good"
    NOTABLE = "notable"
    """It works, and something is better otherwise."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    about: str
    state: State
    sentence: str
    mend: str = ""
    """A line to run or to write, or an empty one where nothing is to be done."""


def good(about: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(about, State.GOOD, sentence)


def notable(about: str, sentence: str, mend: str) -> Finding:
    """It works, and something is better otherwise."""
    return Finding(about, State.NOTABLE, sentence, mend)


def bad(about: str, sentence: str, mend: str) -> Finding:
    """This keeps somebody from getting keys, or a secret from being one."""
    return Finding(about, State.BAD, sentence, mend)
