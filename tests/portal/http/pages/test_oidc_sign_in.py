"""Sign-in through the pages at a provider that this project did not write (npm oidc-provider)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import pytest

from daypass.portal.clock import utc_now
from daypass.portal.config.model import PasswordSignIn
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.http.layout.cookies import SESSION
from daypass.portal.secret import Secret
from tests.identity_provider.run import Browser, IdentityProvider
from tests.portal.http.client import Answer, Client
from tests.portal.http.world import PUBLIC_URL, World, world

CALLBACK = f"{PUBLIC_URL}/sign-in/oidc/company/callback"


@dataclass(slots=True)
class Visitor:
    """A browser with its cookies of the portal, and its session at the provider."""

    client: Client
    at_provider: Browser = field(default_factory=Browser)
    cookies: dict[str, str] = field(default_factory=dict)

    def get(self, address: str) -> Answer:
        path, _, query = address.removeprefix(PUBLIC_URL).partition("?")
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        headers = [("Accept", "text/html"), ("Cookie", cookies)]
        answer = self.client.send("GET", path, headers=headers, query=query)
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, content = value.partition(";")[0].partition("=")
                self.cookies[key] = content
        return answer

    def authenticate(self, address: str, account: str) -> Answer:
        """Follow a redirect of the portal to the provider and back; return the portal's last answer."""
        begun = self.get(address)
        assert begun.status == 303, begun.body
        answer = self.at_provider.sign_in(begun.header("location") or "", account, CALLBACK)
        return self.get(f"{CALLBACK}?{urlencode(answer)}")

    def sees(self, address: str = "/profile") -> int:
        return self.get(address).status


def config(issuer: str) -> ProviderConfig:
    secret = Secret("a-secret-of-a-client")
    return ProviderConfig("company", issuer, "daypass", secret, "Example Corp", creates_users=True)


@contextmanager
def portal_of(url: str, provider: ProviderConfig) -> Iterator[World]:
    with world(url, providers=(provider,), password_sign_in=PasswordSignIn.BREAK_GLASS) as made:
        # The provider's tokens have the time of this machine.
        made.clock.now = utc_now()
        yield made


@pytest.fixture
def portal(sqlite_url: str, identity_provider: IdentityProvider) -> Iterator[World]:
    identity_provider.add_client(
        "daypass",
        [CALLBACK],
        client_secret="a-secret-of-a-client",
        require_auth_time=True,
        backchannel_logout_uri=f"{PUBLIC_URL}/sign-in/oidc/company/logout",
    )
    identity_provider.add_account("00u-erin", preferred_username="erin@example.com")
    identity_provider.add_account("00u-frank", preferred_username="frank@example.com")
    with portal_of(sqlite_url, config(identity_provider.issuer)) as made:
        yield made


def test_a_first_sign_in_creates_the_user_and_leads_to_the_page(portal: World) -> None:
    visitor = Visitor(portal.client())

    signed_in = visitor.authenticate("/sign-in/oidc/company?next=/profile", "00u-erin")

    assert (signed_in.status, signed_in.header("location")) == (303, "/profile")
    assert SESSION in visitor.cookies
    assert b"erin@example.com" in visitor.get("/profile").body


def test_a_user_who_cancels_is_not_signed_in(portal: World) -> None:
    visitor = Visitor(portal.client())

    refused = visitor.authenticate("/sign-in/oidc/company", "")

    assert refused.status >= 400
    assert b"access_denied" in refused.body
    assert b"The user pressed Cancel" not in refused.body
    assert visitor.sees() == 303


def test_another_account_does_not_confirm_the_user(portal: World) -> None:
    visitor = Visitor(portal.client())
    visitor.authenticate("/sign-in/oidc/company", "00u-erin")

    refused = visitor.authenticate("/confirm?next=/profile", "00u-frank")
    confirmed = visitor.authenticate("/confirm?next=/profile", "00u-erin")

    assert refused.status >= 400
    assert (confirmed.status, urlsplit(confirmed.header("location") or "").path) == (303, "/profile")


def test_the_providers_logout_token_ends_the_session(
    portal: World, identity_provider: IdentityProvider
) -> None:
    visitor = Visitor(portal.client())
    visitor.authenticate("/sign-in/oidc/company", "00u-erin")
    before = visitor.sees()
    token = identity_provider.logout_token("daypass", "00u-erin", None)

    answer = portal.client().send(
        "POST",
        "/sign-in/oidc/company/logout",
        body=urlencode({"logout_token": token}).encode(),
        headers=[("Content-Type", "application/x-www-form-urlencoded")],
    )

    assert (before, answer.status, visitor.sees()) == (200, 200, 303)


def test_a_portal_starts_while_its_provider_is_down(sqlite_url: str) -> None:
    # No process listens on port 1.
    with portal_of(sqlite_url, config("http://127.0.0.1:1")) as made:
        visitor = Visitor(made.client())
        page = visitor.get("/sign-in?choose=1")
        begun = visitor.get("/sign-in/oidc/company")

    assert (page.status, b"Example Corp" in page.body) == (200, True)
    assert begun.status == 503
