"""The portal's errors: each has a stable code and a reason, and none knows an HTTP status."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar


class PortalError(Exception):
    """An error that the caller can act on; `reason` is safe to show."""

    code: ClassVar[str]
    cause: str | None = None
    """For the operator only: the message of the database or AWS, on one line, and where it came from."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidRequest(PortalError):
    """The request is malformed or has an invalid value."""

    code = "invalid_request"

    def __init__(self, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.field = field
        """The name of the invalid value, such as `audience` or `claims.repository_id`; empty if unknown."""


@contextmanager
def invalid_field(field: str) -> Iterator[None]:
    """Set the field of an `InvalidRequest` that the block raises, unless it has one."""
    try:
        yield
    except InvalidRequest as error:
        error.field = error.field or field
        raise


class InvalidDuration(PortalError):
    """The requested duration is malformed, or outside the range that AWS allows."""

    code = "invalid_duration"


class Unauthenticated(PortalError):
    """The request has no token, or an invalid one."""

    code = "unauthenticated"


class SignInAgain(PortalError):
    """The sign-in behind the token has ended, or ends too soon to issue a session from it."""

    code = "sign_in_again"


class SignInFailed(PortalError):
    """The username or password is wrong; the reason does not tell which."""

    code = "sign_in_failed"


class AccountRefused(PortalError):
    """The user's account at an identity provider gives no access to the portal."""

    code = "account_refused"

    def __init__(self, cause_code: str, reason: str) -> None:
        super().__init__(reason)
        self.cause_code = cause_code
        """The cause in one word, for the audit log."""


class GroupsClaimInvalid(SignInFailed):
    """The identity provider did not send the user's groups in a form that the portal can rely on."""

    code = "groups_claim"


class TooManyAttempts(PortalError):
    """Too many wrong passwords; passwords are not checked until the window has passed."""

    code = "too_many_guesses"


class RateLimited(PortalError):
    """The caller exceeded a rate limit and can retry after its window."""

    code = "rate_limited"


class ReauthenticationRequired(PortalError):
    """The change needs reauthentication, a sign-in of the last five minutes."""

    code = "fresh_sign_in_needed"


class AuthenticationTooOld(ReauthenticationRequired):
    """The user's authentication is older than the maximum age for this AWS session (RFC 9470)."""

    code = "insufficient_user_authentication"

    def __init__(self, reason: str, max_age: timedelta) -> None:
        super().__init__(reason)
        self.max_age = max_age


class RequestExpired(PortalError):
    """An application's authorization request was already answered, or has expired."""

    code = "request_over"


class ConsentTooFast(PortalError):
    """A consent was given faster than a person can read it."""

    code = "too_soon"


class OAuthRefused(PortalError):
    """An OAuth request was refused; `error` is the error code of RFC 6749."""

    code = "oauth_refused"

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(reason)
        self.error = error


class ScimRefused(PortalError):
    """A SCIM request was refused; `scim_type` is the error keyword of RFC 7644, section 3.12."""

    code = "scim_refused"

    def __init__(self, scim_type: str, reason: str) -> None:
        super().__init__(reason)
        self.scim_type = scim_type


class LastSignInMethod(PortalError):
    """The change would leave a user without a way to sign in."""

    code = "last_sign_in_method"


class ProviderRefused(PortalError):
    """An identity provider refused the sign-in; `error` is its error code, such as `access_denied`."""

    code = "provider_refused"

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(reason)
        self.error = error


class ProviderUnavailable(PortalError):
    """An identity provider cannot be reached, or answered in a form that the portal cannot use."""

    code = "provider_unavailable"


class LogoutReplayed(PortalError):
    """An identity provider's logout token was accepted before."""

    code = "logout_replayed"


class IssuerUnreachable(PortalError):
    """The keys of the issuer of a workload's ID token cannot be read; the token may be valid."""

    code = "issuer_unreachable"


class AccessDenied(PortalError):
    """The access policy denies the request."""

    code = "access_denied"


class InsufficientScope(AccessDenied):
    """The token's scope does not include this request (RFC 6750)."""

    code = "insufficient_scope"


class JitDisabled(PortalError):
    """An administrator has disabled this kind of JIT access."""

    code = "jit_disabled"


class TenantNotFound(PortalError):
    """The tenant does not exist, or the caller has no access to it; the reason does not tell which."""

    code = "tenant_not_found"


class ResourceNotFound(PortalError):
    """The resource does not exist, or the caller has no access to it; the reason does not tell which."""

    code = "resource_not_found"


class UserNotFound(PortalError):
    """The user does not exist."""

    code = "user_not_found"


class MembershipNotFound(PortalError):
    """The user is not a member of the tenant."""

    code = "membership_not_found"


class PermissionSetNotFound(PortalError):
    """There is no permission set with that name."""

    code = "permission_set_not_found"


class PermissionSetInUse(PortalError):
    """The permission set cannot be deleted while memberships have it."""

    code = "permission_set_in_use"


class HasPermissionSet(PortalError):
    """The membership has a custom permission set, which this legacy call cannot express or replace."""

    code = "has_permission_set"


class WorkloadRuleNotFound(PortalError):
    """There is no workload rule of this name."""

    code = "workload_rule_not_found"


class ScimProviderNotFound(PortalError):
    """No identity provider with this name is configured to provision users."""

    code = "scim_provider_not_found"


class ScimTokenLimit(PortalError):
    """An identity provider has as many valid tokens as it may have."""

    code = "scim_token_limit"


class GroupNotFound(PortalError):
    """The group does not exist."""

    code = "group_not_found"


class GroupReadOnly(PortalError):
    """The group's members come from an identity provider, so they cannot be changed here."""

    code = "group_read_only"


class SettingNotFound(PortalError):
    """The setting is not set."""

    code = "setting_not_found"


class MetadataNotFound(PortalError):
    """The tenant has no metadata with that key."""

    code = "metadata_not_found"


class TokenNotFound(PortalError):
    """The API token does not exist."""

    code = "token_not_found"


class EventNotFound(PortalError):
    """The audit log has no such event."""

    code = "event_not_found"


class AlreadyExists(InvalidRequest):
    """The object exists already, or its name is taken."""

    code = "already_there"


class PreconditionFailed(PortalError):
    """The object was changed since the caller read it."""

    code = "changed"


class LastAdministrator(PortalError):
    """The change would leave the portal without an Administrator."""

    code = "last_administrator"


class BreakGlassProtected(InvalidRequest):
    """The change concerns the break-glass account, which only the operator changes."""

    code = "break_glass_account"


class AuditUnavailable(PortalError):
    """The audit event could not be committed, so nothing was released."""

    code = "audit_unavailable"


class StorageUnavailable(PortalError):
    """The database is unreachable, locked or full; nothing was changed."""

    code = "storage_unavailable"

    def __init__(self, reason: str, cause: str | None = None) -> None:
        super().__init__(reason)
        self.cause = cause


def storage_cause(error: BaseException | None) -> str | None:
    """Return the database driver's message, for the operator; None if the error has another cause."""
    while error is not None:
        if isinstance(error, StorageUnavailable) and error.cause:
            return error.cause
        error = error.__cause__
    return None


class Overloaded(PortalError):
    """The queue of waiting requests is full; the caller can retry in a moment."""

    code = "overloaded"


class AwsError(PortalError):
    """A call to AWS failed."""


class AwsRefused(AwsError):
    """AWS refused the call for a reason that has no code of its own."""

    code = "aws_refused"


class AwsPolicyRefused(AwsError):
    """AWS refused the policies of a permission set, or the portal may not use the set's own role."""

    code = "aws_policy"


class AwsTrustRefused(AwsError):
    """The role does not exist, or its trust policy does not trust the portal."""

    code = "aws_trust"


class AwsThrottled(AwsError):
    """AWS throttled the call."""

    code = "aws_throttled"


class AwsUnavailable(AwsError):
    """AWS was unreachable, or did not answer in time."""

    code = "aws_unavailable"


class AwsMisconfigured(AwsError):
    """The portal's AWS configuration is wrong; only its operator can fix it."""

    code = "aws_misconfigured"


class AwsNotAllowed(AwsError):
    """The portal lacks the permission; an administrator of the account can grant it, or make the change."""

    code = "aws_not_allowed"


class RoleNotFound(AwsError):
    """The role does not exist in the account."""

    code = "role_not_found"
