"""A checklist whose checks make real calls and report their outcome."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass


class CheckFailed(Exception):
    """A failed check; the message is the outcome to print."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check: `run` returns the outcome in a few words, or raises an exception if it fails."""

    title: str
    run: Callable[[], str]


@dataclass(frozen=True, slots=True)
class CheckGroup:
    """Checks that belong together."""

    title: str
    checks: Sequence[Check]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of one check."""

    title: str
    has_passed: bool
    outcome: str


def run_checks(checks: Sequence[Check]) -> Iterator[CheckResult]:
    """Run the checks in order and yield their results; a failed check does not stop the others."""
    for check in checks:
        try:
            yield CheckResult(check.title, True, check.run())
        except CheckFailed as failure:
            yield CheckResult(check.title, False, str(failure))
        except Exception as error:
            # Any other error fails the check too, and is its outcome.
            yield CheckResult(check.title, False, f"{type(error).__name__}: {error}")
