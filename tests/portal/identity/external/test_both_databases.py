"""Accounts at identity providers on each database: the statements, and races."""

import threading

import pytest
from sqlalchemy import select

from daypass.portal.errors import AccountRefused, InvalidRequest, SignInAgain
from daypass.portal.identity.browser_sessions import BrowserSessions, SignedIn
from daypass.portal.identity.external.accounts import ExternalAccounts
from daypass.portal.identity.external.links import ExternalLinks
from daypass.portal.identity.model import User
from daypass.portal.storage.engine import Database
from daypass.portal.storage.schema.sign_in import external_identities
from tests.portal.identity.external.conftest import (
    BY_EMAIL,
    CONTEXT,
    CREATING,
    KEY,
    OKTA,
    authentication,
    events,
    link_own,
    verified,
)

DANA = "dana@example.com"


def test_a_verified_address_links_a_person(accounts: ExternalAccounts, dana: User) -> None:
    proven = accounts.prove(BY_EMAIL, authentication(verified(dana.username)), CONTEXT)

    assert accounts.prove(OKTA, authentication(), CONTEXT).record.user == proven.record.user == dana


def test_eight_first_sign_ins_at_once_create_one_user(accounts: ExternalAccounts, database: Database) -> None:
    gate, names, refused = threading.Barrier(8), [], []

    def first_sign_in() -> None:
        gate.wait(30)
        try:
            proven = accounts.prove(CREATING, authentication(verified(DANA)), CONTEXT)
            names.append(proven.record.user.id)
        except AccountRefused as refusal:
            refused.append(refusal.cause_code)

    threads = [threading.Thread(target=first_sign_in) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(names)) == 1
    assert set(refused) <= {"username_taken", "changed"}
    with database.reading() as connection:
        assert len(connection.execute(select(external_identities.c.subject)).all()) == 1


def test_unlinking_ends_the_sessions_that_began_with_the_account(
    links: ExternalLinks,
    accounts: ExternalAccounts,
    browser_sessions: BrowserSessions,
    session: SignedIn,
    database: Database,
) -> None:
    link_own(links, session)
    began = browser_sessions.start(accounts.prove(OKTA, authentication(), CONTEXT), CONTEXT)

    links.unlink(*KEY, session.user, session.token, "r")

    assert events(database)[-1][0] == "external_identity.unlink"
    browser_sessions.find(session.cookie.reveal())
    with pytest.raises(SignInAgain):
        browser_sessions.find(began.cookie.reveal())
    with pytest.raises(AccountRefused):
        accounts.prove(OKTA, authentication(), CONTEXT)
    with pytest.raises(InvalidRequest, match="not linked any more"):
        links.unlink(*KEY, session.user, session.token, "r")
