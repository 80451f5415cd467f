"""The finding of a check, with its fix."""

import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from daypass.cli.runtime.deadline import is_debugging
from daypass.cli.runtime.errors import Refusal


class State(StrEnum):
    """The severity of a finding."""

    GOOD = "good"
    NOTABLE = "notable"
    """It works but should be improved."""
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. The field names are those of the JSON output."""

    about: str
    state: State
    sentence: str
    mend: str = ""
    """A command to run or a line to write; empty if there is nothing to do."""


def good(about: str, sentence: str) -> Finding:
    """Return a finding without a problem."""
    return Finding(about, State.GOOD, sentence)


def notable(about: str, sentence: str, mend: str) -> Finding:
    """Return a finding for something that works but should be improved."""
    return Finding(about, State.NOTABLE, sentence, mend)


def bad(about: str, sentence: str, mend: str) -> Finding:
    """Return a finding for a problem that prevents getting keys, or that exposes a secret."""
    return Finding(about, State.BAD, sentence, mend)


def run_check(about: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of *check*; if it raises, the last one reports that under *about*."""
    try:
        yield from check()
    except Refusal as refusal:
        yield bad(about, f"this was not checked: {refusal}", "daypass doctor --debug")
    except Exception as error:
        # The message is left out, because it may repeat a secret; the caller redacts tokens in a traceback.
        kind = type(error).__name__
        sentence = f"this was not checked, because of a defect of daypass: {kind}. Please report it."
        if is_debugging():
            sentence += "\n" + "".join(traceback.format_exception(error))
        yield bad(about, sentence, "DAYPASS_DEBUG=1 daypass doctor    # shows the traceback")
