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
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.providers.base import SignInContext
from daypass.portal.identity.providers.oidc.model import Authentication
from daypass.portal.secret import Secret
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.audit import audit_events
from tests.fakes import NOON, FakeClock
from tests.portal.identity.conftest import HOME

OKTA = ProviderConfig("okta", "https://okta.example.com", "daypass", label="Okta")
CREATING = replace(OKTA, creates_users=True)
BY_EMAIL = replace(OKTA, links_by_email=True, email_domains=frozenset({"example.com"}))
CONTEXT = SignInContext(HOME, "r")
NO_CLAIMS: Mapping[str, object] = MappingProxyType({})


@pytest.fixture
def accounts(database: Database, committer: Committer, clock: FakeClock) -> ExternalAccounts:
    return ExternalAccounts.of(database, committer, clock)


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
