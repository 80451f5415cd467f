"""A checklist in which every line is a real call, and says what really came of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


class CheckFailed(Exception):
    """A check did not turn out as promised; the message is the outcome to show."""


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, and the calls that keep it: `run` answers the outcome in a few words, or raises."""

    title: str
    run: Callable[[], str]


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """Checks that belong together."""

    title: str
    checks: Sequence[Check]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What came of one check."""

    title: str
    has_passed: bool
    outcome: str


def run_checks(checks: Sequence[Check]) -> Iterator[CheckResult]:
    """Run the checks in order; one that fails does not keep the next from being tried."""
    for check in checks:
        try:
            yield CheckResult(check.title, True, check.run())
        except CheckFailed as unproven:
            yield CheckResult(check.title, False, str(unproven))
        except Exception as error:
            # Whatever went wrong is what this line has to show.
            yield CheckResult(check.title, False, f"{type(error).__name__}: {error}")
