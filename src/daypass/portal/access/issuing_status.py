"""Whether the portal can issue credentials, judged by its own AWS credentials."""

from dataclasses import dataclass

from daypass.portal.access.broker import RoleMaximumExceeded
from daypass.portal.errors import AwsError, AwsMisconfigured, AwsTrustRefused


@dataclass(frozen=True, slots=True)
class IssuingStatus:
    """The state of the portal's own AWS credentials; `reason` is an error code, or None while they work."""

    reason: str | None = None

    @property
    def is_issuing(self) -> bool:
        """Whether AWS accepts the credentials, as far as the portal knows."""
        return self.reason is None


def always_issuing() -> IssuingStatus:
    """Return the status of a portal whose credentials are not observed."""
    return IssuingStatus()


class CredentialStatus:
    """A thread-safe status that follows the outcome of the portal's latest AWS calls."""

    def __init__(self) -> None:
        self._status = IssuingStatus()

    def __call__(self) -> IssuingStatus:
        """Return the current status."""
        return self._status

    def observe(self, failure: AwsError | None) -> None:
        """Update the status from a call's outcome; throttling and outages leave it unchanged."""
        if isinstance(failure, AwsMisconfigured):
            self._status = IssuingStatus(failure.code)
        elif failure is None or isinstance(failure, (AwsTrustRefused, RoleMaximumExceeded)):
            # AWS authenticates a call before it refuses it for these reasons.
            self._status = IssuingStatus()
