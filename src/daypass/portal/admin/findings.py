"""What was found wrong in AWS, and the interface that hides how it was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

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
