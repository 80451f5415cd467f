"""Refusals: each knows its reason as a sentence, and none knows a status code."""

from typing import ClassVar


class PortalError(Exception):
    """A refusal the caller can understand and act on; `reason` is safe to show."""

    code: ClassVar[str]

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidRequest(PortalError):
    """What was asked cannot be understood."""

    code = "invalid_request"


class InvalidDuration(PortalError):
    """The duration asked for is not one, or lies outside what AWS gives."""

    code = "invalid_duration"


class Unauthenticated(PortalError):
    """Nobody is behind this request: no token, or one that does not count."""

    code = "unauthenticated"


class SignInAgain(PortalError):
    """The grant behind the token has ended, or is too short to issue from."""

    code = "sign_in_again"


class SignInFailed(PortalError):
    """No such user, or not their password: which of the two is not said."""

    code = "sign_in_failed"


class TooManyAttempts(PortalError):
    """Too many wrong passwords; nothing typed now is looked at."""

    code = "too_many_guesses"


class RateLimited(PortalError):
    """The caller did the same too often; trying again when the window is over is right."""

    code = "rate_limited"


class ReauthenticationRequired(PortalError):
    """The change needs reauthentication: a sign-in of the last five minutes."""

    code = "fresh_sign_in_needed"


class RequestExpired(PortalError):
    """What an application asked for was answered already, or waited too long."""

    code = "request_over"


class ConsentTooFast(PortalError):
    """A consent that nobody can have read."""

    code = "too_soon"


class OAuthRefused(PortalError):
    """An application did not get what it asked for; `error` is the word that RFC 6749 has for it."""

    code = "oauth_refused"

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(reason)
        self.error = error


class AccessDenied(PortalError):
    """Policy said no."""

    code = "access_denied"


class InsufficientScope(AccessDenied):
    """The token's owner authorized it for less than this, in reading as in writing (RFC 6750)."""

    code = "insufficient_scope"


class JitDisabled(PortalError):
    """An administrator turned this kind of JIT access off."""

    code = "jit_disabled"


class TenantNotFound(PortalError):
    """There is no such tenant for this caller; whether it exists is not said."""

    code = "tenant_not_found"


class ResourceNotFound(PortalError):
    """There is no such resource for this caller; whether it exists is not said."""

    code = "resource_not_found"


class UserNotFound(PortalError):
    """There is no such user."""

    code = "user_not_found"


class MembershipNotFound(PortalError):
    """The user is no member of that tenant."""

    code = "membership_not_found"


class SettingNotFound(PortalError):
    """Nothing is set under that key."""

    code = "setting_not_found"


class MetadataNotFound(PortalError):
    """Nothing is noted about the tenant under that key."""

    code = "metadata_not_found"


class TokenNotFound(PortalError):
    """There is no such API token."""

    code = "token_not_found"


class EventNotFound(PortalError):
    """There is no such event on record."""

    code = "event_not_found"


class AlreadyExists(InvalidRequest):
    """What was to be made exists, or its name is taken."""

    code = "already_there"


class PreconditionFailed(PortalError):
    """What was to be changed is no longer what the caller knew of it."""

    code = "changed"


class LastAdministrator(PortalError):
    """Nobody would be left to run the portal."""

    code = "last_administrator"


class AuditUnavailable(PortalError):
    """The record could not be made durable, so nothing was released."""

    code = "audit_unavailable"


class StorageUnavailable(PortalError):
    """The database is gone, locked or full; nothing was changed. `cause` is for the operator alone."""

    code = "storage_unavailable"

    def __init__(self, reason: str, cause: str | None = None) -> None:
        super().__init__(reason)
        self.cause = cause


def storage_cause(error: BaseException | None) -> str | None:
    """Return what the database's driver reported, for the operator; None if the error has another cause."""
    while error is not None:
        if isinstance(error, StorageUnavailable) and error.cause:
            return error.cause
        error = error.__cause__
    return None


class Overloaded(PortalError):
    """Too much is waiting already; trying again in a moment is right."""

    code = "overloaded"


class AwsError(PortalError):
    """AWS did not give what was asked."""


class AwsRefused(AwsError):
    """AWS understood and said no, for a reason of its own."""

    code = "aws_refused"


class AwsTrustRefused(AwsError):
    """The role is missing, or its trust policy does not let the portal in."""

    code = "aws_trust"


class AwsThrottled(AwsError):
    """AWS asks everybody to slow down."""

    code = "aws_throttled"


class AwsUnavailable(AwsError):
    """AWS could not be reached, or did not answer in time."""

    code = "aws_unavailable"


class AwsMisconfigured(AwsError):
    """The portal's own AWS set-up is wrong; only its operator can mend it."""

    code = "aws_misconfigured"


class AwsNotAllowed(AwsError):
    """AWS does not let the portal do this; whoever runs the account can do it, or allow it."""

    code = "aws_not_allowed"


class RoleNotFound(AwsError):
    """There is no such role in the account."""

    code = "role_not_found"
