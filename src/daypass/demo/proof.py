"""A checklist in which every line is a real call, and says what really came of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


class Unproven(Exception):
    """A check did not turn out as promised; the message is the outcome to show."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and the calls that keep it: `run` answers the outcome in a few words, or raises."""

    promise: str
    run: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Chapter:
    """Checks that belong together."""

    title: str
    checks: Sequence[Check]


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one check."""

    promise: str
    is_kept: bool
    outcome: str


def lines(checks: Sequence[Check]) -> Iterator[Line]:
    """Run the checks in order; one that fails does not keep the next from being tried."""
    for check in checks:
        try:
            yield Line(check.promise, True, check.run())
        except Unproven as unproven:
            yield Line(check.promise, False, str(unproven))
        except Exception as error:
            # Whatever went wrong is what this line has to show.
            yield Line(check.promise, False, f"{type(error).__name__}: {error}")
