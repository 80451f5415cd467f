"""A job of a CI system: its issuer, and a portal that exchanges each identity token once."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock

import pytest

from daypass.cli.identity import claims
from tests.cli.conftest import Command, Inside, Ran
from tests.cli.stub import ReceivedRequest, Reply, StubPortal
from tests.fixtures.ci_issuer import GITLAB_JOB, CiIssuer, ci_issuer

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
TOKEN_NUMBER = "daypass_wlt_canary_{}"


@dataclass(slots=True)
class ExchangePortal:
    """A portal that gives a numbered token for each identity token, which it accepts once."""

    stub: StubPortal
    lifetime: int = 3600
    exchanges: list[Mapping[str, str]] = field(default_factory=list)
    """The form of each exchange."""
    revoked: set[str] = field(default_factory=set)
    """Portal tokens that are answered with 401."""
    refusal: Reply | None = None
    """The answer to each exchange; by default a token."""
    callers: list[str] = field(default_factory=list)
    """The bearer token of each call of the API."""
    _seen: set[str] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.stub.reply = self._reply

    def _reply(self, request: ReceivedRequest) -> Reply:
        if request.path == "/oauth/token":
            with self._lock:
                return self._exchange(request.body)
        if request.path == "/api/v1/openapi.json":
            return self.stub.usual(request)
        token = request.headers["Authorization"].removeprefix("Bearer ")
        self.callers.append(token)
        is_known = token.startswith("daypass_wlt_") or token == "access_canary"
        if token in self.revoked or not is_known:
            content = {"Content-Type": "application/problem+json"}
            return Reply(401, b'{"detail": "This token is not valid.", "code": "unauthenticated"}', content)
        return self.stub.usual(request)

    def _exchange(self, form: Mapping[str, str]) -> Reply:
        self.exchanges.append(form)
        if self.refusal is not None:
            return self.refusal
        present = claims.unverified(form["subject_token"])
        identifier = str(present["jti"])
        if present["aud"] not in (self.stub.url, [self.stub.url]) or identifier in self._seen:
            return oauth_error("invalid_grant", "No workload rule accepts this token.")
        self._seen.add(identifier)
        content = {
            "access_token": TOKEN_NUMBER.format(len(self.exchanges)),
            "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }
        return Reply(200, json.dumps(content).encode(), {"Content-Type": "application/json"})


def oauth_error(code: str, description: str, status: int = 400) -> Reply:
    """Return the error answer of RFC 6749."""
    body = json.dumps({"error": code, "error_description": description}).encode()
    return Reply(status, body, {"Content-Type": "application/json"})


@dataclass(frozen=True, slots=True)
class CiJob:
    """A job that runs `daypass` without a stored secret; no secret of it may be printed."""

    daypass: Command
    portal: ExchangePortal
    issuer: CiIssuer
    variables: dict[str, str]

    def environment(self, **more: str) -> dict[str, str]:
        """Return the job's environment: like a runner's, without a token of the portal."""
        own = self.daypass.environment(DAYPASS_TOKEN="", DAYPASS_DEBUG="1")
        return {name: value for name, value in {**own, **self.variables, **more}.items() if value}

    def __call__(self, *words: str, **more: str) -> Ran:
        """Run the command to its end, with debug messages, and check that it prints no secret."""
        environment = self.environment(**more)
        ran = self.daypass.run(words, environment)
        self.check(ran, environment)
        return ran

    def check(self, ran: Ran, environment: Mapping[str, str]) -> None:
        """Check that neither the identity token nor a portal token nor the job's bearer token was printed."""
        sent = [form["subject_token"] for form in self.portal.exchanges]
        given = [environment[name] for name in SECRET_VARIABLES if name in environment]
        for secret in (*sent, *given, self.issuer.request_token, "daypass_wlt_canary"):
            assert secret not in ran.out + ran.err


SECRET_VARIABLES = (
    "DAYPASS_ID_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "BITBUCKET_STEP_OIDC_TOKEN",
    "TFC_WORKLOAD_IDENTITY_TOKEN",
    "SYSTEM_ACCESSTOKEN",
)


@pytest.fixture(scope="module")
def shared_issuer() -> Iterator[CiIssuer]:
    """One issuer for a module, because making its key takes time."""
    with ci_issuer() as issuer:
        yield issuer


@pytest.fixture
def issuer(shared_issuer: CiIssuer) -> CiIssuer:
    """The issuer, without records of earlier tests."""
    shared_issuer.audiences.clear()
    shared_issuer.paths.clear()
    return shared_issuer


@pytest.fixture
def exchanging(portal: StubPortal) -> ExchangePortal:
    """The portal with an endpoint that exchanges tokens."""
    return ExchangePortal(portal)


@dataclass(frozen=True, slots=True)
class JobInside(CiJob):
    """The same job, whose commands run inside this process."""

    inside: Inside

    @property
    def processes(self) -> CiJob:
        """The job, whose commands run in processes of their own."""
        return CiJob(self.daypass, self.portal, self.issuer, self.variables)

    def __call__(self, *words: str, **more: str) -> Ran:
        """Run the command to its end, with debug messages, and check that it prints no secret."""
        environment = self.environment(**more)
        ran = self.inside(*words, **({"DAYPASS_TOKEN": "", "DAYPASS_HOST": ""} | environment))
        self.check(ran, environment)
        return ran


@pytest.fixture
def job(daypass: Command, exchanging: ExchangePortal, issuer: CiIssuer, inside: Inside) -> JobInside:
    """A job of GitHub Actions."""
    return JobInside(daypass, exchanging, issuer, issuer.github_variables(), inside)


@pytest.fixture
def gitlab(job: JobInside) -> JobInside:
    """A job of GitLab CI, which has one identity token."""
    token = job.issuer.mint(job.portal.stub.url, GITLAB_JOB)
    return replace(job, variables={"GITLAB_CI": "true", "DAYPASS_ID_TOKEN": token})
