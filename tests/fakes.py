"""Stand-ins for what leaves the process, and a clock that stands still."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from argon2 import PasswordHasher

from daypass.portal.access.broker import Deadline, RoleMaximumExceeded
from daypass.portal.access.model import AssumeRoleParameters, Credentials
from daypass.portal.admin.roles.findings import Finding
from daypass.portal.errors import AwsTrustRefused, InvalidRequest
from daypass.portal.inventory.finder import Query
from daypass.portal.inventory.model import TaggedArn
from daypass.portal.secret import Secret
from daypass.portal.tenants.model import Tenant

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class FakeClock:
    """Says the same moment until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """The present moment."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Let time pass."""
        self.now += by


def quick_hash(password: Secret) -> str:
    """What is stored of a password that is looked at in no time: a stored hash says itself what it costs."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password.reveal())


def nothing_happens() -> None:
    """What usually goes on while AWS is being asked."""


@dataclass(slots=True)
class FakeBroker:
    """An AWS that does what it is told, and remembers what it was asked."""

    clock: Callable[[], datetime] = field(default_factory=FakeClock)
    is_chained: bool = False
    account_id: str = "123456789012"
    partition: str = "aws"
    maximum: timedelta | None = None
    """What IAM says of every role."""
    enforced_maximum: timedelta = timedelta(hours=12)
    """What STS holds every role to."""
    refuses_attribution: bool = False
    skew: timedelta = timedelta()
    """How far AWS's clock is ahead of ours."""
    assume_error: BaseException | None = None
    console_error: BaseException | None = None
    meanwhile: Callable[[], None] = nothing_happens
    """Runs while AWS is being asked for a session."""
    maximum_reads: int = 0
    assumed: list[tuple[AssumeRoleParameters, bool]] = field(default_factory=list)
    """Each session that was asked for, and whether with identity and tags."""
    given: list[Credentials] = field(default_factory=list)
    landed: list[str] = field(default_factory=list)
    silent: dict[str, threading.Event] = field(default_factory=dict)
    """The roles about which AWS says nothing, each until its event is set."""
    threads: set[str] = field(default_factory=set)
    """The names of the threads that asked AWS."""

    def role_maximum(self, role_arn: str, deadline: Deadline) -> timedelta | None:  # noqa: ARG002  the protocol's
        """What IAM says."""
        self.maximum_reads += 1
        self.threads.add(threading.current_thread().name)
        return self.maximum

    def assume(self, session: AssumeRoleParameters, *, attributed: bool, deadline: Deadline) -> Credentials:  # noqa: ARG002  the protocol's
        """Keys, unless told otherwise."""
        self.assumed.append((session, attributed))
        self.threads.add(threading.current_thread().name)
        self.meanwhile()
        if session.role_arn in self.silent:
            self.silent[session.role_arn].wait(20)
        if self.assume_error is not None:
            raise self.assume_error
        if attributed and self.refuses_attribution:
            raise AwsTrustRefused("The role does not let the portal in.")
        if session.duration > self.enforced_maximum:
            raise RoleMaximumExceeded("The session asked for is longer than the role allows.")
        number = len(self.given) + 1
        credentials = Credentials(
            access_key_id=f"ASIAFAKE{number:012}",
            secret_access_key=Secret(f"secret-canary-{number}"),
            session_token=Secret(f"token-canary-{number}"),
            expires_at=self.clock() + self.skew + session.duration,
        )
        self.given.append(credentials)
        return credentials

    def destination(self, region: str, typed: str | None) -> str:
        """Paths only."""
        if typed is not None and not typed.startswith("/"):
            raise InvalidRequest("The destination is not a page of the AWS console.")
        return f"https://{region}.console.example{typed or '/'}"

    def console_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:  # noqa: ARG002  the protocol's
        """A link, unless told otherwise."""
        if self.console_error is not None:
            raise self.console_error
        self.landed.append(destination)
        return Secret(f"https://signin.example/federation?SigninToken={credentials.access_key_id}")


@dataclass(slots=True)
class FakeSource:
    """A tag search that ignores what it was asked for, and answers with all that it has."""

    has: list[TaggedArn] = field(default_factory=list)
    error: Exception | None = None
    error_after: int = 0
    """After how many pages the error comes."""
    page_size: int = 100
    meanwhile: Callable[[], None] = nothing_happens
    """Runs while AWS is being asked."""
    asked: list[Query] = field(default_factory=list)

    def pages(
        self,
        query: Query,
        credentials: Credentials,  # noqa: ARG002  the protocol's
        deadline: Deadline,  # noqa: ARG002  the protocol's
    ) -> Iterator[Sequence[TaggedArn]]:
        """All of it, page after page."""
        self.asked.append(query)
        self.meanwhile()
        for number, start in enumerate(range(0, len(self.has) or 1, self.page_size)):
            if self.error is not None and number == self.error_after:
                raise self.error
            yield self.has[start : start + self.page_size]


@dataclass(slots=True)
class FakeDoctor:
    """Says of every tenant's role what it is told to say."""

    findings: list[Finding] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    """The names of the threads that asked."""

    def examine_tenant(self, tenant: Tenant) -> Sequence[Finding]:  # noqa: ARG002  the protocol's
        """All of it."""
        self.threads.add(threading.current_thread().name)
        return self.findings
