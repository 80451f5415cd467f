"""The count of issuances by outcome."""

from daypass.portal.access.model import IssuanceRecord, State
from daypass.portal.access.plan import IssuanceAttempt
from daypass.portal.telemetry.metrics import ISSUANCES
from daypass.portal.tenants.model import Access

_NO_ACCESS = "none"


def count_attempt(attempt: IssuanceAttempt, outcome: State, access: Access | None = None) -> None:
    """Count an attempt whose outcome was recorded; a denied one has no access."""
    ISSUANCES.count(attempt.caller.channel, attempt.request.scope.kind, access or _NO_ACCESS, outcome)


def count_abandoned(attempt: IssuanceRecord) -> None:
    """Count an attempt that was settled with an unknown outcome."""
    ISSUANCES.count(attempt.channel, attempt.scope, attempt.access or _NO_ACCESS, State.UNKNOWN)
