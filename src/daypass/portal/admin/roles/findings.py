"""What was found wrong in AWS, and the interface that hides how it was looked at."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from daypass.portal.errors import AwsError, PortalError, storage_cause
from daypass.portal.tenants.model import Tenant


class Level(StrEnum):
    """How bad it is."""

    FINE = "fine"
    WARNING = "warning"
    """Something works less than it could."""
    ERROR = "error"
    """Somebody gets no session."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    code: str
    level: Level
    subject: str
    sentence: str
    patch: str = ""
    """A line to run, or a document to put in place."""


def attempted(code: str, subject: str, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yield the findings of *check*, and if it raises, a last one with *code* that says why it ended."""
    try:
        yield from check()
    except AwsError as error:
        yield Finding(code, Level.WARNING, subject, error.reason)
    except PortalError as error:
        cause = storage_cause(error)
        sentence = error.reason if cause is None else f"The database cannot be used. {cause}"
        yield Finding(code, Level.ERROR, subject, f"A check was not completed. {sentence}")
    except Exception as error:
        sentence = (
            f"A check was not completed: {_place_of(error)}. This is a defect of Daypass; please report it."
        )
        yield Finding(code, Level.ERROR, subject, sentence)


def _place_of(error: Exception) -> str:
    """Return type and place of an error. Its message is left out, since it may repeat a secret."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    place = (
        "" if last is None else f" in {last.tb_frame.f_globals.get('__name__', '?')}, line {last.tb_lineno}"
    )
    return f"{type(error).__name__}{place}"


EMPTIED = "emptied"
"""The code of a finding that says that a deletion took the role's rights: its sessions can do nothing."""
_SHUTS_OUT = frozenset({"missing", "trust", EMPTIED})
UNREADABLE = "unreadable"
"""The code of a finding that says that the role itself could not be read."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a tenant's role lets the portal in, and its sessions have any rights."""

    can_issue: bool | None
    """None if the role could not be read."""
    obstacles: Sequence[Finding]
    """Why it does not, each with the command that repairs it."""


def readiness(findings: Sequence[Finding]) -> Readiness:
    """Return what *findings* about one tenant mean for its sessions."""
    obstacles = [finding for finding in findings if finding.code in _SHUTS_OUT]
    if any(finding.code == UNREADABLE for finding in findings):
        return Readiness(None, obstacles)
    return Readiness(not obstacles, obstacles)


class Examiner(Protocol):
    """Looks at AWS and changes nothing there."""

    def examine_tenant(self, tenant: Tenant) -> Sequence[Finding]:
        """What there is to say of one tenant's role; also when AWS cannot be asked."""
