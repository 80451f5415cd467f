"""A provider of the portal, and the issuer behind it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from daypass.portal.config.providers import ProviderConfig
from daypass.portal.errors import PortalError
from daypass.portal.identity.jwt import Issuers
from daypass.portal.identity.jwt.fetch import Fetcher
from daypass.portal.identity.providers.oidc.model import Authentication, AuthorizationRequest, SavedRequest
from daypass.portal.identity.providers.oidc.provider import OidcProvider
from daypass.portal.secret import Secret
from tests.fakes import FakeClock
from tests.fixtures.forging_issuer import CANARY, ForgingIssuer, forging_issuer

CALLBACK = "https://portal.example.com/sign-in/oidc/idp/callback"


@dataclass
class Sign:
    """Signs in at the issuer as a browser would, and gives the answer to the portal."""

    issuer: ForgingIssuer
    provider: OidcProvider
    clock: FakeClock
    max_age: timedelta | None = None
    acr_values: tuple[str, ...] = ()
    sent: list[AuthorizationRequest] = field(default_factory=list)

    def request(self) -> AuthorizationRequest:
        """Return a new request of the portal."""
        made = self.provider.authorization_request(CALLBACK, max_age=self.max_age, acr_values=self.acr_values)
        self.sent.append(made)
        return made

    def saved(self, request: AuthorizationRequest) -> SavedRequest:
        """Return what the portal keeps of *request*."""
        return SavedRequest(request.nonce, request.verifier, self.max_age, self.acr_values, self.clock())

    def in_(self, **answer: str | None) -> Authentication:
        """Return the proven account; *answer* changes the query parameters of the callback."""
        request = self.request()
        parameters = self.issuer.authorize(request.url, **answer)
        return self.provider.authenticate(CALLBACK, parameters, self.saved(request))

    def refused(self, **answer: str | None) -> PortalError:
        """Return the refusal, in which nothing secret may be."""
        with pytest.raises(PortalError) as caught:
            self.in_(**answer)
        self.check_secrets(caught.value)
        return caught.value

    def reason(self, **answer: str | None) -> str:
        """Return the reason in the cause of a refusal."""
        return (self.refused(**answer).cause or "").split(": ")[1]

    def check_secrets(self, error: BaseException | None) -> None:
        """Fail if a secret of this sign-in is in *error*, or in an error that led to it."""
        secrets = [CANARY, "secret-of-the-client"]
        for request in self.sent:
            secrets += [request.state.reveal(), request.nonce, request.verifier.reveal()]
        while error is not None:
            text = f"{error} {error!r} {getattr(error, 'cause', '')}"
            assert [secret for secret in secrets if secret in text] == []
            error = error.__cause__ or error.__context__


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> Iterator[ForgingIssuer]:
    with forging_issuer(clock) as running:
        running.person["preferred_username"] = "alice"
        yield running


Configure = Callable[..., Sign]


@pytest.fixture
def configure(issuer: ForgingIssuer, clock: FakeClock) -> Configure:
    """Return a function that makes the portal's view of the issuer, with changes of the configuration."""
    secret = Secret(str(issuer.client_secret))
    config = ProviderConfig("idp", issuer.url, issuer.client_id, secret, "Example", scopes=("openid",))
    issuers = Issuers(clock, Fetcher(time_limit=60, environment={}))

    def configured(**changes: Any) -> Sign:  # noqa: ANN401  fields of many types
        return Sign(issuer, OidcProvider(replace(config, **changes), issuers, clock), clock)

    return configured


@pytest.fixture
def sign(configure: Configure) -> Sign:
    return configure()
