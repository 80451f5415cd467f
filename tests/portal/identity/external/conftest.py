"""Fixtures for sign-in with accounts at identity providers."""

import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from sqlalchemy import select

from daypass.portal.audit.committer import Committer
from daypass.portal.config.providers import ProviderConfig
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.links import ExternalLinks, SignInMethods
from daypass.portal.identity.model import User
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import NOON, FakeClock
from tests.portal.identity.conftest import HOME, sign_in

OKTA = ProviderConfig("okta", "https://okta.example.com", "daypass", label="Okta")
CREATING = replace(OKTA, creates_users=True)
BY_EMAIL = replace(OKTA, links_by_email=True, email_domains=frozenset({"example.com"}))
CONTEXT = SignInContext(HOME, "r")
KEY = ("okta", OKTA.issuer, "00u-dana")
NO_CLAIMS: Mapping[str, object] = MappingProxyType({})


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database, without the pooler, which these statements do not depend on."""
    url = request.getfixturevalue(f"{request.param}_url")
    assert isinstance(url, str)
    return url


@pytest.fixture
def accounts(database: Database, committer: Committer, clock: FakeClock) -> ExternalAccounts:
    return ExternalAccounts.of(database, committer, clock)


@pytest.fixture
def links(database: Database, committer: Committer, clock: FakeClock) -> ExternalLinks:
    return ExternalLinks(database, committer, clock, SignInMethods([OKTA], accepts_passwords=True))


@pytest.fixture
def session(browser_sessions: BrowserSessions, dana: User) -> SignedIn:
    return sign_in(browser_sessions, dana.username)


def link_own(links: ExternalLinks, session: SignedIn, subject: str = "00u-dana") -> None:
    answered = authentication(verified("d.ana@work.example"), subject)
    links.link(OKTA, answered, session.user, session.token, "r")


def authentication(claims: Mapping[str, object] = NO_CLAIMS, subject: str = "00u-dana") -> Authentication:
    """Return the authentication of an account at Okta, just now, with these claims."""
    return Authentication(
        issuer=OKTA.issuer,
        subject=subject,
        claims=claims,
        authenticated_at=NOON,
        acr="",
        amr=("pwd", "mfa"),
        sid=f"sid-{subject}",
        id_token=Secret("an-id-token"),
        requested_at=NOON,
    )


def verified(email: str, **claims: object) -> dict[str, object]:
    """Return the claims of an account with a verified e-mail address, which is its username too."""
    return {"email": email, "email_verified": True, "preferred_username": email, **claims}


def events(database: Database) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return action, outcome, subject and detail of every audit event but the chain's, oldest first."""
    with database.reading() as connection:
        rows = connection.execute(select(audit_events).order_by(audit_events.c.position)).all()
    return [
        (row.action, row.outcome, row.subject, json.loads(row.detail))
        for row in rows
        if row.action != "chain.opened"
    ]
