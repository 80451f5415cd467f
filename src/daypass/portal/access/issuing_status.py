"""Status of issuing, as far as the portal's own AWS credentials decide."""

from dataclasses import dataclass

from daypass.portal.access.broker import RoleMaximumExceeded
from daypass.portal.errors import AwsError, AwsMisconfigured, AwsTrustRefused


@dataclass(frozen=True, slots=True)
class IssuingStatus:
    """The state of the portal's own credentials; `reason` is an error code, None while they work."""

    reason: str | None = None

    @property
    def is_issuing(self) -> bool:
        """True if AWS accepts the credentials, as far as is known."""
        return self.reason is None


def always_issuing() -> IssuingStatus:
    """Return the status of a portal whose credentials are not observed."""
    return IssuingStatus()


class CredentialStatus:
    """The status that the latest real calls with the portal's own credentials showed; for all threads."""

    def __init__(self) -> None:
        self._status = IssuingStatus()

    def __call__(self) -> IssuingStatus:
        """Return the status as of now."""
        return self._status

    def observe(self, failure: AwsError | None) -> None:
        """Take note of a call's outcome. Throttling and outages say nothing about credentials."""
        if isinstance(failure, AwsMisconfigured):
            self._status = IssuingStatus(failure.code)
        elif failure is None or isinstance(failure, (AwsTrustRefused, RoleMaximumExceeded)):
            # AWS authenticates a call before it refuses it for these reasons.
            self._status = IssuingStatus()
