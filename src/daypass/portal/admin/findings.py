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


class Examiner(Protocol):
    """Looks at AWS and changes nothing there."""

    def examine_tenant(self, tenant: Tenant) -> Sequence[Finding]:
        """What there is to say of one tenant's role; also when AWS cannot be asked."""
