"""Fakes of AWS and a clock that stands still, for tests of rules."""

import secrets
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from argon2 import PasswordHasher

from daypass.portal.access.broker import Deadline, RoleMaximumExceeded, SetRole
from daypass.portal.access.model import AssumeRoleParameters, Credentials
from daypass.portal.accounts.model import DEFAULT, Account
from daypass.portal.accounts.registry import Accounts, PerAccount
from daypass.portal.config.model import AwsConfig
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.diagnostics.finding import Finding
from daypass.portal.errors import AwsTrustRefused, InvalidRequest, PortalError, SignInFailed
from daypass.portal.identity.jwt.errors import InvalidToken
from daypass.portal.identity.providers.oidc.model import (
    Authentication,
    AuthorizationRequest,
    LogoutToken,
    SavedRequest,
)
from daypass.portal.inventory.finder import Query
from daypass.portal.inventory.model import TaggedArn
from daypass.portal.secret import Secret
from daypass.portal.tenants.model import Tenant

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class FakeClock:
    """A clock that returns the same time until it is moved."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        """Return the current time of the clock."""
        return self.now

    def move(self, by: timedelta) -> None:
        """Move the clock forward."""
        self.now += by


def retargeted(tenant: Tenant, **changes: str) -> Tenant:
    """Return the tenant with another region, role_arn or external_id of its target."""
    return replace(tenant, targets=(replace(tenant.target, **changes),))


def account_of(config: AwsConfig, account_id: str = "123456789012") -> Account:
    """Return the account that *config* sets, with a known id."""
    return Account.known(
        config.partition, account_id, config.role_prefix, config.master_role, region=config.region
    )


def quick_hash(password: Secret) -> str:
    """Return an argon2id hash with the lowest cost, which verification reads from the hash itself."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(password.reveal())


EXAMPLE_IDP = ProviderConfig("example-idp", "https://idp.example.com", "daypass", label="Example IdP")


@dataclass(slots=True)
class FakeOidcProvider:
    """An identity provider whose answer names the account in its `code`."""

    config: ProviderConfig = EXAMPLE_IDP
    authenticated_at: datetime | None = NOON
    claims: dict[str, Mapping[str, object]] = field(default_factory=dict)
    """The claims of each account, by its subject."""
    error: PortalError | None = None
    """The refusal that every call has."""
    logout_tokens: dict[str, LogoutToken] = field(default_factory=dict)
    """The valid logout tokens, by their text."""
    ends_sessions: bool = False
    """Whether the provider has an endpoint at which it ends its own session."""

    @property
    def name(self) -> str:
        """The name in the configuration."""
        return self.config.name

    @property
    def label(self) -> str:
        """The name for users."""
        return self.config.title

    def authorization_request(
        self, redirect_uri: str, *, max_age: timedelta | None = None, acr_values: Sequence[str] = ()
    ) -> AuthorizationRequest:
        """Return a request to a page that does not exist."""
        if self.error is not None:
            raise self.error
        state = secrets.token_urlsafe(16)
        parameters = {"redirect_uri": redirect_uri, "state": state, "acr_values": " ".join(acr_values)}
        if max_age is not None:
            parameters["max_age"] = f"{max_age.total_seconds():.0f}"
        url = f"{self.config.issuer}/authorize?{urlencode(parameters)}"
        return AuthorizationRequest(url, Secret(state), f"nonce of {state}", Secret(f"verifier of {state}"))

    def authenticate(
        self, redirect_uri: str, answer: Mapping[str, str], saved: SavedRequest
    ) -> Authentication:
        """Return the account whose subject is the code, if all else fits the request."""
        if self.error is not None:
            raise self.error
        state = answer["state"]
        assert redirect_uri.endswith(f"/sign-in/oidc/{self.name}/callback")
        assert (saved.nonce, saved.verifier) == (f"nonce of {state}", Secret(f"verifier of {state}"))
        if "code" not in answer:
            raise SignInFailed(f"{self.label} refused the sign-in.")
        return self.authentication(answer["code"], saved.created_at)

    def authentication(self, subject: str, requested_at: datetime = NOON) -> Authentication:
        """Return the authentication of an account."""
        return Authentication(
            issuer=self.config.issuer,
            subject=subject,
            claims=self.claims.get(subject, {}),
            authenticated_at=self.authenticated_at,
            acr="",
            amr=("hwk",),
            sid=f"sid-{subject}",
            id_token=Secret("an-id-token"),
            requested_at=requested_at,
        )

    def end_session_url(self, *, id_token: Secret | None, return_to: str, state: str) -> str | None:
        """Return the address of a page that does not exist, if the provider has the endpoint."""
        if not self.ends_sessions:
            return None
        hint = {} if id_token is None else {"id_token_hint": id_token.reveal()}
        parameters = {"client_id": self.config.client_id, "post_logout_redirect_uri": return_to, **hint}
        return f"{self.config.issuer}/logout?{urlencode({**parameters, 'state': state})}"

    def logout_token(self, text: str) -> LogoutToken:
        """Return the logout token with this text."""
        if text not in self.logout_tokens:
            raise InvalidToken("signature", "The token's signature is wrong.")
        return self.logout_tokens[text]


def nothing_happens() -> None:
    """Do nothing during a call to AWS."""


@dataclass(slots=True)
class FakeBroker:
    """A broker whose answers are attributes; it records its calls."""

    clock: Callable[[], datetime] = field(default_factory=FakeClock)
    is_chained: bool = False
    account_id: str = "123456789012"
    partition: str = "aws"
    maximum: timedelta | None = None
    """The maximum session duration that IAM returns for every role."""
    enforced_maximum: timedelta = timedelta(hours=12)
    """The maximum session duration that STS enforces for every role."""
    refuses_attribution: bool = False
    skew: timedelta = timedelta()
    """The time by which AWS's clock is ahead of the portal's."""
    assume_error: BaseException | None = None
    console_error: BaseException | None = None
    during_assume: Callable[[], None] = nothing_happens
    """Runs during each AssumeRole call."""
    maximum_reads: int = 0
    set_role_problem: str = ""
    """The problem of the role of every permission set."""
    set_role_error: Exception | None = None
    during_check: Callable[[], None] = nothing_happens
    """Runs in each check of such a role, after its problem was read."""
    checked_roles: list[SetRole] = field(default_factory=list)
    """The roles of permission sets that were checked."""
    assumed: list[tuple[AssumeRoleParameters, bool]] = field(default_factory=list)
    """The parameters of each AssumeRole call, and whether it was attributed."""
    issued_credentials: list[Credentials] = field(default_factory=list)
    opened_pages: list[str] = field(default_factory=list)
    silent: dict[str, threading.Event] = field(default_factory=dict)
    """Role ARNs for which AWS does not answer until their event is set."""
    threads: set[str] = field(default_factory=set)
    """The names of the threads that called AWS."""

    def role_maximum(self, role_arn: str, deadline: Deadline) -> timedelta | None:  # noqa: ARG002  the protocol's
        """Return `maximum`."""
        self.maximum_reads += 1
        self.threads.add(threading.current_thread().name)
        return self.maximum

    def find_set_role_problem(self, role: SetRole, deadline: Deadline) -> str:  # noqa: ARG002  the protocol's
        """Return `set_role_problem`, or raise `set_role_error`."""
        self.checked_roles.append(role)
        if self.set_role_error is not None:
            raise self.set_role_error
        problem = self.set_role_problem
        self.during_check()
        return problem

    def assume(self, session: AssumeRoleParameters, *, attributed: bool, deadline: Deadline) -> Credentials:  # noqa: ARG002  the protocol's
        """Return credentials, or raise `assume_error`."""
        self.assumed.append((session, attributed))
        self.threads.add(threading.current_thread().name)
        self.during_assume()
        if session.role_arn in self.silent:
            self.silent[session.role_arn].wait(20)
        if self.assume_error is not None:
            raise self.assume_error
        if attributed and self.refuses_attribution:
            raise AwsTrustRefused("The role does not let the portal assume it.")
        if session.duration > self.enforced_maximum:
            raise RoleMaximumExceeded("The requested session is longer than the role allows.")
        number = len(self.issued_credentials) + 1
        credentials = Credentials(
            access_key_id=f"ASIAFAKE{number:012}",
            secret_access_key=Secret(f"secret-canary-{number}"),
            session_token=Secret(f"token-canary-{number}"),
            expires_at=self.clock() + self.skew + session.duration,
        )
        self.issued_credentials.append(credentials)
        return credentials

    def destination(self, region: str, typed: str | None) -> str:
        """Return the URL of a console page; accepts paths only."""
        if typed is not None and not typed.startswith("/"):
            raise InvalidRequest("The destination is not a page of the AWS console.")
        return f"https://{region}.console.example{typed or '/'}"

    def console_url(self, credentials: Credentials, destination: str, deadline: Deadline) -> Secret:  # noqa: ARG002  the protocol's
        """Return a console link, or raise `console_error`."""
        if self.console_error is not None:
            raise self.console_error
        self.opened_pages.append(destination)
        return Secret(f"https://signin.example/federation?SigninToken={credentials.access_key_id}")


def accounts_of(broker: FakeBroker) -> Accounts:
    """Return the registry of the one account that *broker* works in."""
    return Accounts(
        Account(
            name=DEFAULT,
            partition=broker.partition,
            region="us-west-2",
            role_prefix="duploservices-",
            master_role="duplomaster",
            find_id=lambda: broker.account_id,
        )
    )


def brokers_of(broker: FakeBroker) -> PerAccount[FakeBroker]:
    """Return *broker* as the one of the account in `accounts_of`."""
    return PerAccount({DEFAULT: broker})


@dataclass(slots=True)
class FakeBoundaries:
    """An IAM in which all roles have the same permissions boundary, and which counts the calls."""

    arn: str | None = None
    error: Exception | None = None
    calls: list[str] = field(default_factory=list)

    def boundary_arn(self, role_arn: str) -> str | None:
        self.calls.append(role_arn)
        if self.error:
            raise self.error
        return self.arn


@dataclass(slots=True)
class FakeFinder:
    """A tag search that ignores the query and returns all its resources."""

    resources: list[TaggedArn] = field(default_factory=list)
    error: Exception | None = None
    error_after: int = 0
    """The number of pages before `error` is raised."""
    page_size: int = 100
    during_search: Callable[[], None] = nothing_happens
    """Runs during each search."""
    queries: list[Query] = field(default_factory=list)

    def pages(
        self,
        query: Query,
        credentials: Credentials,  # noqa: ARG002  the protocol's
        deadline: Deadline,  # noqa: ARG002  the protocol's
    ) -> Iterator[Sequence[TaggedArn]]:
        """Yield all resources, one page at a time."""
        self.queries.append(query)
        self.during_search()
        for number, start in enumerate(range(0, len(self.resources) or 1, self.page_size)):
            if self.error is not None and number == self.error_after:
                raise self.error
            yield self.resources[start : start + self.page_size]


@dataclass(slots=True)
class FakeDoctor:
    """A doctor that returns the same findings for every tenant."""

    findings: list[Finding] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    """The names of the threads that called it."""

    def examine_tenant(self, tenant: Tenant) -> Sequence[Finding]:  # noqa: ARG002  the protocol's
        """Return `findings`."""
        self.threads.add(threading.current_thread().name)
        return self.findings
