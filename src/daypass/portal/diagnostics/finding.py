"""Findings, and the interface to the checks for the channels, which must not reach AWS themselves."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from daypass.portal.errors import AwsError, PortalError, storage_cause
from daypass.portal.tenants.model import Tenant


class Level(StrEnum):
    """The severity of a finding."""

    FINE = "fine"
    WARNING = "warning"
    """Sessions are issued, with a restriction."""
    ERROR = "error"
    """Some user cannot get a session."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    code: str
    level: Level
    subject: str
    sentence: str
    patch: str = ""
    """A command to run, or a document to apply, that repairs it."""


def run_check(code: str, subject: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of *check*; if it raises, yield a last one with *code* and the reason."""
    try:
        yield from check()
    except AwsError as error:
        yield Finding(code, Level.WARNING, subject, error.reason)
    except PortalError as error:
        cause = storage_cause(error)
        sentence = error.reason if cause is None else f"The database cannot be used. {cause}"
        yield Finding(code, Level.ERROR, subject, f"A check was not completed. {sentence}")
    except Exception as error:
        location = _location_of(error)
        sentence = f"A check was not completed: {location}. This is a defect of Daypass; please report it."
        yield Finding(code, Level.ERROR, subject, sentence)


def _location_of(error: Exception) -> str:
    """Return the type and location of an error. Its message is left out, since it may repeat a secret."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    location = (
        "" if last is None else f" in {last.tb_frame.f_globals.get('__name__', '?')}, line {last.tb_lineno}"
    )
    return f"{type(error).__name__}{location}"


EMPTIED = "emptied"
"""The code of a finding that a deletion removed the role's rights, so that its sessions have none."""
_OBSTACLES = frozenset({"missing", "trust", EMPTIED})
UNREADABLE = "unreadable"
"""The code of a finding that the role could not be read."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a tenant's role trusts the portal, and its sessions have rights."""

    can_issue: bool | None
    """None if the role could not be read."""
    obstacles: Sequence[Finding]
    """The findings that prevent it, each with the command that repairs it."""


def readiness(findings: Sequence[Finding]) -> Readiness:
    """Return what *findings* about one tenant mean for its sessions."""
    obstacles = [finding for finding in findings if finding.code in _OBSTACLES]
    if any(finding.code == UNREADABLE for finding in findings):
        return Readiness(None, obstacles)
    return Readiness(not obstacles, obstacles)


class Examiner(Protocol):
    """Checks roles in AWS without changing them."""

    def examine_tenant(self, tenant: Tenant) -> Sequence[Finding]:
        """Return the findings on one tenant's role; does not raise if AWS is unavailable."""
