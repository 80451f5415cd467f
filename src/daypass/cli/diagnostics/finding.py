"""What a check found, and what mends it."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from daypass.cli.runtime.deadline import is_debugging
from daypass.cli.runtime.errors import Refusal


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


def run_check(about: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of *check*, and if it raises, a last one about *about* that says why it ended."""
    try:
        yield from check()
    except Refusal as refusal:
        yield bad(about, f"this was not checked: {refusal}", "daypass doctor --debug")
    except Exception as error:
        # The message is left out, since it may repeat a secret; the caller removes tokens from a traceback.
        kind = type(error).__name__
        sentence = f"this was not checked, because of a defect of daypass: {kind}. Please report it."
        if is_debugging():
            sentence += "\n" + "".join(traceback.format_exception(error))
        yield bad(about, sentence, "DAYPASS_DEBUG=1 daypass doctor    # shows where")
