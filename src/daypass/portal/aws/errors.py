"""Mapping of AWS error codes to the portal's errors. HTTP status is not used: throttling may come as 400."""

import re
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from types import TracebackType

from daypass.common.lines import one_line, printable_line
from daypass.common.proxies import Proxy, ProxyError
from daypass.portal.access.broker import RoleMaximumExceeded
from daypass.portal.errors import (
    AwsError,
    AwsMisconfigured,
    AwsRefused,
    AwsThrottled,
    AwsTrustRefused,
    AwsUnavailable,
)
from daypass.portal.redaction import redacted
from daypass.portal.telemetry.error_events import LONGEST_CAUSE
from daypass.portal.telemetry.metrics import AWS_ERRORS
from daypass.portal.telemetry.spans import call_span

_THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "SlowDown",
    }
)
_UNAVAILABLE = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServiceException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "RequestTimeout",
        "RequestTimeoutException",
    }
)
_BAD_KEYS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "MissingAuthenticationToken",
        "UnrecognizedClientException",
    }
)
_BAD_SIGNATURE = frozenset(
    {"InvalidSignatureException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"}
)
_CLOCK_IS_WRONG = frozenset({"RequestExpired", "RequestTimeTooSkewed"})
_BAD_REGION = frozenset({"OptInRequired", "RegionDisabled", "RegionDisabledException"})
_DENIED = frozenset({"AccessDenied", "AccessDeniedException"})


class SessionRefused(AwsRefused):
    """AWS refused the parameters of a session with a code that has no meaning of its own here."""


class SessionTooLarge(SessionRefused):
    """AWS refused a session because its policies and tags are too large together."""


class CredentialsRefused(AwsMisconfigured):
    """AWS rejects the portal's keys or signature; a new lookup may find other keys."""


# The code is shown to users and recorded, so text of any other form is not passed on.
_A_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,63}")
# STS reports a wrong time as SignatureDoesNotMatch, like a wrong key; only the message differs.
_WRONG_TIME = re.compile(r"Signature (expired|not yet current)")
LARGEST_SKEW = timedelta(minutes=5)
"""The clock difference up to which AWS accepts signatures."""
# Every invalid parameter has the code ValidationError; only the message names the limit.
_TOO_LONG = re.compile(r"MaxSessionDuration|1 hour session limit")


class count_errors:  # noqa: N801  used like a function
    """A context manager around a call to *service*: it counts an `AwsError`, and opens a span."""

    # A class, because a generator costs several times as much, and each call to AWS enters one.
    __slots__ = ("_service", "_span")

    def __init__(self, service: str) -> None:
        self._service = service
        self._span: AbstractContextManager[object] | None = None

    def __enter__(self) -> None:
        """Open a span if traces are on."""
        self._span = call_span(self._service)
        if self._span is not None:
            self._span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count the error, which passes through, and end the span."""
        if isinstance(error, AwsError):
            AWS_ERRORS.count(self._service, error.code)
        if self._span is not None:
            self._span.__exit__(kind, error, trace)


def answered(error: AwsError, url: str, code: str, message: str = "") -> AwsError:
    """Return *error* with the endpoint's *code* as the cause for the operator, and the *message* of a denial.

    A denial names principal, action and resource. Other messages are left out: one about a signature repeats
    the request with the portal's session token, and one about a parameter repeats its value.
    """
    said = f": {redacted(one_line(message))}" if message and code in _DENIED else ""
    error.cause = printable_line(f"{url} answered {code}{said}", LONGEST_CAUSE)
    return error


def not_answered(error: AwsError, url: str, failure: BaseException) -> AwsError:
    """Return *error* with the *failure* of the connection to *url* as the cause for the operator."""
    failure = failure.__cause__ or failure
    # Of other exceptions only the type, since the text may contain request data.
    said = f": {one_line(str(failure))}" if isinstance(failure, OSError) and str(failure) else ""
    error.cause = printable_line(f"{url}: {type(failure).__name__}{said}", LONGEST_CAUSE)
    return error


def unreachable(proxy: Proxy | None = None) -> AwsUnavailable:
    """Return the error for an AWS endpoint that did not answer in time, directly or through *proxy*."""
    way = "" if proxy is None else f" through {proxy}"
    return AwsUnavailable(
        f"AWS could not be reached in time{way}. Nothing was issued; try again in a moment."
    )


def proxy_failure(error: ProxyError) -> AwsError:
    """Return the error for a proxy that did not connect the portal to AWS."""
    kind = AwsMisconfigured if error.needs_setup else AwsUnavailable
    return kind(f"AWS could not be reached. {error}")


def invalid_response() -> AwsRefused:
    """Return the error for a response that is not AWS's; not retried, because AWS may have acted on it."""
    return AwsRefused(
        "The response is not a valid response of AWS. Nothing was issued. Check the endpoint and any proxy."
    )


def aws_unavailable() -> AwsUnavailable:
    """Return the error for a server error of AWS."""
    return AwsUnavailable("AWS reported an internal error. Nothing was issued; try again in a moment.")


def throttled() -> AwsThrottled:
    """Return the error for a request that AWS throttled."""
    return AwsThrottled("AWS throttled the portal's requests. Try again in a moment.")


def find_clock_refusal(code: str, message: str, aws_time: datetime | None, now: datetime) -> AwsError | None:
    """Return the error for clocks that differ, if that explains AWS's *code*; else None.

    *aws_time* is the Date of AWS's response. A signature with a wrong time is rejected with codes that
    also mean wrong keys or missing permissions.
    """
    if code not in _DENIED | _BAD_SIGNATURE:
        return None
    skew = timedelta() if aws_time is None else aws_time - now
    if abs(skew) > LARGEST_SKEW:
        direction = "ahead of" if skew > timedelta() else "behind"
        difference = f"AWS's clock is {abs(skew) // timedelta(minutes=1)} minutes {direction} the portal's"
    elif code in _CLOCK_IS_WRONG or _WRONG_TIME.search(message):
        difference = "AWS's clock and the portal's differ"
    else:
        return None
    return AwsMisconfigured(
        f"{difference}, so AWS refuses what the portal signs ({code}). The portal's operator must set the "
        "clock of its machine, for example with NTP."
    )


def error_for_code(code: str, message: str, role_arn: str) -> AwsError:
    """Return the error for AWS's *code* on *role_arn*; *message* is only matched, never passed on."""
    if general := _general(code):
        return general
    if code in _DENIED:
        return AwsTrustRefused(
            f"AWS does not let the portal assume {role_arn}: the role is missing, its trust policy does not "
            "name the portal (or names another external id), or the portal itself lacks sts:AssumeRole."
        )
    if code == "ValidationError" and _TOO_LONG.search(message):
        return RoleMaximumExceeded(
            f"The requested session is longer than {role_arn} allows. Request a shorter one."
        )
    if code == "PackedPolicyTooLarge":
        return SessionTooLarge(
            f"AWS refused the session for {role_arn}: its policies and tags are larger together than AWS "
            f"allows ({code})."
        )
    return SessionRefused(f"AWS refused the session for {role_arn} ({code}).")


def search_refusal(code: str, role_arn: str) -> AwsError:
    """Return the error for AWS's *code* on a search by tags in a session of *role_arn*."""
    if general := _general(code):
        return general
    if code in _DENIED:
        return AwsRefused(
            f"AWS does not let {role_arn} search for its resources ({code}). A policy of that role must "
            "allow tag:GetResources on every resource (*), and no boundary may take it away."
        )
    return AwsRefused(f"AWS refused to search for resources as {role_arn} ({code}).")


def _general(code: str) -> AwsError | None:
    """Return the error for a code whose meaning does not depend on the action; else None."""
    if not _A_CODE.fullmatch(code):
        return invalid_response()
    if code in _THROTTLED:
        return throttled()
    if code in _UNAVAILABLE:
        return aws_unavailable()
    return _misconfigured(code)


def _misconfigured(code: str) -> AwsMisconfigured | None:
    if code in _BAD_KEYS:
        return CredentialsRefused(
            f"AWS does not accept the portal's own credentials ({code}). Its operator must renew them."
        )
    if code in _BAD_SIGNATURE:
        return CredentialsRefused(
            f"AWS does not accept the portal's signature ({code}): its secret key is wrong, or its clock is."
        )
    if code in _BAD_REGION:
        return AwsMisconfigured(f"The portal's AWS region is not turned on in its account ({code}).")
    return None
