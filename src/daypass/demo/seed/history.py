"""Sample history: sessions of the last days, so that a new demo's charts and lists are not empty.

The portal's own issuer records them, with a broker that does not call AWS and a clock in the past. Pages,
both APIs, the audit log and exports show `REASON` as their reason.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain
from uuid import uuid4

from daypass.common.session_limits import MINIMUM_DURATION, MINIMUM_ROLE_MAXIMUM
from daypass.demo.seed.fixtures import ADMIN, CI, DANA, MASTER_ROLE, NOOR, REGION, ROLE_PREFIX
from daypass.portal.access.broker import Deadline, SetRole
from daypass.portal.access.issue import Issuer
from daypass.portal.access.model import (
    AssumeRoleParameters,
    Caller,
    Credentials,
    Purpose,
    SessionRequest,
)
from daypass.portal.accounts.model import Account
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.audit.committer import Committer
from daypass.portal.clock import Clock
from daypass.portal.errors import AwsError, AwsThrottled, AwsUnavailable, PortalError
from daypass.portal.identity.scopes import ADMIN_SCOPE, Scope
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database

REASON = "sample history of the demo"
DAYS = 29
"""The number of days before today. Today has real sessions only; the charts show thirty days."""

_DAY = timedelta(days=1)
_SATURDAY = 5

_DEV, _PROD, _DATA = (Scope.of_tenant(name) for name in ("dev01", "prod01", "data01"))
_KEYS, _READ_PROD = SessionRequest(_DEV), SessionRequest(_PROD, purpose=Purpose.CONSOLE)
_DEPLOY = SessionRequest(_DEV, duration=MINIMUM_DURATION)

_THROTTLED = AwsThrottled("AWS asks for fewer requests. Try again in a moment.")
_NO_ANSWER = AwsUnavailable("AWS did not answer in time. Try again in a moment.")

# Sessions per day. The cycles are longer than a week, so that no two weeks look the same.
_DANA_A_DAY = (3, 4, 2, 5, 3, 1, 4, 2, 6, 3, 2)
_DEPLOYS_A_DAY = (1, 2, 3, 1, 0, 2, 4, 1, 2)


@dataclass(frozen=True, slots=True)
class PastRequest:
    """A request for a session, and the error of AWS that it gets, if any."""

    at: datetime
    username: str
    ask: SessionRequest
    failure: AwsError | None = None


@dataclass(slots=True)
class PastClock:
    """A clock that stands still until it is set."""

    now: datetime

    def __call__(self) -> datetime:
        """Return the time that was set."""
        return self.now


@dataclass(slots=True)
class SampleBroker:
    """A fake broker; its keys are not valid in any AWS."""

    clock: Clock
    failure: AwsError | None = None
    """The error to raise in place of issuing keys."""
    issued: int = 0
    is_chained: bool = False

    def role_maximum(self, role_arn: str, deadline: Deadline) -> timedelta | None:  # noqa: ARG002  the protocol's
        """Return the maximum of the demo's roles."""
        return MINIMUM_ROLE_MAXIMUM

    def find_set_role_problem(self, role: SetRole, deadline: Deadline) -> str:  # noqa: ARG002  the protocol's
        """Return no problem."""
        return ""

    def assume(self, session: AssumeRoleParameters, *, attributed: bool, deadline: Deadline) -> Credentials:  # noqa: ARG002  the protocol's
        """Return invalid keys, or raise `failure` if it is set."""
        if self.failure is not None:
            raise self.failure
        self.issued += 1
        return Credentials(
            access_key_id=f"ASIASAMPLE{self.issued:010}",
            secret_access_key=Secret("sample"),
            session_token=Secret("sample"),
            expires_at=self.clock() + session.duration,
        )

    def destination(self, region: str, typed: str | None) -> str:  # noqa: ARG002  the protocol's
        """Return the console's first page in *region*."""
        return f"https://{region}.console.aws.amazon.com/"

    def console_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:  # noqa: ARG002  the protocol's
        """Return a link without a sign-in."""
        return Secret(destination)


def beginning(now: datetime) -> datetime:
    """Return the midnight (UTC) at which a history that ends before *now* begins."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - DAYS * _DAY


def requests(begins_at: datetime) -> list[PastRequest]:
    """Return all requests of a history, oldest first; the same for the same beginning.

    All sessions end within the history, so none of them is live.
    """
    days = (_requests_of(number, begins_at + number * _DAY) for number in range(DAYS))
    return sorted(chain.from_iterable(days), key=lambda request: request.at)


def record_history(
    database: Database, committer: Committer, clock: PastClock, account_id: str, callers: Mapping[str, Caller]
) -> None:
    """Issue the `requests` that begin at the time of *clock*, and advance *clock* with them.

    *committer* must use the same clock, so that its time stamps are those of the requests.
    """
    broker = SampleBroker(clock)
    account = Account.known("aws", account_id, ROLE_PREFIX, MASTER_ROLE, region=REGION)
    issuer = Issuer(database, committer, Accounts(account), PerAccount({account.name: broker}), clock)
    for request in requests(clock.now):
        clock.now, broker.failure = request.at, request.failure
        # Each request over HTTP has an id of its own, which the audit log shows.
        caller = replace(callers[request.username], request_id=uuid4().hex)
        # Denials and failures are part of the history; the issuer has recorded them.
        with suppress(PortalError):
            issuer.issue(caller, replace(request.ask, reason=REASON))


def _requests_of(number: int, day: datetime) -> Iterator[PastRequest]:
    """Yield the requests of one day, in no particular order."""
    # Remainders of the day's number and no random numbers: every new demo shows the same history.
    nightly = day + timedelta(hours=2, minutes=15)
    yield PastRequest(nightly, CI.username, _DEPLOY, _NO_ANSWER if number % 13 == 6 else None)
    if day.weekday() >= _SATURDAY:
        return
    for turn in range(_DANA_A_DAY[number % len(_DANA_A_DAY)]):
        ask = _READ_PROD if turn % 3 == 2 else _KEYS
        failure = _THROTTLED if (number + turn) % 17 == 5 else None
        yield PastRequest(_moment(day, number, turn), DANA.username, ask, failure)
    for turn in range(_DEPLOYS_A_DAY[number % len(_DEPLOYS_A_DAY)]):
        yield PastRequest(_moment(day, number + 3, turn), CI.username, _DEPLOY)
    yield from _occasional_requests(number, day)


def _occasional_requests(number: int, day: datetime) -> Iterator[PastRequest]:
    """Yield the requests of some days only: an Administrator's, and denied ones."""
    if number % 4 == 1:
        yield PastRequest(_moment(day, number + 5, 1), ADMIN.username, SessionRequest(ADMIN_SCOPE))
    if number % 5 == 2:
        yield PastRequest(_moment(day, number + 7, 2), DANA.username, SessionRequest(_DATA))
    if number % 7 == 3:
        yield PastRequest(_moment(day, number + 2, 0), NOOR.username, SessionRequest(_DEV))
    if number % 11 == 8:
        yield PastRequest(_moment(day, number + 9, 3), DANA.username, SessionRequest(ADMIN_SCOPE))


def _moment(day: datetime, number: int, turn: int) -> datetime:
    """Return a time in the working hours (UTC), later for each *turn*."""
    return day + timedelta(hours=8, minutes=85 * turn + (number * 17 + turn * 23) % 60, seconds=number)
