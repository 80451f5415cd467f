"""Error events: each failure that an operator has to know of is one line with its cause and its remedy."""

from collections.abc import Mapping

import structlog

from daypass.common.lines import one_line, printable_line
from daypass.portal.errors import PortalError

LONGEST_CAUSE = 500
"""The most characters of a cause in the log."""

_DOCTOR = "Run `daypass portal doctor`"

REMEDIES: Mapping[str, str] = {
    "audit_unavailable": f"Check that the database runs, answers, and has free space. {_DOCTOR}.",
    "storage_unavailable": f"Check that the database runs, answers, and has free space. {_DOCTOR}.",
    "provider_unavailable": (
        "Check the identity provider, and the network, proxy and certificates between it and the portal; the "
        "cause says what failed."
    ),
    "issuer_unreachable": (
        "Check the network, proxy and certificates between the portal and the issuer in the cause, or paste "
        "its keys into the rule."
    ),
    "overloaded": "Repair AWS or the database if one is slow, else add replicas or raise DAYPASS_THREADS.",
    "aws_refused": f"Look up AWS's code in the cause. {_DOCTOR}.",
    "aws_policy": "Correct the permission set's policies or role in the account, or change the set.",
    "aws_trust": f"{_DOCTOR}, which checks the role and prints its trust policy.",
    "aws_not_allowed": "Grant the portal's role what `daypass portal aws-setup` prints.",
    "role_not_found": "Create the role again, or set another role for the tenant.",
    "aws_throttled": "If it lasts, find what else calls AWS in this account, or ask AWS for a higher rate.",
    "aws_unavailable": "Check the network, DNS and proxy between the portal and the endpoint in the cause.",
    "aws_misconfigured": f"{_DOCTOR}, which checks the portal's credentials, region and clock.",
    "internal": "This is a defect of Daypass: please report it, with this line.",
}
"""The remedy for each error code that is answered with a 5xx status."""

_log = structlog.get_logger("portal.errors")


class OperationError(Exception):
    """A failure of work in the background that no client sees, and that is no defect."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def log_error(operation: str, error: BaseException, **fields: object) -> None:
    """Log that *operation* failed with *error*; *fields* say for whom or what.

    A `PortalError` or `OperationError` is logged with its code, reason and cause, any other error with its
    traceback.
    """
    code = code_of(error)
    fields |= {"code": code, "cause": find_cause(error), "remedy": REMEDIES.get(code)}
    if isinstance(error, PortalError | OperationError):
        fields["reason"] = error.reason
    else:
        fields["exc_info"] = error
    _log.error("error", operation=operation, **{name: value for name, value in fields.items() if value})


def code_of(error: BaseException) -> str:
    """Return the code of a `PortalError` or `OperationError`, and `internal` for any other error."""
    return error.code if isinstance(error, PortalError | OperationError) else "internal"


def find_cause(error: BaseException) -> str | None:
    """Return the cause of *error* on one line, for the operator; None if *error* has none besides itself.

    It is the message of the database, AWS or the operating system. The text of other exceptions may contain
    request data, so only their type is returned.
    """
    deepest = error
    while True:
        if isinstance(deepest, PortalError) and deepest.cause:
            return deepest.cause
        if deepest.__cause__ is None:
            break
        deepest = deepest.__cause__
    if isinstance(deepest, PortalError | OperationError):
        return None
    name = type(deepest).__name__
    if not isinstance(deepest, OSError):
        return name
    return printable_line(f"{name}: {one_line(str(deepest))}", LONGEST_CAUSE)


class FailureLog:
    """Logs the failures of an operation that is repeated: once when they begin, and once when they end.

    A failure with another code or cause is logged again. Concurrent failures may be logged twice.
    """

    def __init__(self, operation: str) -> None:
        self._operation = operation
        self._logged: tuple[str, str | None] | None = None

    def failed(self, error: BaseException) -> None:
        """Log *error*, unless the previous run failed alike."""
        failure = (code_of(error), find_cause(error))
        if failure != self._logged:
            self._logged = failure
            log_error(self._operation, error)

    def succeeded(self) -> None:
        """Log the success if the previous run failed."""
        if self._logged is not None:
            self._logged = None
            _log.info("recovered", operation=self._operation)
